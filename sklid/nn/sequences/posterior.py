r"""Posterior of a document: a Gaussian, from its bag of words, from a network that reads it, or from both.

.. math:: q(z \mid x) = N(\mu, \operatorname{diag} \sigma^2), \qquad
    (\mu, \sigma) \text{ from } A \log(1 + c(x)) + m(\log(1 + c(x))) + B \, s_T(x)

with c(x) how often each word occurs, m a perceptron and s_T the last state of a recurrent network.
"""

import torch
from torch import Tensor, nn
from torch.distributions import Distribution
from torch.nn import functional as F

from ..posterior import MINIMAL_SCALE, GaussianPosterior, diagonal_normal
from .recurrent import RecurrentStates
from .start import DocumentStart
from .tokens import bag_of_words, trimmed

__all__ = ["DocumentPosterior"]


class DocumentPosterior(nn.Module):
    """Gaussian with diagonal covariance.

    Parameters
    ----------
    n_words, n_components : int
        V and K.
    bag : bool, default=True
        Whether the bag of words is seen, by a perceptron beside a linear map, which `initialise` puts at the posterior
        of a probabilistic PCA.
    reader : RecurrentStates, optional
        Reads the words in order; told no latent variable.
    hidden_size : int, default=0
        H, of the reader.
    depth, width : int, default=1 and 256
        Hidden layers and units of the perceptron.

    Raises
    ------
    ValueError
        If it sees neither.
    """

    def __init__(
        self,
        n_words: int,
        n_components: int,
        bag: bool = True,
        reader: RecurrentStates | None = None,
        hidden_size: int = 0,
        depth: int = 1,
        width: int = 256,
    ) -> None:
        super().__init__()
        if not bag and reader is None:
            raise ValueError("A posterior of documents sees their bags of words, reads them, or both.")
        self.n_words = n_words
        self.gaussian = GaussianPosterior(n_words, n_components, depth, width) if bag else None
        self.reader = reader
        self.head = nn.Linear(hidden_size, 2 * n_components) if reader is not None else None

    def forward(self, x: Tensor) -> Distribution:
        """q(z | x): ``(*, T)`` to a distribution of batch shape ``(*,)`` and event shape ``(K,)``."""
        x = trimmed(x)
        moments: Tensor | float = 0.0
        if self.gaussian is not None:
            moments = self.gaussian.moments(torch.log1p(bag_of_words(x, self.n_words)))
        if self.reader is not None and self.head is not None:
            states = self.reader.last(x.reshape(-1, x.shape[-1]))
            moments = moments + self.head(states).reshape(*x.shape[:-1], -1)
        loc, raw = moments.chunk(2, dim=-1)  # type: ignore[union-attr]
        return diagonal_normal(loc, F.softplus(raw) + MINIMAL_SCALE)

    @torch.no_grad()
    def initialise(self, start: DocumentStart) -> None:
        """Start at principal components of bags of words, as far as they are seen.

        Means and variances add up to those of the prior.
        """
        if self.gaussian is not None:
            amplitudes, noise = (start.precision - 1).sqrt(), start.spread / start.precision.sqrt()
            self.gaussian.initialise(start.mean, start.components, amplitudes, noise)
            if self.head is not None:
                nn.init.zeros_(self.head.weight)
                nn.init.zeros_(self.head.bias)

    def draw(self, q: Distribution, noise: Tensor) -> tuple[Tensor, Tensor]:
        """Latents ``loc + scale * noise`` and their log-density."""
        z = q.mean + q.stddev * noise
        return z, q.log_prob(z)
