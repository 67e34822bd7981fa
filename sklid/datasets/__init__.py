"""Data sets to try latent-variable models on, in the manner of `sklearn.datasets`."""

from .made import make_pinwheel

__all__ = ["make_pinwheel"]
