r"""The paper's decoder of documents.

.. math:: \eta_t = Q \, g_2(\beta^\top g_1([z, s_t])), \qquad s_t = RNN(x_{<t}), \qquad Q^\top Q = I, \; Q^\top 1 = 0

(Wang, Blei & Cunningham, NeurIPS 2021, example 2), with the zero-one beta and Helmert's basis Q of the logits that sum
to 0, which makes V - 1 numbers of V words. Basis and zero-one beta are folded into the weights of g2, so
that a word costs about what it costs a softmax layer. The map is injective in z and the state together, and so in z
after every history:

.. math:: |\eta_t(z, s) - \eta_t(z', s)| \ge r |z - z'|.
"""

import torch
from torch import Tensor, nn

from ..decoder import InjectiveDecoder
from .recurrent import RecurrentStates

__all__ = ["SequenceBrenier", "contrasts", "from_contrasts"]


class SequenceBrenier(nn.Module):
    r"""Brenier maps of the latent variable and the state, with a certified inverse-Lipschitz constant.

    .. math:: \eta_t = Q \, g_2(\beta^\top g_1([z, s_t]))

    Parameters
    ----------
    states : RecurrentStates
        Told no latent variable, as in the paper.
    n_words, n_components, hidden_size : int
        V, K and H, with K + H < V.
    width : int, default=256
        Units of g2, which has one hidden layer.
    inverse_lipschitz : float, default=1.0
        The constant r, in logits of a word for a standard deviation of z.
    activation : str, default="squareplus"
    maps : {2, 1}, default=2
        1 leaves g1 out.

    Raises
    ------
    ValueError
        If K + H >= V: an injective map cannot lower the dimension.
    """

    def __init__(
        self,
        states: RecurrentStates,
        n_words: int,
        n_components: int,
        hidden_size: int,
        width: int = 256,
        inverse_lipschitz: float = 1.0,
        activation: str = "squareplus",
        maps: int = 2,
    ) -> None:
        super().__init__()
        if n_components + hidden_size >= n_words:
            raise ValueError(
                f'decoder="brenier" maps latents and states together: n_components={n_components} and '
                f"hidden_size={hidden_size} are more than the {n_words - 1} natural parameters of {n_words} words. "
                'Lower hidden_size, let more words in, or use decoder="section".'
            )
        self.states = states
        self.n_components = n_components
        self.inverse_lipschitz = inverse_lipschitz
        n_inputs = n_components + hidden_size
        told = {"activation": activation, "embedding": "identity", "maps": maps, "potential": "tapered"}
        self.map = InjectiveDecoder(n_inputs, n_words - 1, 1, width, inverse_lipschitz, **told)  # type: ignore[arg-type]

    def forward(self, z: Tensor, x: Tensor) -> Tensor:
        """Logits of each word given those before: ``(M, K), (M, T) -> (M, T, V)``."""
        return self.logits(z, self.states(x, z))

    def logits(self, z: Tensor, states: Tensor) -> Tensor:
        """Logits at some states: ``(M, K), (M, T, H) -> (M, T, V)``."""
        u = torch.cat([z.unsqueeze(1).expand(-1, states.shape[1], -1), states], dim=-1)
        if self.map.inner is not None:
            u = self.map.inner(u)
        outer, n_inputs = self.map.outer, u.shape[-1]
        logits = outer.potential.gradient(u, n_inputs, from_contrasts) + from_contrasts(outer.bias)
        logits[..., : n_inputs + 1] += from_contrasts(outer.strong_convexity * u)  # the first coordinates of no others
        return logits

    @torch.no_grad()
    def inverse(self, logits: Tensor, tol: float = 1e-6, max_iter: int = 100) -> Tensor:
        """The latent of the logits of any one word, up to a constant: ``(*, V) -> (*, K)``.

        Raises
        ------
        InversionError
            When a map misses `tol`.
        """
        return self.map.inverse(contrasts(logits), tol=tol, max_iter=max_iter)[..., : self.n_components]

    @torch.no_grad()
    def initialise(self, log_shares: Tensor, directions: Tensor, slopes: Tensor) -> None:
        """Start at the words' shares ``(V,)``; the zero-one beta has its own directions."""
        origin = log_shares.new_zeros(self.map.n_components)
        self.map.outer.bias.add_(contrasts(log_shares) - self.map(origin))


def from_contrasts(eta: Tensor) -> Tensor:
    """Logits that sum to 0 from their coordinates in Helmert's basis: ``(*, V - 1) -> (*, V)``.

    Coordinate j, over the root of j (j + 1), is added to the first j logits, and j times it taken from the next.
    """
    order = torch.arange(1, eta.shape[-1] + 1, dtype=eta.dtype, device=eta.device)
    steps = eta * (order * (order + 1)).rsqrt()
    added = steps.flip(-1).cumsum(-1).flip(-1)
    nothing = eta.new_zeros(*eta.shape[:-1], 1)
    return torch.cat([added, nothing], dim=-1) - torch.cat([nothing, order * steps], dim=-1)


def contrasts(logits: Tensor) -> Tensor:
    """Coordinates of logits in Helmert's basis, to which a constant makes no difference: ``(*, V) -> (*, V - 1)``."""
    order = torch.arange(1, logits.shape[-1], dtype=logits.dtype, device=logits.device)
    return (logits[..., :-1].cumsum(-1) - order * logits[..., 1:]) * (order * (order + 1)).rsqrt()
