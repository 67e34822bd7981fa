"""What numpy would read wrongly, or not at all, as it makes numbers of a table: masks, gaps of pandas, and dates."""

import sys
from typing import Any

import numpy as np

from .column_kinds import GAP_TYPES, refuse_dates
from .column_reader import is_frame_of, refuse_lazy
from .numeric_table import shortened

__all__ = ["with_plain_values"]

_is_gap = np.frompyfunc(lambda value: type(value).__name__ in GAP_TYPES, 1, 1)


def with_plain_values(X: Any) -> Any:
    """A table with nan for masked values and for the gaps of its columns of objects; the table itself if it has none.

    Parameters
    ----------
    X : DataFrame, array, list of rows, or anything else

    Raises
    ------
    TypeError
        For a LazyFrame of polars.
    ValueError
        For dates, times and durations.
    """
    refuse_lazy(X)
    if is_frame_of("polars", X):
        for series in X.get_columns():
            if series.dtype.is_temporal() and len(series):
                refuse_dates(shortened(series.name), series[0])
    if isinstance(X, np.ndarray):
        return _array(X)
    if "pandas" not in sys.modules:  # who has gaps of its kind has loaded it
        return X
    if is_frame_of("pandas", X):
        return _frame(X)
    if isinstance(X, list | tuple) and any(_has_gap(row) for row in X):
        return _filled(np.array(X, dtype=object))
    return X


def _array(X: np.ndarray) -> np.ndarray:
    if X.dtype.kind in "mM" and X.size:
        refuse_dates("0", X.flat[0])
    if np.ma.is_masked(X):
        return np.ma.filled(X.astype(np.float64), np.nan)
    return _filled(X) if X.dtype == object else X


def _frame(X: Any) -> Any:
    found = X
    for place, dtype in enumerate(X.dtypes):
        if dtype.kind in "mM" and len(X):
            refuse_dates(shortened(X.columns[place]), X.iloc[0, place])
        if dtype.name != "object":
            continue
        values = X.iloc[:, place].to_numpy(dtype=object)
        filled = _filled(values)
        if filled is not values:
            found = X.copy(deep=False) if found is X else found
            found.isetitem(place, filled)
    fills = [getattr(dtype, "fill_value", 0) for dtype in X.dtypes]
    if any(fill != 0 for fill in fills) and all(hasattr(dtype, "fill_value") for dtype in X.dtypes):
        return X.sparse.to_dense()  # scikit-learn makes a matrix of sparse columns, of zeros alone
    return found


def _has_gap(row: Any) -> bool:
    return isinstance(row, list | tuple) and any(type(value).__name__ in GAP_TYPES for value in row)


def _filled(values: np.ndarray) -> np.ndarray:
    gaps = _is_gap(values).astype(bool)
    return np.where(gaps, np.nan, values) if gaps.any() else values
