r"""Counts: Poisson by its log-rate, :math:`p(x \mid \eta) = \exp(\eta x - e^{\eta}) / x!`."""

import torch
from torch import Tensor
from torch.distributions import Distribution, Independent, Poisson

from .base import BOUNDARY, Likelihood
from .support import NON_NEGATIVE_INTEGERS

__all__ = ["PoissonLikelihood"]


class PoissonLikelihood(Likelihood):
    """Poisson with log-rates, for counts; the encoder sees log(1 + x)."""

    name = "poisson"
    support = NON_NEGATIVE_INTEGERS

    def distribution(self, eta: Tensor) -> Distribution:
        return Independent(Poisson(eta.exp(), validate_args=False), 1, validate_args=False)

    def inputs(self, x: Tensor) -> Tensor:
        return torch.log1p(x)

    def inside(self, moments: Tensor) -> Tensor:
        return moments.clamp_min(BOUNDARY)

    def exact_link(self, moments: Tensor) -> Tensor:
        return moments.log()
