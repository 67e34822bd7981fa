"""Gaps of a table filled by a latent-variable model."""

from .imputer import LIDVAEImputer

__all__ = ["LIDVAEImputer"]
