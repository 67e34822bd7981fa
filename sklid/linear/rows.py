"""What comes in: the rows that count, checked, and errors that say which solver or method takes those that do not fit.

Rows of weight zero, or without any value, do not count. A fit that is refused leaves the estimator as it was.
"""

import math
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse
from sklearn.base import BaseEstimator
from sklearn.utils import assert_all_finite
from sklearn.utils.validation import validate_data

from ..data.plain_values import with_plain_values
from ..data.validated_rows import refuse_columns
from ..validation import check_sample_weight
from .covariance import WeightedRows

__all__ = ["DTYPES", "check_columns", "check_complete", "check_size", "checked_rows", "most_factors"]

DTYPES = [np.float64, np.float32]
NUMBERS = 'principal components are those of numbers. LIDVAE(likelihood="auto") takes columns of all kinds'


def checked_rows(
    estimator: BaseEstimator, X: ArrayLike, sample_weight: ArrayLike | None, *, reset: bool, gaps: str
) -> WeightedRows:
    """The rows that count, of at least one value each.

    Parameters
    ----------
    estimator : BaseEstimator
        Learns the names and the number of its features with `reset`, else they must be the same.
    X : array-like or sparse matrix of shape (n_samples, n_features)
        What a masked array masks is missing.
    sample_weight : array-like of shape (n_samples,) or None
    reset : bool
    gaps : str
        What takes missing values where they are not taken here, or "" where they are.
    """
    least = 2 if reset else 1
    checks = {"dtype": DTYPES, "accept_sparse": "csr", "ensure_all_finite": False, "ensure_min_samples": least}
    try:
        X = validate_data(estimator, with_plain_values(X), reset=reset, **checks)
    except (ValueError, TypeError) as error:
        refuse_columns(X, error, NUMBERS)
        raise
    weights = None
    if sample_weight is not None:
        weights = check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True)
    rows = WeightedRows.of(X, weights)
    if rows.complete and (weights is None or weights.all()):
        return rows
    check_complete(estimator, X, gaps)
    return _counting(X, weights)


def _counting(X: Any, weights: NDArray | None) -> WeightedRows:
    """Rows without those of weight zero, or without any value."""
    counts = np.ones(X.shape[0], dtype=bool) if sparse.issparse(X) else ~np.isnan(X).all(axis=1)
    if weights is not None:
        counts &= weights > 0
    if not counts.any():
        raise ValueError(
            "No row holds a value and has a positive weight, so there is nothing to fit; pass rows that do."
        )
    if counts.all():  # no copy
        return WeightedRows.of(X, weights)
    return WeightedRows.of(X[counts], None if weights is None else weights[counts])


def check_complete(estimator: BaseEstimator, X: NDArray, gaps: str) -> None:
    """No value is infinite, and none missing if something else takes `gaps`, or in sparse rows."""
    name = type(estimator).__name__
    if sparse.issparse(X):
        assert_all_finite(X.data, allow_nan=True, estimator_name=name, input_name="X")
        if np.isnan(X.data).any():
            raise ValueError(
                f"Input X contains NaN, a missing value, which {name} takes in dense rows alone. Pass X.toarray()."
            )
        return
    assert_all_finite(X, allow_nan=True, estimator_name=name, input_name="X")
    if gaps and np.isnan(X).any():
        raise ValueError(f"Input X contains NaN, a missing value, which {name} does not take here: {gaps}")


def check_columns(X: NDArray, names: Any = None) -> None:
    """Every column holds a value."""
    empty = np.flatnonzero(np.isnan(X).all(axis=0))
    if len(empty):
        title = f"Column {empty[0]}" if names is None else f"Column {empty[0]} ({names[empty[0]]!r})"
        raise ValueError(
            f"{title} holds no value in any row that counts, so nothing can be learned of it; leave it out."
        )


def most_factors(n_features: int) -> int:
    """How many components a covariance determines beside a noise of each feature (Ledermann 1937)."""
    return math.floor(n_features + 0.5 - math.sqrt(2 * n_features + 0.25))


def check_size(n_features: int, weight: float, n_components: int | float | str | None, by_feature: bool = False) -> int:
    """The most components that rows of this total weight allow, which a number of them must not exceed."""
    if not weight > 1:
        raise ValueError(
            f"The rows that hold a value have a total weight of {weight:g}; "
            "sample_weight counts repetitions, and they must be more than one row."
        )
    most = min(n_features, math.ceil(weight) - 1)
    if isinstance(n_components, Integral) and n_components > most:
        raise ValueError(
            f"n_components={n_components} is more than {n_features} features and {weight:g} rows allow: "
            f"centred, they span at most {most} directions. Lower n_components, or pass more rows."
        )
    if by_feature:
        most = min(most, max(most_factors(n_features), 1))
        if isinstance(n_components, Integral) and n_components > most:
            raise ValueError(
                f"n_components={n_components} is more than the {most} that a covariance of {n_features} features "
                'determines beside a noise for each of them. Lower n_components, or use noise="global".'
            )
    return most
