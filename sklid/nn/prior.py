r"""The standard normal prior, :math:`z \sim N(0, I_K)`, and what a model asks of any prior."""

from typing import Protocol

import torch
from torch import Tensor, nn
from torch.distributions import Distribution, Independent, Normal

from .certificate import ball_probability, kl_floor, mutual_information_floor
from .objective import kl_estimates

__all__ = ["Prior", "StandardNormal"]


class Prior(Protocol):
    """What a model asks of a prior."""

    n_components: int

    def __call__(self) -> Distribution:
        """The distribution, of event shape ``(K,)``."""

    def divergences(self, q: Distribution, z: Tensor, log_q: Tensor) -> Tensor:
        """KL(q || p) of each row, or a bound on it, in parts that add up, ``(*, G)``.

        In closed form, or from draws ``(S, *, K)`` and their log-density ``(S, *)``.
        """

    def mutual_information_floor(self, inverse_lipschitz: float) -> float:
        """Least mutual information in nats of the latent and a Gaussian x behind an inverse-Lipschitz decoder."""

    def kl_floor(self, decoded_variance: Tensor, mean: Tensor, inverse_lipschitz: float) -> Tensor:
        """Least KL(q || p) of posteriors with the given trace of Cov f(z), ``(*,)``, and mean, ``(*, K)``."""

    def ball_probability(self, radius: Tensor, centre: Tensor) -> Tensor:
        """The most that p gives balls of the given radius, ``(*,)``, and centre, ``(*, K)``."""


class StandardNormal(nn.Module):
    """The prior N(0, I) on R^K.

    Parameters
    ----------
    n_components : int
        K.
    """

    origin: Tensor

    def __init__(self, n_components: int) -> None:
        super().__init__()
        self.n_components = n_components
        self.register_buffer("origin", torch.zeros(n_components), persistent=False)

    def forward(self) -> Distribution:
        """The distribution, of event shape ``(K,)``."""
        return Independent(
            Normal(self.origin, torch.ones_like(self.origin), validate_args=False), 1, validate_args=False
        )

    def divergences(self, q: Distribution, z: Tensor, log_q: Tensor) -> Tensor:
        """KL(q || N(0, I)) of each row, by latent in closed form where there is one: ``(*, K)``.

        Else it is one average over the draws, ``(*, 1)``.
        """
        return kl_estimates(q, self(), z, log_q)

    def mutual_information_floor(self, inverse_lipschitz: float) -> float:
        """Least mutual information of z and x in nats behind an inverse-Lipschitz decoder."""
        return mutual_information_floor(self.n_components, inverse_lipschitz)

    def kl_floor(self, decoded_variance: Tensor, mean: Tensor, inverse_lipschitz: float) -> Tensor:
        """Least KL(q || N(0, I)) of posteriors with the given trace of Cov f(z), ``(*,)``, and mean, ``(*, K)``."""
        return kl_floor(decoded_variance, mean, inverse_lipschitz)

    def ball_probability(self, radius: Tensor, centre: Tensor) -> Tensor:
        """The most that N(0, I) gives balls of the given radius, ``(*,)``, and centre, ``(*, K)``."""
        return ball_probability(radius, centre)
