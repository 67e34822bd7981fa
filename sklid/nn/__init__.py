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
    peak_ball_probability,
    peak_kl_floor,
)
from .clusters import Clusters, GaussianClusters, PrincipalClusters
from .convex import ConvexPotential
from .convolution import ConvolutionalNetwork
from .curved import CurvedPotential
from .decoder import Decoder, InjectiveDecoder, PlainDecoder
from .embedding import IdentityEmbedding, OrthogonalEmbedding
from .gamma import GammaClusters
from .gaps import GapLikelihood
from .likelihoods import (
    LIKELIHOODS,
    BernoulliLikelihood,
    CategoricalLikelihood,
    ColumnProduct,
    ConditionedLikelihood,
    ContinuousBernoulli,
    ContinuousBernoulliLikelihood,
    GaussianLikelihood,
    Library,
    Likelihood,
    LogNormalLikelihood,
    MixedLikelihood,
    NegativeBinomial,
    NegativeBinomialLikelihood,
    OrdinalLikelihood,
    PoissonLikelihood,
    Support,
    ZeroInflated,
    ZeroInflatedNegativeBinomialLikelihood,
    ZeroInflatedPoissonLikelihood,
    helmert_basis,
)
from .linear import LinearDecoder, LinearModel, QuadraticPotential
from .location_scale import LocationScaleClusters, StandardDistribution, StandardLaplace, StandardStudentT
from .mixture import SeparatedMixture, separated
from .mixture_model import JointMixtureModel, MixtureModel
from .model import LatentVariableModel
from .objective import Bound, iwae, kl_estimate
from .positive import LogNormalPrior, PositivePosterior, ShiftedDecoder, with_positive_latents
from .posterior import GaussianPosterior, LabelledPosterior, Posterior
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
    "ColumnProduct",
    "ConditionedLikelihood",
    "ContinuousBernoulli",
    "ContinuousBernoulliLikelihood",
    "ConvexPotential",
    "ConvolutionalNetwork",
    "CurvedPotential",
    "Decoder",
    "GammaClusters",
    "GapLikelihood",
    "GaussianClusters",
    "GaussianLikelihood",
    "GaussianPosterior",
    "IdentityEmbedding",
    "InjectiveDecoder",
    "InversionError",
    "JointMixtureModel",
    "LabelledPosterior",
    "LatentVariableModel",
    "Library",
    "Likelihood",
    "LinearDecoder",
    "LinearModel",
    "LocationScaleClusters",
    "LogNormalLikelihood",
    "LogNormalPrior",
    "MixedLikelihood",
    "MixtureModel",
    "NegativeBinomial",
    "NegativeBinomialLikelihood",
    "OrdinalLikelihood",
    "OrthogonalEmbedding",
    "PlainDecoder",
    "PoissonLikelihood",
    "PositivePosterior",
    "Posterior",
    "PrincipalClusters",
    "Prior",
    "QuadraticPotential",
    "RandomShift",
    "Section",
    "SectionDecoder",
    "SeparatedMixture",
    "ShiftedDecoder",
    "StandardDistribution",
    "StandardLaplace",
    "StandardNormal",
    "StandardStudentT",
    "Support",
    "ZeroInflated",
    "ZeroInflatedNegativeBinomialLikelihood",
    "ZeroInflatedPoissonLikelihood",
    "ball_kl_floor",
    "ball_probability",
    "helmert_basis",
    "iwae",
    "kl_estimate",
    "kl_floor",
    "mixture_kl_floor",
    "mixture_mutual_information_floor",
    "mutual_information_floor",
    "peak_ball_probability",
    "peak_kl_floor",
    "separated",
    "with_positive_latents",
]
