"""The columns of a pandas or polars frame, an array or a list of rows.

pandas and polars are recognised without being imported: who has a frame of theirs has loaded them.
"""

import sys
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .categories import Coded, coded_declared, object_array
from .column_kinds import KIND_OF_TYPE, Columns, examined, refuse_dates, refuse_others

__all__ = ["index_of", "is_frame_of", "read_columns", "refuse_lazy"]


def is_frame_of(library: str, X: Any) -> bool:
    """Whether a table is a `DataFrame` of a library, "pandas" or "polars"."""
    loaded = sys.modules.get(library)
    return loaded is not None and isinstance(X, loaded.DataFrame)


def index_of(X: Any) -> Any:
    """The index of a frame of pandas, and None of what has none."""
    return X.index if hasattr(X, "iloc") else None


def refuse_lazy(X: Any) -> None:
    """TypeError for a frame of polars that has not been read."""
    loaded = sys.modules.get("polars")
    if loaded is not None and isinstance(X, loaded.LazyFrame):
        raise TypeError("X is a LazyFrame of polars, which has no rows yet. Pass X.collect().")


def read_columns(X: Any) -> Columns:
    """The columns of a table.

    Parameters
    ----------
    X : DataFrame of pandas or polars, or array-like of shape (n_samples, n_features)
        Masked values of a masked array are gaps.

    Raises
    ------
    TypeError
        For a LazyFrame of polars.
    ValueError
        If it has no rows and columns, or a column holds values that no likelihood takes.
    """
    refuse_lazy(X)
    if is_frame_of("pandas", X):
        return _of_pandas(X)
    if is_frame_of("polars", X):
        return _of_polars(X)
    array = _array(X)
    if array.ndim != 2:
        raise ValueError(
            f"Expected 2D array, got {array.ndim}D array instead: X must be a frame of pandas or polars, an array or a "
            f"list of rows, and is of type {type(X).__name__}."
        )
    return _of_array(array)


def _array(X: Any) -> NDArray:
    """As an array of numbers, truth values or objects."""
    if isinstance(X, np.ma.MaskedArray):
        return X.astype(np.float64 if X.dtype.kind in KIND_OF_TYPE else object).filled(np.nan)
    if isinstance(X, np.ndarray):
        return X.astype(object) if X.dtype.kind in "US" else X
    try:
        array = np.asarray(X)
    except ValueError:  # rows of different lengths, which are objects below
        return np.array(X, dtype=object)
    return array if array.dtype.kind in KIND_OF_TYPE else np.array(X, dtype=object)


def _of_array(array: NDArray) -> Columns:
    n_columns = array.shape[1]
    kind = KIND_OF_TYPE.get(array.dtype.kind)
    if kind is not None:
        return Columns(None, [kind] * n_columns, np.array(array, dtype=np.float64, order="C"), {})
    if array.dtype.kind in "mM" and array.size:
        refuse_dates("0", array[0, 0])
    columns = Columns(None, ["float"] * n_columns, np.full(array.shape, np.nan), {})
    for column in range(n_columns):
        _place(columns, column, examined(array[:, column].astype(object), str(column)))
    return columns


def _of_pandas(frame: Any) -> Columns:
    dtypes = list(frame.dtypes)
    kinds = [KIND_OF_TYPE.get(dtype.kind, "float") for dtype in dtypes]
    columns = Columns(frame.columns.tolist(), kinds, np.full(frame.shape, np.nan), {})
    plain = np.array([isinstance(dtype, np.dtype) and dtype.kind in KIND_OF_TYPE for dtype in dtypes], dtype=bool)
    columns.numbers[:, plain] = (frame if plain.all() else frame.loc[:, plain]).to_numpy(dtype=np.float64)
    for column in np.flatnonzero(~plain):
        _place(columns, column, _pandas_column(frame.iloc[:, column], columns.key(column)))
    return columns


def _pandas_column(column: Any, key: str) -> tuple[str, NDArray[np.float64] | Coded]:
    """The kind of a column that is none of plain numbers, and its numbers or codes."""
    dtype = column.dtype
    if dtype.name == "category":
        kind = "ordered" if dtype.ordered else "category"
        return kind, coded_declared(column.cat.codes.to_numpy(), dtype.categories.tolist())
    if dtype.kind in KIND_OF_TYPE:
        return KIND_OF_TYPE[dtype.kind], column.to_numpy(dtype=np.float64, na_value=np.nan)
    if dtype.kind in "mM" and len(column):
        refuse_dates(key, column.iloc[0])
    return examined(column.to_numpy(dtype=object), key)


def _of_polars(frame: Any) -> Columns:
    columns = Columns(list(frame.columns), ["float"] * frame.width, np.full(frame.shape, np.nan), {})
    for column, series in enumerate(frame.get_columns()):
        _place(columns, column, _polars_column(series, columns.key(column)))
    return columns


def _polars_column(series: Any, key: str) -> tuple[str, NDArray[np.float64] | Coded]:
    dtype = series.dtype
    if dtype.is_temporal() and len(series):
        refuse_dates(key, series[0])
    if dtype.is_nested() and len(series):
        refuse_others(key, series.to_list()[0])
    name = str(dtype.base_type())
    if name == "Boolean" or dtype.is_integer() or dtype.is_float():
        kind = "boolean" if name == "Boolean" else "integer" if dtype.is_integer() else "float"
        return kind, series.cast(float).to_numpy()
    if name == "Enum":
        places = series.to_physical().cast(int).fill_null(-1).to_numpy()
        return "category", coded_declared(places, dtype.categories.to_list())
    kind, values = examined(object_array(series.to_list()), key)
    return "category" if name == "Categorical" else kind, values


def _place(columns: Columns, column: int, found: tuple[str, NDArray[np.float64] | Coded]) -> None:
    kind, values = found
    if not isinstance(values, Coded):
        columns.kinds[column], columns.numbers[:, column] = kind, values
    elif len(values.categories):  # else it is a column of gaps, as those of other types are
        columns.kinds[column], columns.coded[int(column)] = kind, values
