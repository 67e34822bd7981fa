"""Columns of a table by their names or numbers: which they are, and the part of the table that they make."""

from collections.abc import Hashable, Sequence
from numbers import Integral
from typing import Any

import numpy as np
from scipy.sparse import issparse

from ..validation import safe_indexing
from .column_reader import is_frame_of, refuse_lazy
from .numeric_table import shortened

__all__ = ["as_table", "columns_of", "dense_columns_of", "labels_of", "listed", "places_of", "title_of"]

MOST_NAMES = 20


def as_table(X: Any) -> Any:
    """A frame, an array or a sparse matrix as it is; others as an array, of objects unless all are numbers."""
    refuse_lazy(X)
    if hasattr(X, "columns") or isinstance(X, np.ndarray) or issparse(X):
        return X
    array = np.asarray(X)
    return array if array.dtype.kind in "biuf" else np.array(X, dtype=object)


def columns_of(X: Any, numbers: Sequence[int]) -> Any:
    """Some columns of a frame or an array; neighbours in an array without a copy."""
    if isinstance(X, np.ndarray) and len(numbers) and list(numbers) == list(range(numbers[0], numbers[-1] + 1)):
        return X[:, numbers[0] : numbers[-1] + 1]
    if is_frame_of("polars", X):
        return X[:, list(numbers)]
    return safe_indexing(X.tocsr() if issparse(X) else X, list(numbers), axis=1)


def dense_columns_of(X: Any, numbers: Sequence[int]) -> Any:
    """The same, of a sparse matrix in an array."""
    columns = columns_of(X, numbers)
    return columns.toarray() if issparse(columns) else columns


def listed(asked: Any) -> list[Any]:
    """One key, several or None as a list."""
    if asked is None:
        return []
    return list(asked) if isinstance(asked, list | tuple | np.ndarray) else [asked]


def labels_of(X: Any) -> list[Hashable] | None:
    """What the columns of a frame are called, and None of an array."""
    return list(X.columns) if hasattr(X, "columns") else None


def title_of(labels: list[Hashable] | None, column: int) -> str:
    """A column as messages show it."""
    return str(column) if labels is None else shortened(labels[column])


def places_of(keys: Sequence[Any], labels: list[Hashable] | None, n_columns: int, parameter: str) -> list[int]:
    """The numbers of columns; several keys may be one label that is a tuple."""
    is_one = labels is not None and len(keys) > 1 and tuple(keys) in labels
    return [place_of(key, labels, n_columns, parameter) for key in ([tuple(keys)] if is_one else keys)]


def place_of(key: Any, labels: list[Hashable] | None, n_columns: int, parameter: str) -> int:
    """The number of a column by its label, or by its number where labels are no numbers.

    Raises
    ------
    ValueError
        For a column that there is not.
    """
    if labels is not None and key in labels:
        return labels.index(key)
    has_numbers = labels is not None and any(isinstance(label, Integral) for label in labels)
    if isinstance(key, Integral) and not isinstance(key, bool) and not has_numbers and 0 <= key < n_columns:
        return int(key)
    keys = [title_of(labels, column) for column in range(min(n_columns, MOST_NAMES))]
    more = f" and {n_columns - MOST_NAMES} more" if n_columns > MOST_NAMES else ""
    raise ValueError(
        f"{parameter} names the column {shortened(key)}, which X does not have; it has the columns "
        f"{', '.join(keys)}{more}."
    )
