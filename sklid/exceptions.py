"""Warnings of the package."""

__all__ = ["CappedEstimateWarning", "CollapseWarning"]


class CollapseWarning(UserWarning):
    """Some latents of a fitted model do not depend on the data: their posterior has collapsed."""


class CappedEstimateWarning(UserWarning):
    """There are too few rows to measure the mutual information.

    Its estimate is near the largest value that so many rows can show.
    """
