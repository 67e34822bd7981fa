r"""Counts: Poisson by its log-rate, :math:`p(x \mid \eta) = \exp(\eta x - e^{\eta}) / x!`."""

import torch
from torch import Tensor
from torch.distributions import Distribution, Independent, Poisson

from .base import BOUNDARY, Likelihood
from .support import NON_NEGATIVE_INTEGERS

__all__ = ["CountLikelihood", "PoissonLikelihood"]


class CountLikelihood(Likelihood):
    """Counts by their log-means; the encoder sees log(1 + x)."""

    support = NON_NEGATIVE_INTEGERS

    def takes_exposure(self) -> Tensor:
        return torch.ones(self.n_features, dtype=torch.bool, device=self.columns.device)

    def inputs(self, x: Tensor) -> Tensor:
        return torch.log1p(x)

    def inside(self, moments: Tensor) -> Tensor:
        return moments.clamp_min(BOUNDARY)

    def exact_link(self, moments: Tensor) -> Tensor:
        return moments.log()

    def information(self, eta: Tensor) -> Tensor:
        """Fisher information of each natural parameter, the derivative of `expected_statistic`: ``(*, D) -> (*, D)``.

        A family that `ZeroInflated` is made of has the score (x / mean - 1) times this.
        """
        raise TypeError(f"{type(self).__name__} names no Fisher information; a likelihood of counts defines it.")

    def match(self, mean: Tensor, variance: Tensor) -> None:
        """Set what is learned beside the means to columns with these moments, ``(P,)`` each, where there is such."""

    def zeros(self, mean: Tensor, variance: Tensor) -> Tensor:
        """Probability of a zero, of the member of the family nearest to these moments: ``(*, P), (*, P) -> (*, P)``.

        A Poisson's by default.
        """
        return torch.exp(-mean)


class PoissonLikelihood(CountLikelihood):
    """Poisson with log-rates, for counts; the encoder sees log(1 + x)."""

    name = "poisson"

    def distribution(self, eta: Tensor) -> Distribution:
        return Independent(Poisson(eta.exp(), validate_args=False), 1, validate_args=False)

    def information(self, eta: Tensor) -> Tensor:
        return eta.exp()
