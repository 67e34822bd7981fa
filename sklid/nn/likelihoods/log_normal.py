r"""Log-normal in units of its noise: a Gaussian on standardised logarithms.

.. math:: \log x = m + a \, s \, (f(z) + \varepsilon), \quad \varepsilon \sim N(0, I), \qquad
    E[x \mid z] = \exp\!\big( m + a s f(z) + \tfrac12 a^2 s^2 \big)

with m and a the mean and the standard deviation of the logarithms of each column, and s the noise. The logarithm loses
nothing, so what an inverse-Lipschitz f guarantees of a Gaussian holds here.
"""

from collections.abc import Iterable
from typing import Self

import torch
from torch import Tensor
from torch.distributions import Distribution, Independent, LogNormal

from .column_moments import column_moments
from .gaussian import GaussianLikelihood
from .support import POSITIVE_NUMBERS

__all__ = ["LogNormalLikelihood"]

LEAST_SPREAD = 1e-6
"""Standard deviation of logarithms below which a column counts as constant: single precision holds little more."""


class LogNormalLikelihood(GaussianLikelihood):
    """Positive numbers whose logarithms are Gaussian in noise units; the encoder sees these, standardised.

    Parameters
    ----------
    n_features : int
    noise : {"global", "feature"}, default="global"
        As in `GaussianLikelihood`; s is in standard deviations of the logarithms of each column.
    """

    centre: Tensor
    spread: Tensor
    name = "log_normal"
    support = POSITIVE_NUMBERS
    filler = 1.0
    standardised = False

    def __init__(self, n_features: int, noise: str = "global") -> None:
        super().__init__(n_features, noise)
        self.register_buffer("centre", torch.zeros(n_features))
        self.register_buffer("spread", torch.ones(n_features))

    @classmethod
    def from_data(cls, blocks: Iterable[Tensor], noise: str = "global") -> Self:
        """Learns m and a; a is 1 for a column that does not vary."""
        mean, variance = column_moments(block.log() for block in blocks)
        likelihood = cls(len(mean), noise)
        likelihood.centre.copy_(mean)
        likelihood.spread.copy_(torch.where(variance > LEAST_SPREAD**2, variance.sqrt(), 1.0))
        return likelihood

    def distribution(self, eta: Tensor) -> Distribution:
        scale = self.spread * self.noise()
        return Independent(LogNormal(self.centre + scale * eta, scale, validate_args=False), 1, validate_args=False)

    def inputs(self, x: Tensor) -> Tensor:
        return self.moments(x)

    def moments(self, x: Tensor) -> Tensor:
        """The standardised logarithms."""
        return (x.log() - self.centre) / self.spread

    def parameters_of_mean(self, mean: Tensor) -> Tensor:
        return self.exact_link(self.moments(mean)) - self.spread * self.noise() / 2
