r"""Bernoulli by its logit, :math:`p(x \mid \eta) = e^{\eta x} / (1 + e^{\eta})` for x in {0, 1}."""

import torch
from torch import Tensor
from torch.distributions import Bernoulli, Distribution, Independent

from .base import BOUNDARY, Likelihood
from .support import UNIT_INTERVAL

__all__ = ["BernoulliLikelihood"]


class BernoulliLikelihood(Likelihood):
    """Bernoulli with logits; values in [0, 1] count as success probabilities, and then the result is no density."""

    name = "bernoulli"
    support = UNIT_INTERVAL

    def distribution(self, eta: Tensor) -> Distribution:
        return Independent(Bernoulli(logits=eta, validate_args=False), 1, validate_args=False)

    def inside(self, moments: Tensor) -> Tensor:
        return moments.clamp(BOUNDARY, 1 - BOUNDARY)

    def exact_link(self, moments: Tensor) -> Tensor:
        return torch.logit(moments)
