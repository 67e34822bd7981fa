r"""Amortised Gaussian posterior: :math:`q(z \mid x) = N(\mu(x), \operatorname{diag} \sigma^2(x))`.

A posterior is a module from what the encoder sees to a `Distribution`, with a `draw` that turns given standard normal noise into a latent and
its log-density: the facade fixes the noise of each row, so that a score does not depend on the batch.
"""

from typing import Protocol

from torch import Tensor, nn
from torch.distributions import Distribution, Independent, Normal
from torch.nn import functional as F

from .perceptron import perceptron

__all__ = ["GaussianPosterior", "Posterior"]

MINIMAL_SCALE = 1e-4


class Posterior(Protocol):
    """What a model asks of a posterior."""

    def __call__(self, inputs: Tensor) -> Distribution:
        """q(z | x): ``(*, D)`` to a distribution of batch shape ``(*,)`` and event shape ``(K,)``."""

    def draw(self, q: Distribution, noise: Tensor) -> tuple[Tensor, Tensor]:
        """Latents and their log-density under q from standard normal noise: ``(S, *, K) -> (S, *, K), (S, *)``."""


class GaussianPosterior(nn.Module):
    r"""Gaussian with diagonal covariance, from a perceptron with ReLU units.

    .. math:: q(z \mid x) = N(\mu(x), \operatorname{diag} \sigma^2(x))

    Parameters
    ----------
    n_inputs, n_components : int
        D and K.
    depth, width : int, default=2 and 256
        Hidden layers and units of the encoder.

    Examples
    --------
    >>> import torch
    >>> from sklid.nn import GaussianPosterior
    >>> q = GaussianPosterior(8, 2)(torch.zeros(5, 8))
    >>> q.mean.shape, q.batch_shape, q.event_shape
    (torch.Size([5, 2]), torch.Size([5]), torch.Size([2]))
    """

    def __init__(self, n_inputs: int, n_components: int, depth: int = 2, width: int = 256) -> None:
        super().__init__()
        self.network = perceptron(n_inputs, 2 * n_components, depth, width)

    def forward(self, inputs: Tensor) -> Distribution:
        """q(z | x): ``(*, D)`` to a distribution of batch shape ``(*,)`` and event shape ``(K,)``."""
        loc, raw = self.network(inputs).chunk(2, dim=-1)
        scale = F.softplus(raw) + MINIMAL_SCALE
        return Independent(Normal(loc, scale, validate_args=False), 1, validate_args=False)

    def draw(self, q: Distribution, noise: Tensor) -> tuple[Tensor, Tensor]:
        """Latents ``loc + scale * noise`` and their log-density."""
        z = q.mean + q.stddev * noise
        return z, q.log_prob(z)
