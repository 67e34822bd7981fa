"""Modules and functions of latent-identifiable models: Brenier maps, injective decoders, likelihoods and bounds, in torch alone."""

from .activation import ACTIVATIONS
from .brenier import BrenierMap, InversionError
from .certificate import elementary_mutual_information_floor, kl_floor, mixture_kl_floor, mixture_mutual_information_floor, mutual_information_floor
from .convex import ConvexPotential
from .decoder import Decoder, InjectiveDecoder, PlainDecoder
from .embedding import IdentityEmbedding, OrthogonalEmbedding
from .likelihoods import LIKELIHOODS
from .likelihoods.base import Likelihood
from .likelihoods.bernoulli import BernoulliLikelihood
from .likelihoods.categorical import CategoricalLikelihood, helmert_basis
from .likelihoods.continuous_bernoulli import ContinuousBernoulli, ContinuousBernoulliLikelihood
from .likelihoods.counts import PoissonLikelihood
from .likelihoods.gaussian import GaussianLikelihood
from .linear import LinearDecoder, LinearModel, QuadraticPotential
from .mixture import SeparatedMixture, separated
from .mixture_model import JointMixtureModel, MixtureModel
from .model import LatentVariableModel
from .objective import Bound, gaussian_kl, iwae, kl_estimate
from .posterior import GaussianPosterior, Posterior
from .prior import Prior, StandardNormal

__all__ = [
    "ACTIVATIONS",
    "LIKELIHOODS",
    "BernoulliLikelihood",
    "Bound",
    "BrenierMap",
    "CategoricalLikelihood",
    "ContinuousBernoulli",
    "ContinuousBernoulliLikelihood",
    "ConvexPotential",
    "Decoder",
    "GaussianLikelihood",
    "GaussianPosterior",
    "IdentityEmbedding",
    "InjectiveDecoder",
    "InversionError",
    "JointMixtureModel",
    "LatentVariableModel",
    "Likelihood",
    "LinearDecoder",
    "LinearModel",
    "MixtureModel",
    "OrthogonalEmbedding",
    "PlainDecoder",
    "PoissonLikelihood",
    "Posterior",
    "Prior",
    "QuadraticPotential",
    "SeparatedMixture",
    "StandardNormal",
    "elementary_mutual_information_floor",
    "gaussian_kl",
    "helmert_basis",
    "iwae",
    "kl_estimate",
    "kl_floor",
    "mixture_kl_floor",
    "mixture_mutual_information_floor",
    "mutual_information_floor",
    "separated",
]
