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


class NegativeBinomial(Distribution):
    """Negative binomial with the given log-mean and dispersion.

    The log-density is computed in double precision: where the dispersion is large, log-gammas cancel.

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
        self.log_mean, self.dispersion = torch.broadcast_tensors(log_mean, dispersion)
        super().__init__(self.log_mean.shape, validate_args=False)

    def expand(self, batch_shape: Any, _instance: Any = None) -> "NegativeBinomial":
        return NegativeBinomial(self.log_mean.expand(batch_shape), self.dispersion.expand(batch_shape))

    def log_prob(self, value: Tensor) -> Tensor:
        x, theta = value.double(), self.dispersion.double()
        excess = self.log_mean.double() - theta.log()
        binomial = torch.lgamma(x + theta) - torch.lgamma(theta) - torch.lgamma(x + 1)
        log_prob = binomial + x * nn.functional.logsigmoid(excess) + theta * nn.functional.logsigmoid(-excess)
        return log_prob.to(self.log_mean.dtype)

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


def _initial(square: Tensor, excess: Tensor) -> Tensor:
    """The dispersion at which a mean with this square has this much variance beyond a Poisson's, within bounds."""
    return torch.where(excess > 0, square / excess, INITIAL_RANGE[1]).clamp(*INITIAL_RANGE)
