"""Likelihoods by name: one family a file."""

from .base import Likelihood
from .bernoulli import BernoulliLikelihood
from .categorical import CategoricalLikelihood, helmert_basis
from .continuous_bernoulli import ContinuousBernoulli, ContinuousBernoulliLikelihood
from .counts import PoissonLikelihood
from .gaussian import GaussianLikelihood

__all__ = [
    "LIKELIHOODS",
    "BernoulliLikelihood",
    "CategoricalLikelihood",
    "ContinuousBernoulli",
    "ContinuousBernoulliLikelihood",
    "GaussianLikelihood",
    "Likelihood",
    "PoissonLikelihood",
    "helmert_basis",
]

LIKELIHOODS: dict[str, type[Likelihood]] = {
    "gaussian": GaussianLikelihood,
    "bernoulli": BernoulliLikelihood,
    "continuous_bernoulli": ContinuousBernoulliLikelihood,
    "poisson": PoissonLikelihood,
    "categorical": CategoricalLikelihood,
}
