"""Fitted models in files that run no code when they are read."""

from .files import load, save

__all__ = ["load", "save"]
