r"""Gaussian in units of its noise, :math:`x = s (f(z) + \varepsilon), \; \varepsilon \sim N(0, I)`.

The inverse-Lipschitz constant of f is then a signal-to-noise ratio, whatever s is.
"""

import math
from collections.abc import Iterable
from typing import Self

import torch
from torch import Tensor, nn
from torch.distributions import Distribution, Independent, Normal

from .base import Likelihood

__all__ = ["GaussianLikelihood"]

MINIMAL_NOISE = 1e-3


class GaussianLikelihood(Likelihood):
    r"""Gaussian in noise units, :math:`x = s (f + \varepsilon)`, with one s for all features or one each.

    Parameters
    ----------
    n_features : int
    noise : {"global", "feature"}, default="global"
        With one s the learned part of the decoder is divided by it (`gain`), so that the mean is ``grad T(u) + r s u``:
        only the quadratic part scales with the noise.
    """

    name = "gaussian"
    standardised = True
    noise_units = True
    learns_noise = True

    def __init__(self, n_features: int, noise: str = "global") -> None:
        super().__init__(n_features)
        self.is_global = noise == "global"
        self.log_noise = nn.Parameter(torch.zeros(1 if self.is_global else n_features))

    @classmethod
    def from_data(cls, blocks: Iterable[Tensor], noise: str = "global") -> Self:
        return cls(next(iter(blocks)).shape[-1], noise)

    def noise(self) -> Tensor:
        """The standard deviation s, at least 1e-3: shape ``(1,)`` or ``(P,)``."""
        return MINIMAL_NOISE + self.log_noise.exp()

    @torch.no_grad()
    def initialise(self, noise: float) -> None:
        self.log_noise.fill_(math.log(max(noise - MINIMAL_NOISE, MINIMAL_NOISE)))

    def gain(self) -> Tensor | float:
        return 1.0 / self.noise() if self.is_global else 1.0

    def distribution(self, eta: Tensor) -> Distribution:
        s = self.noise()
        return Independent(Normal(s * eta, s, validate_args=False), 1, validate_args=False)

    def expected_statistic(self, eta: Tensor) -> Tensor:
        return eta

    def slopes(self, amplitudes: Tensor) -> Tensor:
        return amplitudes

    def exact_link(self, moments: Tensor) -> Tensor:
        return moments / self.noise()
