"""The likelihoods that go by a name: what the estimators accept."""

from .base import Likelihood
from .bernoulli import BernoulliLikelihood
from .categorical import CategoricalLikelihood
from .continuous_bernoulli import ContinuousBernoulliLikelihood
from .counts import PoissonLikelihood
from .gaussian import GaussianLikelihood
from .log_normal import LogNormalLikelihood
from .negative_binomial import NegativeBinomialLikelihood
from .ordinal import OrdinalLikelihood
from .zero_inflated import ZeroInflatedNegativeBinomialLikelihood, ZeroInflatedPoissonLikelihood

__all__ = ["LIKELIHOODS"]

LIKELIHOODS: dict[str, type[Likelihood]] = {
    family.name: family
    for family in (
        GaussianLikelihood,
        LogNormalLikelihood,
        BernoulliLikelihood,
        ContinuousBernoulliLikelihood,
        PoissonLikelihood,
        NegativeBinomialLikelihood,
        ZeroInflatedPoissonLikelihood,
        ZeroInflatedNegativeBinomialLikelihood,
        CategoricalLikelihood,
        OrdinalLikelihood,
    )
}
