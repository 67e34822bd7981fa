r"""Likelihoods: minimal exponential families, from natural parameters to distributions.

.. math:: p(x \mid \eta) = h(x) \exp(\langle \eta, t(x) \rangle - A(\eta)), \qquad \eta = f(z)

A family is *minimal* when different natural parameters give different distributions; an injective decoder then gives an injective likelihood,
which is what Theorem 1 of Wang, Blei & Cunningham (NeurIPS 2021) needs. Hence V - 1 parameters for V categories, by the Helmert basis,
and the Gaussian in units of its noise,

.. math:: x = s (f(z) + \varepsilon), \quad \varepsilon \sim N(0, I),

so that the inverse-Lipschitz constant of f is a signal-to-noise ratio whatever s is.
"""

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.distributions import Bernoulli as BernoulliDistribution
from torch.distributions import Categorical, Distribution, Independent, Normal, Poisson, constraints

from .continuous_bernoulli import ContinuousBernoulli, natural_parameter

__all__ = [
    "LIKELIHOODS",
    "BernoulliLikelihood",
    "CategoricalLikelihood",
    "ContinuousBernoulliLikelihood",
    "GaussianLikelihood",
    "Likelihood",
    "PoissonLikelihood",
    "helmert_basis",
]

BOUNDARY = 1e-6
"""Distance by which a mean on the boundary of its range is moved inside before the link, where it has no finite natural parameter."""

MINIMAL_NOISE = 1e-3


class Likelihood(nn.Module):
    """What a model asks of a likelihood; the defaults are those of one natural parameter per feature.

    Parameters
    ----------
    n_features : int
        Number P of observed features.

    Attributes
    ----------
    n_parameters : int
        Number D of natural parameters.
    support : torch.distributions.constraints.Constraint
        Values the likelihood can take.
    noise_units : bool
        Whether the natural parameter is measured in noise standard deviations, so that an inverse-Lipschitz decoder has an information floor.
    """

    support: Any = constraints.real
    noise_units = False

    def __init__(self, n_features: int) -> None:
        super().__init__()
        self.n_features = n_features
        self.n_parameters = n_features

    @classmethod
    def from_data(cls, x: Tensor) -> "Likelihood":
        """The likelihood for rows like those of x ``(N, P)``."""
        return cls(x.shape[-1])

    def gain(self) -> Tensor | float:
        """Positive scale of the learned part of the decoder."""
        return 1.0

    def start(self, noise: float) -> None:
        """Start at a noise standard deviation, where there is one to learn."""

    def distribution(self, eta: Tensor) -> Distribution:
        """p(x | eta) over rows: ``(*, D)`` to a distribution of batch shape ``(*,)`` and event shape ``(P,)``."""
        raise TypeError(f"{type(self).__name__} names no distribution; use one of {sorted(LIKELIHOODS)}.")

    def forward(self, eta: Tensor) -> Distribution:
        """The same as `distribution`."""
        return self.distribution(eta)

    def mean(self, eta: Tensor) -> Tensor:
        """E[x | eta]: ``(*, D) -> (*, P)``."""
        return self.distribution(eta).mean

    def expected_statistic(self, eta: Tensor) -> Tensor:
        """Expected sufficient statistic A'(eta), whose derivative is the Fisher information of eta: ``(*, D) -> (*, D)``."""
        return self.mean(eta)

    def inputs(self, x: Tensor) -> Tensor:
        """What an encoder sees, one number per natural parameter: ``(*, P) -> (*, D)``."""
        return x

    def moments(self, x: Tensor) -> Tensor:
        """The sufficient statistic of x, whose average is the argument of `link`."""
        return x

    def link(self, moments: Tensor) -> Tensor:
        """Natural parameters with the given expected sufficient statistic: to ``(*, D)``."""
        return moments


class GaussianLikelihood(Likelihood):
    r"""Gaussian in noise units, :math:`x = s (f + \varepsilon)`, with one s for all features or one each.

    Parameters
    ----------
    n_features : int
    noise : {"global", "feature"}, default="global"
        With one s the learned part of the decoder is divided by it (`gain`), so that the mean is ``grad T(u) + r s u``: only the quadratic
        part scales with the noise.
    """

    noise_units = True

    def __init__(self, n_features: int, noise: str = "global") -> None:
        super().__init__(n_features)
        self.is_global = noise == "global"
        self.log_noise = nn.Parameter(torch.zeros(1 if self.is_global else n_features))

    def noise(self) -> Tensor:
        """The standard deviation s, at least 1e-3: shape ``(1,)`` or ``(P,)``."""
        return MINIMAL_NOISE + self.log_noise.exp()

    @torch.no_grad()
    def start(self, noise: float) -> None:
        self.log_noise.fill_(math.log(max(noise - MINIMAL_NOISE, MINIMAL_NOISE)))

    def gain(self) -> Tensor | float:
        return 1.0 / self.noise() if self.is_global else 1.0

    def distribution(self, eta: Tensor) -> Distribution:
        s = self.noise()
        return Independent(Normal(s * eta, s, validate_args=False), 1, validate_args=False)

    def expected_statistic(self, eta: Tensor) -> Tensor:
        return eta

    def link(self, moments: Tensor) -> Tensor:
        return moments / self.noise()


class BernoulliLikelihood(Likelihood):
    """Bernoulli with logits; values in [0, 1] count as success probabilities, and then the result is no density."""

    support = constraints.unit_interval

    def distribution(self, eta: Tensor) -> Distribution:
        return Independent(BernoulliDistribution(logits=eta, validate_args=False), 1, validate_args=False)

    def link(self, moments: Tensor) -> Tensor:
        return torch.logit(moments, eps=BOUNDARY)


class ContinuousBernoulliLikelihood(Likelihood):
    """Continuous Bernoulli with its normaliser, a density on [0, 1]: for pixel intensities."""

    support = constraints.unit_interval

    def distribution(self, eta: Tensor) -> Distribution:
        return Independent(ContinuousBernoulli(eta), 1, validate_args=False)

    def link(self, moments: Tensor) -> Tensor:
        return natural_parameter(moments.clamp(1e-3, 1 - 1e-3))


class PoissonLikelihood(Likelihood):
    """Poisson with log-rates, for counts; the encoder sees log(1 + x)."""

    support = constraints.nonnegative_integer

    def distribution(self, eta: Tensor) -> Distribution:
        return Independent(Poisson(eta.exp(), validate_args=False), 1, validate_args=False)

    def inputs(self, x: Tensor) -> Tensor:
        return torch.log1p(x)

    def link(self, moments: Tensor) -> Tensor:
        return moments.clamp_min(BOUNDARY).log()


class CategoricalLikelihood(Likelihood):
    r"""Columns of category codes 0 .. V_j - 1, with V_j - 1 natural parameters each.

    .. math:: \text{logits}_j = Q_{V_j} \eta_j, \qquad Q_V^\top Q_V = I, \; Q_V^\top 1 = 0

    with the Helmert basis Q, which keeps the inverse-Lipschitz constant exactly; a fixed zero logit would shrink it by up to
    :math:`1/\sqrt{V}`, and V free logits are not injective.

    Parameters
    ----------
    n_categories : sequence of int
        V_j of each column, at least 1.
    """

    basis: Tensor
    slots: Tensor
    absent: Tensor
    support: Any = constraints.nonnegative_integer

    def __init__(self, n_categories: list[int]) -> None:
        super().__init__(len(n_categories))
        self.n_categories = list(n_categories)
        self.n_parameters = sum(v - 1 for v in n_categories)
        widest = max(2, *n_categories)
        counts = torch.tensor(n_categories)[:, None]
        self.support = constraints.integer_interval(0, torch.tensor(n_categories) - 1)
        self.register_buffer("basis", helmert_basis(widest))
        self.register_buffer("absent", torch.arange(widest) >= counts)
        self.register_buffer("slots", (torch.arange(widest - 1) < counts - 1).flatten().nonzero().squeeze(-1))

    @classmethod
    def from_data(cls, x: Tensor) -> "CategoricalLikelihood":
        return cls([int(v) + 1 for v in x.max(dim=0).values])

    def distribution(self, eta: Tensor) -> Distribution:
        return Independent(Categorical(logits=self._logits(eta), validate_args=False), 1, validate_args=False)

    def mean(self, eta: Tensor) -> Tensor:
        """The most probable category of each column; a code has no meaningful average."""
        return self._logits(eta).argmax(-1).to(eta.dtype)

    def expected_statistic(self, eta: Tensor) -> Tensor:
        return self._contract(self._logits(eta).softmax(-1))

    def inputs(self, x: Tensor) -> Tensor:
        return self._contract(self.moments(x))

    def moments(self, x: Tensor) -> Tensor:
        """Indicators of the categories, ``(*, P) -> (*, P, V)``."""
        return nn.functional.one_hot(x.long(), self.basis.shape[0]).to(self.basis.dtype)

    def link(self, moments: Tensor) -> Tensor:
        present = (~self.absent).to(moments.dtype)
        inside = (1 - BOUNDARY) * moments + BOUNDARY * present / present.sum(-1, keepdim=True)
        return self._contract(torch.where(self.absent, 1.0, inside).log())

    def _logits(self, eta: Tensor) -> Tensor:
        rows, columns = self.absent.shape
        padded = eta.new_zeros(*eta.shape[:-1], rows * (columns - 1))
        padded = padded.index_copy(-1, self.slots, eta)
        logits = padded.unflatten(-1, (rows, columns - 1)) @ self.basis.mT
        return logits.masked_fill(self.absent, -math.inf)

    def _contract(self, table: Tensor) -> Tensor:
        """Coordinates of a table ``(*, P, V)`` in the Helmert bases: ``(*, D)``."""
        return (table @ self.basis).flatten(-2).index_select(-1, self.slots)


def helmert_basis(n_categories: int) -> Tensor:
    r"""Orthonormal basis Q of the vectors of R^V that sum to zero: ``(V, V - 1)``.

    Its leading :math:`v \times (v - 1)` block is the basis for v categories.

    Examples
    --------
    >>> from sklid.nn import helmert_basis
    >>> Q = helmert_basis(4)
    >>> bool((Q.mT @ Q).allclose(Q.new_ones(3).diag(), atol=1e-6))
    True
    """
    order = torch.arange(1, n_categories, dtype=torch.get_default_dtype())
    above = torch.triu(torch.ones(n_categories, n_categories - 1))
    below = torch.diag(-order, diagonal=-1)[:, :-1]
    return (above + below) / torch.sqrt(order * (order + 1))


LIKELIHOODS: dict[str, type[Likelihood]] = {
    "gaussian": GaussianLikelihood,
    "bernoulli": BernoulliLikelihood,
    "continuous_bernoulli": ContinuousBernoulliLikelihood,
    "poisson": PoissonLikelihood,
    "categorical": CategoricalLikelihood,
}
