"""Data sets to try latent-variable models on, in the manner of `sklearn.datasets`."""

from .made import make_gmm, make_pinwheel, make_ppca, make_sequential_vae

__all__ = ["make_gmm", "make_pinwheel", "make_ppca", "make_sequential_vae"]
