r"""Amortised Gaussian posterior: :math:`q(z \mid x) = N(\mu(x), \operatorname{diag} \sigma^2(x))`.

It can start at the exact posterior of probabilistic PCA (Tipping & Bishop 1999, equation 12): with loadings :math:`a_k`
along orthonormal directions :math:`\beta_k`, in units of the noise :math:`\sigma`,

.. math:: \mu_k(x) = \frac{a_k}{1 + a_k^2} \, \frac{\beta_k \cdot (x - m)}{\sigma}, \qquad
    \sigma_k^2 = \frac{1}{1 + a_k^2}.

A posterior is a module from what the encoder sees to a `Distribution`, with a `draw` that turns given standard normal
noise into a latent and its log-density: the facade fixes the noise of each row, so that a score does not depend on the
batch.
"""

from collections.abc import Callable
from typing import Protocol

import torch
from torch import Tensor, nn
from torch.distributions import Distribution, Independent, Normal
from torch.nn import functional as F

from .perceptron import Perceptron, perceptron

__all__ = ["EncoderNetwork", "GaussianPosterior", "LabelledPosterior", "Posterior", "diagonal_normal"]

MINIMAL_SCALE = 1e-4
EncoderNetwork = Callable[[int, int, int, int], Perceptron]
"""From the numbers of inputs and outputs, a depth and a width to a network that ends with a linear layer."""


class Posterior(Protocol):
    """What a model asks of a posterior."""

    def __call__(self, inputs: Tensor) -> Distribution:
        """q(z | x): ``(*, D)`` to a distribution of batch shape ``(*,)`` and event shape ``(K,)``."""

    def initialise(self, mean: Tensor, directions: Tensor, amplitudes: Tensor, noise: float) -> None:
        """Start near the posterior of a probabilistic PCA, as far as it can: shapes ``(D,), (K, D), (K,)``."""

    def draw(self, q: Distribution, noise: Tensor) -> tuple[Tensor, Tensor]:
        """Latents and their log-density under q from standard normal noise: ``(S, *, K) -> (S, *, K), (S, *)``."""


class LabelledPosterior(Posterior, Protocol):
    """What a model with a posterior for each label asks of the one that they vary."""

    def by_label(self, q: Distribution, shift: Tensor, stretch: Tensor) -> Distribution:
        """The posteriors q(w | x, y), that of the row moved and stretched: ``(*, C, K)`` to batch shape ``(*, C)``.

        Shift and stretch are in the units of the plain prior; the scale is multiplied by the exponential of the latter.
        """


class GaussianPosterior(nn.Module):
    r"""Gaussian with diagonal covariance, from a network with ReLU units, beside a linear map or alone.

    .. math:: q(z \mid x) = N(\mu(x), \operatorname{diag} \sigma^2(x))

    Parameters
    ----------
    n_inputs, n_components : int
        D and K.
    depth, width : int, default=2 and 256
        Hidden layers and units of the network.
    linear : bool, default=True
        Whether a linear map, which `initialise` puts at probabilistic PCA, stands beside the network. Without it the
        posterior starts at random.
    network : callable, default=perceptron
        ``network(n_inputs, n_outputs, depth, width)`` makes the network, such as a `ConvolutionalNetwork`.

    Examples
    --------
    >>> import torch
    >>> from sklid.nn import GaussianPosterior
    >>> q = GaussianPosterior(8, 2)(torch.zeros(5, 8))
    >>> q.mean.shape, q.batch_shape, q.event_shape
    (torch.Size([5, 2]), torch.Size([5]), torch.Size([2]))
    """

    def __init__(
        self,
        n_inputs: int,
        n_components: int,
        depth: int = 2,
        width: int = 256,
        linear: bool = True,
        network: EncoderNetwork = perceptron,
    ) -> None:
        super().__init__()
        self.network = network(n_inputs, 2 * n_components, depth, width)
        self.linear = nn.Linear(n_inputs, 2 * n_components) if linear else None

    def forward(self, inputs: Tensor) -> Distribution:
        """q(z | x): ``(*, D)`` to a distribution of batch shape ``(*,)`` and event shape ``(K,)``."""
        loc, raw = self.moments(inputs).chunk(2, dim=-1)
        return diagonal_normal(self.location(loc), self.scale(raw))

    def moments(self, inputs: Tensor) -> Tensor:
        """What the networks say of means and standard deviations: ``(*, D) -> (*, 2 K)``."""
        return self.network(inputs) if self.linear is None else self.network(inputs) + self.linear(inputs)

    def location(self, loc: Tensor) -> Tensor:
        """The mean of the posterior from what the networks say of it: ``(*, K) -> (*, K)``."""
        return loc

    def scale(self, raw: Tensor) -> Tensor:
        """Standard deviations from what the networks say of them, any real numbers: ``(*, K) -> (*, K)``."""
        return F.softplus(raw) + MINIMAL_SCALE

    def raw(self, scale: Tensor) -> Tensor:
        """What the networks have to say for given standard deviations, of at most 1: ``(*, K) -> (*, K)``."""
        return scale + torch.log(-torch.expm1(-scale))

    @torch.no_grad()
    def initialise(self, mean: Tensor, directions: Tensor, amplitudes: Tensor, noise: float | Tensor) -> None:
        """Start at the posterior of a probabilistic PCA, the network silent; without a linear map, stay at random.

        Parameters
        ----------
        mean : Tensor of shape (D,)
            Of the first inputs; those that follow are not heard at the start.
        directions : Tensor of shape (K, D)
            Orthonormal rows.
        amplitudes : Tensor of shape (K,)
            Loadings in units of the noise.
        noise : float, or Tensor of shape (K,)
            Its standard deviation, in units of the inputs, or that along each direction.
        """
        if self.linear is None:
            return
        precision = 1 + amplitudes.square()
        weights = directions * (amplitudes / precision / noise)[:, None]
        self.linear.weight.zero_()[: len(weights), : len(mean)] = weights
        self.linear.bias.copy_(torch.cat([-weights @ mean, self.raw(precision.rsqrt())]))
        for parameter in self.network[-1].parameters():
            nn.init.zeros_(parameter)

    def draw(self, q: Distribution, noise: Tensor) -> tuple[Tensor, Tensor]:
        """Latents ``loc + scale * noise`` and their log-density."""
        z = q.mean + q.stddev * noise
        return z, q.log_prob(z)

    def by_label(self, q: Distribution, shift: Tensor, stretch: Tensor) -> Distribution:
        """The posteriors q(w | x, y), that of the row moved and stretched: ``(*, C, K)`` to batch shape ``(*, C)``."""
        loc, scale = q.mean.unsqueeze(-2) + shift, q.stddev.unsqueeze(-2) * stretch.exp()
        return diagonal_normal(loc, scale)


def diagonal_normal(loc: Tensor, scale: Tensor) -> Independent:
    """Normal with independent latents: ``(*, K), (*, K)`` to a distribution of batch shape ``(*,)``."""
    return Independent(Normal(loc, scale, validate_args=False), 1, validate_args=False)
