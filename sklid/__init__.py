"""Latent-identifiable variational autoencoders with scikit-learn's interface."""

from .exceptions import CollapseWarning
from .lidvae import LIDVAE

__all__ = ["LIDVAE", "CollapseWarning"]
__version__ = "0.1.0"
