r"""Codes in an order, such as grades: the proportional-odds model by thresholds.

.. math:: P(x \le v \mid \eta) = \sigma(t_v - \eta), \qquad t_0 < t_1 < \dots < t_{V-2}

(McCullagh, "Regression models for ordinal data", 1980). Every cumulative probability falls strictly as eta rises, so
different eta have different distributions: the family is identified. With :math:`t_v - t_{v-1} = \log(1 + e^{r_v})`,

.. math:: p(x = v \mid \eta) = \sigma(t_v - \eta) \, \sigma(\eta - t_{v-1}) \, \sigma(r_v),

where a factor is 1 that has no threshold: no difference of probabilities that could cancel. The score is
:math:`\sigma(t_{v-1} - \eta) - \sigma(\eta - t_v)`.
"""

from collections.abc import Iterable
from typing import Self

import torch
from torch import Tensor, nn
from torch.distributions import Categorical, Distribution, Independent

from .base import Likelihood, of_slope
from .codes import code_counts
from .support import NON_NEGATIVE_INTEGERS, CodeSupport, Support

__all__ = ["OrdinalLikelihood"]

LEAST_DISTANCE = 1e-3
"""Of an expected code from the least and the greatest one, before the link."""
FARTHEST = 40.0
"""From the thresholds, of a natural parameter that `exact_link` looks for."""
N_HALVINGS = 64
logsigmoid = nn.functional.logsigmoid


class OrdinalLikelihood(Likelihood):
    """Codes 0 to V_j - 1 of each column in their order, with one natural parameter and V_j - 1 learned thresholds.

    Parameters
    ----------
    counts : Tensor of shape (P, V)
        How often each code was seen in each column. A column has the codes up to the greatest one seen, and at least
        two. The thresholds begin where these are the probabilities at eta = 0, with half a row more for each code.
    """

    absent: Tensor
    centre: Tensor
    spread: Tensor
    name = "ordinal"
    support: Support = NON_NEGATIVE_INTEGERS

    def __init__(self, counts: Tensor) -> None:
        super().__init__(len(counts))
        counts = nn.functional.pad(counts, (0, max(0, 2 - counts.shape[1]))).double()
        codes = torch.arange(counts.shape[1])
        n_codes = torch.where(counts > 0, codes + 1, 2).amax(1)
        self.support = CodeSupport(n_codes)
        self.register_buffer("absent", codes >= n_codes[:, None])
        shares = torch.where(self.absent, 0.0, counts + 0.5)
        shares = shares / shares.sum(1, keepdim=True)
        centre = (shares * codes).sum(1)
        self.register_buffer("centre", centre.float())
        self.register_buffer("spread", (shares * (codes - centre[:, None]).square()).sum(1).sqrt().float())
        thresholds = torch.logit(shares.cumsum(1)[:, :-1])
        gaps = torch.where(self.absent[:, 2:], 1.0, thresholds.diff(dim=1))
        self.first = nn.Parameter(thresholds[:, 0].float())
        self.gaps = nn.Parameter((gaps + torch.log(-torch.expm1(-gaps))).float())

    @classmethod
    def from_data(cls, blocks: Iterable[Tensor], noise: str = "global") -> Self:
        cls.check_noise(noise)
        return cls(code_counts(blocks, cls.name))

    def thresholds(self) -> Tensor:
        """The t above, infinite beyond the last one of a column: ``(P, V - 1)``."""
        rises = nn.functional.softplus(self.gaps).cumsum(1)
        finite = self.first[:, None] + nn.functional.pad(rises, (1, 0))
        return finite.masked_fill(self.absent[:, 1:], torch.inf)

    def distribution(self, eta: Tensor) -> Distribution:
        codes = Categorical(logits=self._log_probabilities(eta), validate_args=False)
        return Independent(codes, 1, validate_args=False)

    def mean(self, eta: Tensor) -> Tensor:
        """The most probable code of each column; a code has no meaningful average."""
        return self._log_probabilities(eta).argmax(-1).to(eta.dtype)

    def averaged(self, eta: Tensor, weights: Tensor) -> Tensor:
        shares = (weights[..., None, None] * self._log_probabilities(eta).exp()).sum(0)
        return shares.argmax(-1).to(eta.dtype)

    def expected_statistic(self, eta: Tensor) -> Tensor:
        above = torch.sigmoid(eta.unsqueeze(-1) - self.thresholds())
        pad = nn.functional.pad
        scores = 1 - pad(above, (1, 0), value=1.0) - pad(above, (0, 1))
        return of_slope(eta, (self._log_probabilities(eta).exp() * scores.square()).sum(-1))

    def expected_code(self, eta: Tensor) -> Tensor:
        """E[x | eta], which rises with eta: ``(*, P) -> (*, P)``."""
        return torch.sigmoid(eta.unsqueeze(-1) - self.thresholds()).sum(-1)

    def inputs(self, x: Tensor) -> Tensor:
        return (x - self.centre) / self.spread

    def inside(self, moments: Tensor) -> Tensor:
        return torch.minimum(moments, self._largest(moments) - LEAST_DISTANCE).clamp_min(LEAST_DISTANCE)

    @torch.no_grad()
    def exact_link(self, moments: Tensor) -> Tensor:
        """Natural parameters with the given expected code, by bisection."""
        thresholds = self.thresholds()
        low = (self.first - FARTHEST).expand(moments.shape)
        high = (thresholds.masked_fill(self.absent[:, 1:], -torch.inf).amax(1) + FARTHEST).expand(moments.shape)
        for _ in range(N_HALVINGS):
            middle = (low + high) / 2
            above = self.expected_code(middle) > moments
            low, high = torch.where(above, low, middle), torch.where(above, middle, high)
        edge = torch.full_like(moments, torch.inf).copysign(moments - 0.5)
        return torch.where((moments > 0) & (moments < self._largest(moments)), (low + high) / 2, edge)

    def parameters_of_mean(self, mean: Tensor) -> Tensor:
        """Infinite: many eta have the same most probable code."""
        return torch.full_like(mean, torch.inf)

    def _largest(self, like: Tensor) -> Tensor:
        """The greatest code of each column: ``(P,)``."""
        return (~self.absent).sum(1).to(like) - 1

    def _log_probabilities(self, eta: Tensor) -> Tensor:
        """Of each code, -inf of those that a column does not have: ``(*, P) -> (*, P, V)``."""
        pad = nn.functional.pad
        distances = (self.thresholds() - eta.unsqueeze(-1)).masked_fill(self.absent[:, 1:], 0.0)
        below = logsigmoid(distances).masked_fill(self.absent[:, 1:], 0.0)
        above = logsigmoid(-distances)
        between = pad(logsigmoid(self.gaps).masked_fill(self.absent[:, 2:], 0.0), (1, 1))
        return (pad(below, (0, 1)) + pad(above, (1, 0)) + between).masked_fill(self.absent, -torch.inf)
