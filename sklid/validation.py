"""Checks of parameters, rows and arguments, most of them scikit-learn's.

This is the one file that imports names which scikit-learn keeps private.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from numbers import Integral, Real
from typing import Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import _fit_context
from sklearn.utils import _safe_indexing as safe_indexing
from sklearn.utils import check_scalar
from sklearn.utils._param_validation import (
    Interval,
    RealNotInt,
    StrOptions,
    validate_parameter_constraints,
    validate_params,
)
from sklearn.utils._set_output import _get_output_config
from sklearn.utils.validation import _check_sample_weight as check_sample_weight

__all__ = [
    "NON_NEGATIVE",
    "POSITIVE_INTEGER",
    "POSITIVE_REAL",
    "Interval",
    "RealNotInt",
    "StrOptions",
    "check_finite",
    "check_parameters",
    "check_sample_weight",
    "checked_size",
    "fit_context",
    "output_container",
    "restored_on_error",
    "safe_indexing",
    "validate_params",
    "weighted_mean",
]

POSITIVE_INTEGER = [Interval(Integral, 1, None, closed="left")]
POSITIVE_REAL = [Interval(Real, 0, None, closed="neither")]
NON_NEGATIVE = [Interval(Real, 0, None, closed="left")]

Method = TypeVar("Method", bound=Callable[..., Any])


def fit_context(*, prefer_skip_nested_validation: bool) -> Callable[[Method], Method]:
    """scikit-learn's decorator of a ``fit``, which checks the parameters first; the type of the method stays."""
    return _fit_context(prefer_skip_nested_validation=prefer_skip_nested_validation)


def check_parameters(estimator: Any) -> None:
    """ValueError, in scikit-learn's words, for a parameter of an estimator that is outside its constraints."""
    constraints = estimator._parameter_constraints
    validate_parameter_constraints(constraints, estimator.get_params(deep=False), type(estimator).__name__)


def checked_size(number: Any, name: str = "n_samples", what: str = "rows to draw") -> int:
    """A number of rows, or of what else there is, as an integer; ValueError unless it is whole and at least 1."""
    if isinstance(number, bool) or not isinstance(number, Integral) or number < 1:
        raise ValueError(f"{name}={number!r} must be a whole number of {what}, at least 1.")
    return int(number)


def check_finite(
    name: str, value: Any, least: float | None = None, most: float | None = None, boundaries: str = "both"
) -> None:
    """TypeError for what is no number; ValueError for one that is not finite or outside its bounds."""
    check_scalar(value, name, Real, min_val=least, max_val=most, include_boundaries=boundaries)
    if not np.isfinite(value):
        raise ValueError(f"{name}={value} must be a finite number.")


def output_container(estimator: Any) -> str:
    """What `set_output` says that tables are to come back in: "default", "pandas" or "polars"."""
    return _get_output_config("transform", estimator)["dense"]


def weighted_mean(scores: NDArray[np.floating], sample_weight: ArrayLike | None) -> float:
    """Mean of scores of rows, ``(N,)``, in double precision.

    Parameters
    ----------
    scores : array of shape (n_samples,)
    sample_weight : array-like of shape (n_samples,), optional

    Raises
    ------
    ValueError
        If weights are not one for each row, finite, non-negative and positive somewhere.
    """
    if sample_weight is None:
        return float(scores.mean(dtype=np.float64))
    weights = np.asarray(sample_weight, dtype=np.float64)
    if weights.shape != scores.shape or not (np.isfinite(weights) & (weights >= 0)).all() or not weights.any():
        raise ValueError(
            f"sample_weight must hold one finite number for each of the {len(scores)} rows, none negative and not all "
            f"zero; got shape {weights.shape}" + (f" with least value {weights.min():g}." if weights.size else ".")
        )
    return float(np.average(scores.astype(np.float64), weights=weights))


@contextmanager
def restored_on_error(estimator: Any, errors: type[BaseException] = Exception) -> Iterator[None]:
    """An error inside the block leaves the estimator's attributes as they were before it, and with them its fit.

    Ctrl-C is none of the default `errors`: what has been fitted until then stays.
    """
    before = vars(estimator).copy()
    try:
        yield
    except errors:
        vars(estimator).clear()
        vars(estimator).update(before)
        raise
