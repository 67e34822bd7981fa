r"""The continuous Bernoulli distribution by its natural parameter.

.. math:: p(x \mid \eta) = \exp(\eta x - A(\eta)), \quad x \in [0, 1], \qquad A(\eta) = \log \frac{e^\eta - 1}{\eta}

(Loaiza-Ganem & Cunningham, "The continuous Bernoulli", NeurIPS 2019.) `torch.distributions.ContinuousBernoulli` works
with probabilities, clamped to the float resolution: in single precision its mean cannot fall below 1/16, and logits
beyond 16 give one and the same normaliser, so that it is not injective in the natural parameter. Here every finite
natural parameter has its own distribution.
"""

from typing import Any

import torch
from torch import Tensor
from torch.distributions import Distribution, Independent, constraints

from .base import Likelihood
from .support import UNIT_INTERVAL

__all__ = ["ContinuousBernoulli", "ContinuousBernoulliLikelihood"]

SERIES = 0.1
"""Below this magnitude of eta the series at zero is more accurate than the closed form in single precision."""


class ContinuousBernoulli(Distribution):
    """Continuous Bernoulli on [0, 1] with natural parameters `eta`.

    Parameters
    ----------
    eta : Tensor of shape (*,)
        Any real numbers; 0 is the uniform distribution.

    Examples
    --------
    >>> import torch
    >>> from sklid.nn import ContinuousBernoulli
    >>> round(ContinuousBernoulli(torch.tensor(-50.0)).mean.item(), 4)
    0.02
    """

    support = constraints.unit_interval
    has_rsample = True

    def __init__(self, eta: Tensor) -> None:
        self.eta = eta
        super().__init__(eta.shape, validate_args=False)

    def expand(self, batch_shape: Any, _instance: Any = None) -> "ContinuousBernoulli":
        return ContinuousBernoulli(self.eta.expand(batch_shape))

    def log_prob(self, value: Tensor) -> Tensor:
        return self.eta * value - _log_normaliser(self.eta)

    @property
    def mean(self) -> Tensor:
        return _mean(self.eta)

    @property
    def variance(self) -> Tensor:
        return _variance(self.eta)

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        uniform = torch.rand(
            self._extended_shape(torch.Size(sample_shape)), dtype=self.eta.dtype, device=self.eta.device
        )
        return self.icdf(uniform)

    def icdf(self, value: Tensor) -> Tensor:
        negative = -_away_from_zero(self.eta).abs()
        lower = torch.log1p(torch.where(self.eta > 0, 1 - value, value) * torch.expm1(negative)) / negative
        quantile = torch.where(self.eta > 0, 1 - lower, lower)
        return torch.where(self.eta.abs() < 1e-5, value, quantile).clamp(0, 1)


def natural_parameter(mean: Tensor) -> Tensor:
    """The eta of a given mean in (0, 1), by bisection: ``(*,) -> (*,)``."""
    low, high = torch.full_like(mean, -15.0), torch.full_like(mean, 15.0)
    for _ in range(64):
        middle = (low + high) / 2
        above = _mean(middle.sinh()) > mean
        low, high = torch.where(above, low, middle), torch.where(above, middle, high)
    return ((low + high) / 2).sinh()


def _log_normaliser(eta: Tensor) -> Tensor:
    size = _away_from_zero(eta).abs()
    exact = eta.relu() + torch.log(-torch.expm1(-size)) - size.log()
    return torch.where(eta.abs() < SERIES, eta / 2 + eta**2 / 24 - eta**4 / 2880, exact)


def _mean(eta: Tensor) -> Tensor:
    size = _away_from_zero(eta).abs()
    # of -size, with no exponential that could overflow, nor its slope
    lower = 1 / size + torch.exp(-size) / torch.expm1(-size)
    exact = torch.where(eta < 0, lower, 1 - lower)
    return torch.where(eta.abs() < SERIES, 0.5 + eta / 12 - eta**3 / 720, exact)


def _variance(eta: Tensor) -> Tensor:
    """A''(eta) = 1 / eta^2 - 1 / (4 sinh^2(eta / 2)), the second term written so that it cannot overflow."""
    safe = _away_from_zero(eta)
    decay = torch.exp(-safe.abs())
    exact = 1 / safe.square() - decay / torch.expm1(-safe.abs()).square()
    return torch.where(eta.abs() < SERIES, 1 / 12 - eta**2 / 240 + eta**4 / 6048, exact)


def _away_from_zero(eta: Tensor) -> Tensor:
    """Eta, with values inside the range of the series replaced, so that the branch not taken has finite gradients."""
    return torch.where(eta.abs() < 1e-5, torch.full_like(eta, 1e-5), eta)


class ContinuousBernoulliLikelihood(Likelihood):
    """Continuous Bernoulli with its normaliser, a density on [0, 1]: for pixel intensities."""

    name = "continuous_bernoulli"
    support = UNIT_INTERVAL

    def distribution(self, eta: Tensor) -> Distribution:
        return Independent(ContinuousBernoulli(eta), 1, validate_args=False)

    def inside(self, moments: Tensor) -> Tensor:
        return moments.clamp(1e-3, 1 - 1e-3)

    def exact_link(self, moments: Tensor) -> Tensor:
        edge = torch.full_like(moments, torch.inf).copysign(moments - 0.5)
        return torch.where((moments > 0) & (moments < 1), natural_parameter(moments), edge)
