"""Likelihoods by name: one family a file."""

from .base import Likelihood
from .bernoulli import BernoulliLikelihood
from .categorical import CategoricalLikelihood, helmert_basis
from .columns import ColumnProduct
from .conditioned import ConditionedLikelihood, Library
from .continuous_bernoulli import ContinuousBernoulli, ContinuousBernoulliLikelihood
from .counts import PoissonLikelihood
from .families import LIKELIHOODS
from .gaussian import GaussianLikelihood
from .log_normal import LogNormalLikelihood
from .mixed import MixedLikelihood
from .negative_binomial import NegativeBinomial, NegativeBinomialLikelihood
from .ordinal import OrdinalLikelihood
from .support import Support
from .zero_inflated import (
    ZeroInflated,
    ZeroInflatedNegativeBinomialLikelihood,
    ZeroInflatedPoissonLikelihood,
)

__all__ = [
    "LIKELIHOODS",
    "BernoulliLikelihood",
    "CategoricalLikelihood",
    "ColumnProduct",
    "ConditionedLikelihood",
    "ContinuousBernoulli",
    "ContinuousBernoulliLikelihood",
    "GaussianLikelihood",
    "Library",
    "Likelihood",
    "LogNormalLikelihood",
    "MixedLikelihood",
    "NegativeBinomial",
    "NegativeBinomialLikelihood",
    "OrdinalLikelihood",
    "PoissonLikelihood",
    "Support",
    "ZeroInflated",
    "ZeroInflatedNegativeBinomialLikelihood",
    "ZeroInflatedPoissonLikelihood",
    "helmert_basis",
]
