"""Latent-identifiable models in torch alone: Brenier maps, injective decoders, likelihoods and bounds."""

from .activation import ACTIVATIONS
from .brenier import BrenierMap, InversionError
from .certificate import (
    ball_kl_floor,
    ball_probability,
    kl_floor,
    mixture_kl_floor,
    mixture_mutual_information_floor,
    mutual_information_floor,
)
from .clusters import Clusters, GaussianClusters
from .convex import ConvexPotential
from .convolution import ConvolutionalNetwork
from .curved import CurvedPotential
from .decoder import Decoder, InjectiveDecoder, PlainDecoder
from .embedding import IdentityEmbedding, OrthogonalEmbedding
from .likelihoods import (
    LIKELIHOODS,
    BernoulliLikelihood,
    CategoricalLikelihood,
    ContinuousBernoulli,
    ContinuousBernoulliLikelihood,
    GaussianLikelihood,
    Likelihood,
    PoissonLikelihood,
    Support,
    helmert_basis,
)
from .linear import LinearDecoder, LinearModel, QuadraticPotential
from .mixture import SeparatedMixture, separated
from .mixture_model import JointMixtureModel, MixtureModel
from .model import LatentVariableModel
from .objective import Bound, iwae, kl_estimate
from .posterior import GaussianPosterior, Posterior
from .prior import Prior, StandardNormal
from .section import Section, SectionDecoder
from .shift import RandomShift

__all__ = [
    "ACTIVATIONS",
    "LIKELIHOODS",
    "BernoulliLikelihood",
    "Bound",
    "BrenierMap",
    "CategoricalLikelihood",
    "Clusters",
    "ContinuousBernoulli",
    "ContinuousBernoulliLikelihood",
    "ConvexPotential",
    "ConvolutionalNetwork",
    "CurvedPotential",
    "Decoder",
    "GaussianClusters",
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
    "RandomShift",
    "Section",
    "SectionDecoder",
    "SeparatedMixture",
    "StandardNormal",
    "Support",
    "ball_kl_floor",
    "ball_probability",
    "helmert_basis",
    "iwae",
    "kl_estimate",
    "kl_floor",
    "mixture_kl_floor",
    "mixture_mutual_information_floor",
    "mutual_information_floor",
    "separated",
]
