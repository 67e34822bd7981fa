"""Likelihoods by name: one family a file."""

from .base import Likelihood
from .bernoulli import BernoulliLikelihood
from .categorical import CategoricalLikelihood, helmert_basis
from .continuous_bernoulli import ContinuousBernoulli, ContinuousBernoulliLikelihood
from .counts import PoissonLikelihood
from .gaussian import GaussianLikelihood
from .support import Support

__all__ = [
    "LIKELIHOODS",
    "BernoulliLikelihood",
    "CategoricalLikelihood",
    "ContinuousBernoulli",
    "ContinuousBernoulliLikelihood",
    "GaussianLikelihood",
    "Likelihood",
    "PoissonLikelihood",
    "Support",
    "helmert_basis",
]

LIKELIHOODS: dict[str, type[Likelihood]] = {
    family.name: family
    for family in (
        GaussianLikelihood,
        BernoulliLikelihood,
        ContinuousBernoulliLikelihood,
        PoissonLikelihood,
        CategoricalLikelihood,
    )
}
