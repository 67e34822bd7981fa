"""Gaps of pandas among objects, which numpy makes no numbers of."""

import sys
from typing import Any

import numpy as np

from .column_kinds import GAP_TYPES
from .column_reader import is_frame_of, refuse_lazy

__all__ = ["with_plain_gaps"]

_is_gap = np.frompyfunc(lambda value: type(value).__name__ in GAP_TYPES, 1, 1)


def with_plain_gaps(X: Any) -> Any:
    """A table with nan for the gaps of its columns of objects; without such gaps the table itself.

    Parameters
    ----------
    X : DataFrame, array, list of rows, or anything else

    Raises
    ------
    TypeError
        For a LazyFrame of polars.
    """
    refuse_lazy(X)
    if "pandas" not in sys.modules:  # who has gaps of its kind has loaded it
        return X
    if is_frame_of("pandas", X):
        return _frame(X)
    if isinstance(X, np.ndarray) and X.dtype == object:
        return _filled(X)
    if isinstance(X, list | tuple) and any(_has_gap(row) for row in X):
        return _filled(np.array(X, dtype=object))
    return X


def _frame(X: Any) -> Any:
    found = X
    for place in np.flatnonzero([dtype.kind == "O" and dtype.name == "object" for dtype in X.dtypes]):
        values = X.iloc[:, place].to_numpy(dtype=object)
        filled = _filled(values)
        if filled is not values:
            found = X.copy(deep=False) if found is X else found
            found.isetitem(place, filled)
    return found


def _has_gap(row: Any) -> bool:
    return isinstance(row, list | tuple) and any(type(value).__name__ in GAP_TYPES for value in row)


def _filled(values: np.ndarray) -> np.ndarray:
    gaps = _is_gap(values).astype(bool)
    return np.where(gaps, np.nan, values) if gaps.any() else values
