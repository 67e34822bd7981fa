r"""Decoders of documents: logits of each word, from a latent variable and the words before.

.. math:: \eta_t = \beta^\top g(z) + (I - \beta^\top \beta)(W s_t + b), \qquad s_t = RNN(x_{<t}, z),
    \qquad \beta \beta^\top = I_K, \quad \beta 1 = 0

is the section of Example 2 of Wang, Blei & Cunningham (NeurIPS 2021), whose g2(beta' g1([z, s_t])) it stands for. g is
a chain of Brenier maps of R^K that sees no state, so :math:`\beta \eta_t = g(z)` for every history, and

.. math:: |\eta_t(z) - \eta_t(z')| \ge r |z - z'|.

Different logits may be the same distribution if they differ by a constant; rows of beta that sum to 0 leave that out,
so what z does to them is done to the distribution.
"""

from typing import Protocol

import torch
from torch import Tensor, nn

from ..chain import BrenierChain
from ..embedding import OrthogonalEmbedding
from .recurrent import RecurrentStates

__all__ = ["PlainSequenceDecoder", "SequenceDecoder", "SequenceSection"]

LARGEST_SLOPE = 30.0
"""That a section starts at, in logits for a standard deviation of z."""


class SequenceDecoder(Protocol):
    """What a model of documents asks of a decoder."""

    states: RecurrentStates

    def __call__(self, z: Tensor, x: Tensor) -> Tensor:
        """Logits of each word given those before: ``(M, K), (M, T) -> (M, T, V)``."""

    def logits(self, z: Tensor, states: Tensor) -> Tensor:
        """Logits at some states: ``(M, K), (M, T, H) -> (M, T, V)``."""

    def initialise(self, log_shares: Tensor, directions: Tensor, slopes: Tensor) -> None:
        """Start at the words' shares, and near slopes along directions: ``(V,), (K, V), (K,)``."""


class PlainSequenceDecoder(nn.Module):
    r"""The decoder of the classical sequential autoencoder.

    .. math:: \eta_t = W s_t + b, \qquad s_t = RNN(x_{<t}, z)

    Parameters
    ----------
    states : RecurrentStates
    n_words, hidden_size : int
        V and H.
    """

    def __init__(self, states: RecurrentStates, n_words: int, hidden_size: int) -> None:
        super().__init__()
        self.states = states
        self.output = nn.Linear(hidden_size, n_words)

    def forward(self, z: Tensor, x: Tensor) -> Tensor:
        """Logits of each word given those before: ``(M, K), (M, T) -> (M, T, V)``."""
        return self.logits(z, self.states(x, z))

    def logits(self, z: Tensor, states: Tensor) -> Tensor:
        """Logits at some states: ``(M, K), (M, T, H) -> (M, T, V)``."""
        return self.output(states)

    @torch.no_grad()
    def initialise(self, log_shares: Tensor, directions: Tensor, slopes: Tensor) -> None:
        """Start at the words' shares ``(V,)``."""
        self.output.bias.copy_(log_shares)


class SequenceSection(nn.Module):
    r"""Injective in z after every history, with a certified inverse-Lipschitz constant and an exact left inverse.

    .. math:: \eta_t = \beta^\top g(z) + (I - \beta^\top \beta)(W s_t + b)

    Parameters
    ----------
    states : RecurrentStates
        May be told z.
    n_words, n_components, hidden_size : int
        V, K and H, with K < V.
    inverse_lipschitz : float, default=1.0
        The constant r, in logits of a word for a standard deviation of z.
    activation : str, default="squareplus"
        Of the Brenier maps.
    maps : int, default=4
        Number of Brenier maps, at least 1; with 1 beta keeps its initial rows.

    Raises
    ------
    ValueError
        If K >= V: V words have V - 1 natural parameters, and an injective map cannot lower the dimension.

    References
    ----------
    Wang, Blei & Cunningham, NeurIPS 2021, example 2.

    Examples
    --------
    >>> import torch
    >>> from sklid.nn.sequences import RecurrentStates, SequenceSection
    >>> _ = torch.manual_seed(0)
    >>> f = SequenceSection(RecurrentStates(6, 2, 4, 8), n_words=6, n_components=2, hidden_size=8)
    >>> z, other, x = torch.randn(50, 2), torch.randn(50, 2), torch.randint(6, (50, 3)).float()
    >>> moved = (f(z, x) - f(other, x)).log_softmax(-1).norm(dim=-1)
    >>> bool(((f(z, x) - f(other, x)).norm(dim=-1) >= (z - other).norm(dim=-1, keepdim=True)).all())
    True
    """

    def __init__(
        self,
        states: RecurrentStates,
        n_words: int,
        n_components: int,
        hidden_size: int,
        inverse_lipschitz: float = 1.0,
        activation: str = "squareplus",
        maps: int = 4,
    ) -> None:
        super().__init__()
        if n_components >= n_words:
            raise ValueError(
                f"An injective decoder cannot shrink: n_components={n_components} latents into the {n_words - 1} "
                f"natural parameters of {n_words} words. Lower n_components, or let more words in."
            )
        self.states = states
        self.inverse_lipschitz = inverse_lipschitz
        self.chain = BrenierChain(n_components, inverse_lipschitz, maps, activation)
        self.embedding = CentredEmbedding(n_components, n_words, trainable=maps > 1)
        self.output = nn.Linear(hidden_size, n_words)

    def forward(self, z: Tensor, x: Tensor) -> Tensor:
        """Logits of each word given those before: ``(M, K), (M, T) -> (M, T, V)``."""
        return self.logits(z, self.states(x, z))

    def logits(self, z: Tensor, states: Tensor) -> Tensor:
        """Logits at some states: ``(M, K), (M, T, H) -> (M, T, V)``."""
        beta = self.embedding()
        weight = self.output.weight - beta.mT @ (beta @ self.output.weight)
        bias = self.output.bias - beta.mT @ (beta @ self.output.bias)
        return nn.functional.linear(states, weight, bias) + (self.plane(z) @ beta).unsqueeze(1)

    def plane(self, z: Tensor) -> Tensor:
        """Coordinates of the logits in the plane of beta, g(z): ``(*, K) -> (*, K)``."""
        return self.chain(z)

    @torch.no_grad()
    def inverse(self, logits: Tensor, tol: float = 1e-6, max_iter: int = 100) -> Tensor:
        """The latent of the logits of any one word, up to a constant: ``(*, V) -> (*, K)``.

        Raises
        ------
        InversionError
            When a map misses `tol`.
        """
        return self.chain.inverse(logits @ self.embedding().mT, tol=tol, max_iter=max_iter)

    @torch.no_grad()
    def initialise(self, log_shares: Tensor, directions: Tensor, slopes: Tensor) -> None:
        """Start at the words' shares, and near slopes along directions: ``(V,), (K, V), (K,)``."""
        self.embedding.initialise(directions)
        slopes = slopes.clamp_max(LARGEST_SLOPE).clamp_min(self.inverse_lipschitz)
        self.chain.initialise(slopes, log_shares @ self.embedding().mT)
        self.output.bias.copy_(log_shares)


class CentredEmbedding(OrthogonalEmbedding):
    """A learned beta with orthonormal rows that sum to 0, ``(K, V)``."""

    def forward(self) -> Tensor:
        """Beta, ``(K, V)``."""
        return self.orthonormal(self.columns - self.columns.mean(0))
