"""Warnings of the package, where they point, and where they are not given."""

import sys
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = [
    "CappedEstimateWarning",
    "CollapseWarning",
    "ModelFileError",
    "NoiseWarning",
    "UnknownCategoryWarning",
    "silenced",
    "warn_user",
]

NOT_THE_USERS = tuple(f"{name}." for name in ("sklid", "sklearn", "skorch", "joblib", "contextlib", "torch"))
_thread = threading.local()


class CollapseWarning(UserWarning):
    """Some latents of a fitted model do not depend on the data: their posterior has collapsed."""


class CappedEstimateWarning(UserWarning):
    """There are too few rows to measure the mutual information.

    Its estimate is near the largest value that so many rows can show.
    """


class ModelFileError(ValueError):
    """A model that a file cannot hold, or a file that holds no model; the message is one line for its owner."""


class NoiseWarning(UserWarning):
    """The noise of the data is not what the number of components of a fitted model rests on."""


class UnknownCategoryWarning(UserWarning):
    """A table holds categories that did not occur in the fit; they are taken as missing."""


@contextmanager
def silenced(category: type[Warning]) -> Iterator[None]:
    """Inside the block, `warn_user` gives no warning of the category in this thread.

    The filters of `warnings` belong to all threads, so that two which change them for a while may leave them changed.
    """
    before = getattr(_thread, "silenced", ())
    _thread.silenced = (*before, category)
    try:
        yield
    finally:
        _thread.silenced = before


def warn_user(text: str, category: type[Warning]) -> None:
    """A warning that points at the line of the user's by which the package was called, however deep it is raised."""
    if issubclass(category, getattr(_thread, "silenced", ())):
        return
    frame, level = sys._getframe(1), 2
    while frame.f_back is not None and f"{frame.f_globals.get('__name__', '')}.".startswith(NOT_THE_USERS):
        frame, level = frame.f_back, level + 1
    warnings.warn(text, category, stacklevel=level)
