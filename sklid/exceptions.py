"""Warnings of the package."""

__all__ = ["CollapseWarning"]


class CollapseWarning(UserWarning):
    """Some latents of a fitted model do not depend on the data: their posterior has collapsed."""
