"""Models to compare with, each with the parameters, questions and metrics of the estimator it is the counterpart of."""

from .gmvae import GMVAE
from .vae import VAE

__all__ = ["GMVAE", "VAE"]
