"""Warnings of the package, and where they point."""

import sys
import warnings

__all__ = ["CappedEstimateWarning", "CollapseWarning", "NoiseWarning", "warn_user"]

NOT_THE_USERS = tuple(f"{name}." for name in ("sklid", "sklearn", "skorch", "joblib", "contextlib", "torch"))


class CollapseWarning(UserWarning):
    """Some latents of a fitted model do not depend on the data: their posterior has collapsed."""


class CappedEstimateWarning(UserWarning):
    """There are too few rows to measure the mutual information.

    Its estimate is near the largest value that so many rows can show.
    """


class NoiseWarning(UserWarning):
    """The noise of the data is not what the number of components of a fitted model rests on."""


def warn_user(text: str, category: type[Warning]) -> None:
    """A warning that points at the line of the user's by which the package was called, however deep it is raised."""
    frame, level = sys._getframe(1), 2
    while frame.f_back is not None and f"{frame.f_globals.get('__name__', '')}.".startswith(NOT_THE_USERS):
        frame, level = frame.f_back, level + 1
    warnings.warn(text, category, stacklevel=level)
