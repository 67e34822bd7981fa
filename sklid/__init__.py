"""Latent-identifiable variational autoencoders with scikit-learn's interface."""

from .estimators.annotation import embed
from .estimators.lidgmvae import LIDGMVAEClustering
from .estimators.lidmvae import LIDMVAEClustering
from .estimators.lidsvae import LIDSVAE
from .estimators.lidvae import LIDVAE
from .exceptions import CollapseWarning
from .imputation.imputer import LIDVAEImputer
from .linear.ppca import IdentifiablePPCA
from .persistence import load, save

__all__ = [
    "LIDSVAE",
    "LIDVAE",
    "CollapseWarning",
    "IdentifiablePPCA",
    "LIDGMVAEClustering",
    "LIDMVAEClustering",
    "LIDVAEImputer",
    "embed",
    "load",
    "save",
]
__version__ = "0.1.0"
