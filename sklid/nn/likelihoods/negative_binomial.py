r"""Counts that vary more than a Poisson's: the negative binomial by its log-mean and its dispersion.

.. math:: p(x \mid \eta) = \frac{\Gamma(x + \theta)}{\Gamma(\theta) \, x!}
    \left(\frac{\theta}{\theta + \mu}\right)^{\theta} \left(\frac{\mu}{\theta + \mu}\right)^{x}, \qquad
    \mu = e^\eta, \qquad \operatorname{Var} x = \mu + \mu^2 / \theta

Large theta is nearly a Poisson. Different eta have different means, so the family is identified. Its score is
:math:`(x / \mu - 1) I` and its Fisher information :math:`I = \theta \mu / (\theta + \mu)`, the derivative of
:math:`\theta \log(1 + \mu / \theta)`.
"""

from collections.abc import Iterable
from typing import Any, Self

import torch
from torch import Tensor, nn
from torch.distributions import Distribution, Gamma, Independent, constraints

from .column_moments import column_moments
from .counts import CountLikelihood

__all__ = ["NegativeBinomial", "NegativeBinomialLikelihood"]

MINIMAL_DISPERSION = 1e-6
INITIAL_RANGE = 1e-2, 1e4
"""Of the dispersion at the start."""
LEAST_MEAN = 1e-3
"""Of a count whose logarithm is explained as less than nothing."""


class NegativeBinomial(Distribution):
    """Negative binomial with the given log-mean and dispersion.

    The log-density of counts above 0 is computed in double precision: where the dispersion is large, log-gammas cancel.
    That of 0, which most counts of many tables are, is theta log(theta / (theta + mean)), in which nothing does.

    Parameters
    ----------
    log_mean : Tensor of shape (*,)
    dispersion : positive Tensor, which broadcasts with it
        The theta above: variance = mean + mean^2 / dispersion.

    Examples
    --------
    >>> import torch
    >>> from sklid.nn import NegativeBinomial
    >>> p = NegativeBinomial(torch.tensor(10.0).log(), torch.tensor(5.0))
    >>> round(p.mean.item(), 4), round(p.variance.item(), 4)
    (10.0, 30.0)
    """

    arg_constraints = {"log_mean": constraints.real, "dispersion": constraints.positive}
    support = constraints.nonnegative_integer

    def __init__(self, log_mean: Tensor, dispersion: Tensor) -> None:
        self._own_dispersion = dispersion
        self.log_mean, self.dispersion = torch.broadcast_tensors(log_mean, dispersion)
        super().__init__(self.log_mean.shape, validate_args=False)

    def expand(self, batch_shape: Any, _instance: Any = None) -> "NegativeBinomial":
        return NegativeBinomial(self.log_mean.expand(batch_shape), self._own_dispersion)

    def log_prob(self, value: Tensor) -> Tensor:
        shape = torch.broadcast_shapes(value.shape, self.log_mean.shape)
        value, log_mean, theta = torch.atleast_1d(value, self.log_mean, self._own_dispersion)
        if value.shape != log_mean.shape[-value.dim() :]:
            value, log_mean = torch.broadcast_tensors(value, log_mean)
        log_prob = theta * nn.functional.logsigmoid(theta.log() - log_mean)
        counted: Any = (..., *value.nonzero(as_tuple=True))
        theta = theta.expand(value.shape)[counted].double()
        log_prob[counted] = _of_counts(value[counted].double(), log_mean[counted].double(), theta).to(log_prob)
        return log_prob.reshape(shape)

    @property
    def mean(self) -> Tensor:
        return self.log_mean.exp()

    @property
    def variance(self) -> Tensor:
        return self.mean + self.mean.square() / self.dispersion

    @torch.no_grad()
    def sample(self, sample_shape: Any = ()) -> Tensor:
        """A Poisson whose rate is of a Gamma distribution."""
        shares = Gamma(self.dispersion, self.dispersion, validate_args=False).sample(torch.Size(sample_shape))
        return torch.poisson(self.mean * shares)


class NegativeBinomialLikelihood(CountLikelihood):
    """Negative binomial with log-means and a dispersion that is learned; the encoder sees log(1 + x).

    Parameters
    ----------
    n_features : int
    noise : {"global", "feature"}, default="global"
        One dispersion for all features or one for each.
    """

    name = "negative_binomial"
    learns_noise = True

    def __init__(self, n_features: int, noise: str = "global") -> None:
        super().__init__(n_features)
        self.log_dispersion = nn.Parameter(torch.zeros(1 if noise == "global" else n_features))

    @classmethod
    def from_data(cls, blocks: Iterable[Tensor], noise: str = "global") -> Self:
        """Begins at the dispersion that has the variance of the columns; as good as Poisson where that is the mean."""
        mean, variance = column_moments(blocks)
        likelihood = cls(len(mean), noise)
        likelihood.match(mean, variance)
        return likelihood

    @torch.no_grad()
    def match(self, mean: Tensor, variance: Tensor) -> None:
        """Set the dispersion to that of columns with these moments, ``(P,)`` each; of one for all, on average.

        The average counts columns of small means little, and those of large ones alike.
        """
        square, excess = mean.square() / (1 + mean).square(), (variance - mean) / (1 + mean).square()
        if len(self.log_dispersion) == 1:
            square, excess = square.sum(), excess.sum()
        self.log_dispersion.copy_(_initial(square, excess).log())

    @torch.no_grad()
    def settle(self, x: Tensor, inputs: Tensor, exposure: Tensor | float = 1.0) -> None:
        """Set the dispersion to the variance that is left around means that inputs and exposure explain.

        Logarithms of counts have smaller means than counts, so the means of a column are brought to its own. Of a
        dispersion for each column, 1 / theta is drawn to the common one, by the variance that Poisson counts give it.
        """
        seen = ~x.isnan()
        counts = x.nan_to_num(0.0)
        means = (inputs.expm1().clamp_min(LEAST_MEAN) * exposure).masked_fill(~seen, 0.0)
        means = means * (counts.sum(0) / means.sum(0).clamp_min(LEAST_MEAN))
        square, excess = means.square().sum(0), ((counts - means).square() - means).sum(0)
        weights = (1 + counts.sum(0) / seen.sum(0).clamp_min(1)).square()
        common = _initial((square / weights).sum(), (excess / weights).sum())
        if len(self.log_dispersion) > 1:
            noise = (2 * means.square() + means).sum(0).clamp_min(LEAST_MEAN)
            common = _initial(square.square() / noise + common.square(), excess * square / noise + common)
        self.log_dispersion.copy_(common.log())

    def zeros(self, mean: Tensor, variance: Tensor) -> Tensor:
        theta = _initial(mean.square(), variance - mean)
        return torch.exp(-theta * torch.log1p(mean / theta))

    def dispersion(self) -> Tensor:
        """The theta above, at least 1e-6: shape ``(1,)`` or ``(P,)``."""
        return MINIMAL_DISPERSION + self.log_dispersion.exp()

    def distribution(self, eta: Tensor) -> Distribution:
        return Independent(NegativeBinomial(eta, self.dispersion()), 1, validate_args=False)

    def expected_statistic(self, eta: Tensor) -> Tensor:
        theta = self.dispersion()
        return -theta * nn.functional.logsigmoid(theta.log() - eta)

    def information(self, eta: Tensor) -> Tensor:
        theta = self.dispersion()
        return theta * torch.sigmoid(eta - theta.log())


def _of_counts(x: Tensor, log_mean: Tensor, theta: Tensor) -> Tensor:
    """Log-densities of counts ``(*, n)``; those of counts and dispersions are computed once for all means."""
    binomial = torch.lgamma(x + theta) - torch.lgamma(theta) - torch.lgamma(x + 1)
    excess = log_mean - theta.log()
    return binomial + x * nn.functional.logsigmoid(excess) + theta * nn.functional.logsigmoid(-excess)


def _initial(square: Tensor, excess: Tensor) -> Tensor:
    """The dispersion at which a mean with this square has this much variance beyond a Poisson's, within bounds."""
    return torch.where(excess > 0, square / excess, INITIAL_RANGE[1]).clamp(*INITIAL_RANGE)
