r"""Counts with more zeros than their family has: some are zero for a reason of their own.

.. math:: p(x \mid \eta) = \pi \, 1[x = 0] + (1 - \pi) \, p_0(x \mid \eta), \qquad E[x \mid \eta] = (1 - \pi) e^\eta

with p_0 a family of counts of log-mean eta and a constant pi < 1 for each column. Means of different eta differ, so the
family is identified. With I_0 the Fisher information of p_0, whose score at zero is -I_0, that of eta is

.. math:: I = (1 - \pi) \left( I_0 - I_0^2 \, \frac{\pi \, p_0(0)}{\pi + (1 - \pi) p_0(0)} \right).
"""

from collections.abc import Iterable
from typing import Any, Self

import torch
from torch import Tensor, nn
from torch.distributions import Bernoulli, Distribution, Independent, constraints

from .base import of_slope
from .column_moments import column_moments
from .counts import CountLikelihood, PoissonLikelihood
from .negative_binomial import NegativeBinomialLikelihood

__all__ = [
    "ZeroInflated",
    "ZeroInflatedLikelihood",
    "ZeroInflatedNegativeBinomialLikelihood",
    "ZeroInflatedPoissonLikelihood",
]

INITIAL = torch.arange(1, 91) / 100
"""Probabilities of an extra zero that a column may begin at."""
logsigmoid = nn.functional.logsigmoid


class ZeroInflated(Distribution):
    """A distribution of counts that is replaced by zero with a given probability.

    Parameters
    ----------
    counts : Distribution of batch shape (*,)
    logit : Tensor, which broadcasts with it
        Log-odds of an extra zero.

    Examples
    --------
    >>> import torch
    >>> from torch.distributions import Poisson
    >>> from sklid.nn import ZeroInflated
    >>> p = ZeroInflated(Poisson(torch.tensor(4.0)), torch.tensor(0.0))
    >>> p.mean.item(), p.variance.item()
    (2.0, 6.0)
    """

    arg_constraints = {"logit": constraints.real}
    support = constraints.nonnegative_integer

    def __init__(self, counts: Distribution, logit: Tensor) -> None:
        shape = torch.broadcast_shapes(counts.batch_shape, logit.shape)
        self.counts = counts.expand(shape)
        self.logit = logit.expand(shape)
        super().__init__(shape, validate_args=False)

    def expand(self, batch_shape: Any, _instance: Any = None) -> "ZeroInflated":
        return ZeroInflated(self.counts.expand(batch_shape), self.logit.expand(batch_shape))

    def log_prob(self, value: Tensor) -> Tensor:
        counted = logsigmoid(-self.logit) + self.counts.log_prob(value)
        return torch.where(value == 0, torch.logaddexp(logsigmoid(self.logit), counted), counted)

    @property
    def mean(self) -> Tensor:
        return torch.sigmoid(-self.logit) * self.counts.mean

    @property
    def variance(self) -> Tensor:
        of_means = torch.sigmoid(self.logit) * self.counts.mean.square()
        return torch.sigmoid(-self.logit) * (self.counts.variance + of_means)

    @torch.no_grad()
    def sample(self, sample_shape: Any = ()) -> Tensor:
        kept = Bernoulli(logits=-self.logit, validate_args=False).sample(torch.Size(sample_shape))
        return kept * self.counts.sample(torch.Size(sample_shape))


class ZeroInflatedLikelihood(CountLikelihood):
    """A family of counts with extra zeros; not for direct use.

    Parameters
    ----------
    counts : CountLikelihood
        The family, whose natural parameters are log-means.
    """

    def __init__(self, counts: CountLikelihood) -> None:
        super().__init__(counts.n_features)
        self.counts = counts
        self.zero_logit = nn.Parameter(torch.zeros(counts.n_features))

    @torch.no_grad()
    def begin_at(self, mean: Tensor, variance: Tensor, zeros: Tensor) -> None:
        """Begin where columns have these means, variances and shares of zeros, as nearly as may be: ``(P,)`` each."""
        extra = INITIAL.to(mean)[:, None]
        of_counts = mean / (1 - extra), variance / (1 - extra) - extra * (mean / (1 - extra)).square()
        misses = (extra + (1 - extra) * self.counts.zeros(*of_counts) - zeros).abs()
        best = misses.argmin(0, keepdim=True)
        self.zero_logit.copy_(torch.logit(extra[best[0], 0]))
        self.counts.match(*(moment.gather(0, best)[0] for moment in of_counts))

    def distribution(self, eta: Tensor) -> Distribution:
        counts: Any = self.counts.distribution(eta)
        return Independent(ZeroInflated(counts.base_dist, self.zero_logit), 1, validate_args=False)

    def expected_statistic(self, eta: Tensor) -> Tensor:
        return of_slope(eta, self.information(eta))

    def information(self, eta: Tensor) -> Tensor:
        of_counts, p = self.counts.information(eta), self._at_zero(eta)
        counted = torch.sigmoid(-self.zero_logit)
        share = torch.sigmoid(self.zero_logit) * p / (torch.sigmoid(self.zero_logit) + counted * p)
        return counted * (of_counts - of_counts.square() * share)

    def exact_link(self, moments: Tensor) -> Tensor:
        return moments.log() - logsigmoid(-self.zero_logit)

    def _at_zero(self, eta: Tensor) -> Tensor:
        """Probability of a zero of the family itself: ``(*, D) -> (*, D)``."""
        return self.counts.column_log_probs(eta, torch.zeros_like(eta)).exp()


def column_zeros(blocks: Iterable[Tensor]) -> tuple[Tensor, Tensor, Tensor]:
    """Means, variances and shares of zeros of the columns of blocks ``(N, P)``, of the values seen: ``(P,)`` each."""
    with_zeros = (torch.cat([x, torch.where(x.isnan(), x, (x == 0).to(x))], -1) for x in blocks)
    mean, variance = column_moments(with_zeros)
    half = len(mean) // 2
    return mean[:half], variance[:half], mean[half:]


class ZeroInflatedPoissonLikelihood(ZeroInflatedLikelihood):
    """Poisson with log-rates, and extra zeros with a probability that is learned for each feature.

    Parameters
    ----------
    n_features : int
    """

    name = "zero_inflated_poisson"

    def __init__(self, n_features: int) -> None:
        super().__init__(PoissonLikelihood(n_features))

    @classmethod
    def from_data(cls, blocks: Iterable[Tensor], noise: str = "global") -> Self:
        cls.check_noise(noise)
        moments = column_zeros(blocks)
        likelihood = cls(len(moments[0]))
        likelihood.begin_at(*moments)
        return likelihood


class ZeroInflatedNegativeBinomialLikelihood(ZeroInflatedLikelihood):
    """Negative binomial with log-means, and extra zeros with a probability that is learned for each feature.

    Parameters
    ----------
    n_features : int
    noise : {"global", "feature"}, default="global"
        One dispersion for all features or one for each.
    """

    name = "zero_inflated_negative_binomial"
    learns_noise = True

    def __init__(self, n_features: int, noise: str = "global") -> None:
        super().__init__(NegativeBinomialLikelihood(n_features, noise))

    @classmethod
    def from_data(cls, blocks: Iterable[Tensor], noise: str = "global") -> Self:
        moments = column_zeros(blocks)
        likelihood = cls(len(moments[0]), noise)
        likelihood.begin_at(*moments)
        return likelihood
