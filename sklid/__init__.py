"""Latent-identifiable variational autoencoders with scikit-learn's interface."""

from .exceptions import CollapseWarning
from .lidgmvae import LIDGMVAEClustering
from .lidvae import LIDVAE
from .ppca import IdentifiablePPCA

__all__ = ["LIDVAE", "CollapseWarning", "IdentifiablePPCA", "LIDGMVAEClustering"]
__version__ = "0.1.0"
