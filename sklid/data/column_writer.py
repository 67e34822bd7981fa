"""A table in the container that came: a frame of pandas or polars with the columns and types of another, or an array.

Numbers that are whole by their type are rounded and kept within its range. Where a type has no room for gaps, pandas'
type of the same width that has takes its place; gaps of object columns are None.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .column_kinds import KIND_OF_TYPE
from .column_reader import is_frame_of

__all__ = [
    "Container",
    "Written",
    "container_of",
    "container_of_numbers",
    "frame_of",
    "numbers_in",
    "whole_numbers",
    "written",
]


class Container(NamedTuple):
    """What a table came in.

    Parameters
    ----------
    name : {"pandas", "polars", "array"}
    template : DataFrame of no rows, or None
        Labels and types of the columns.
    """

    name: str
    template: Any = None


class Written(NamedTuple):
    """A column that is to be written.

    Parameters
    ----------
    kind : {"boolean", "integer", "float", "mean", "label"}
        Of "mean" are numbers that stay numbers with fractions, whatever the type of the column.
    values : ndarray of shape (n_samples,)
        Numbers in double precision with nan for gaps; objects of a "label", with None.
    """

    kind: str
    values: NDArray


def container_of(X: Any) -> Container:
    """What a table came in, without its rows."""
    if is_frame_of("pandas", X):
        return Container("pandas", X.iloc[:0].copy())
    if is_frame_of("polars", X):
        return Container("polars", X.clear())
    return Container("array")


def container_of_numbers(X: Any) -> Container:
    """The same of a table that is read as numbers: columns of other types, such as objects, give back floats."""
    came = container_of(X)
    if came.name == "pandas":
        import pandas

        came_types = list(came.template.dtypes)
        types = [getattr(dtype, "subtype", dtype) for dtype in came_types]  # of sparse columns
        numbers = [dtype if dtype.kind in KIND_OF_TYPE else np.dtype(float) for dtype in types]
        if numbers == came_types:
            return came
        template = pandas.DataFrame({place: pandas.Series([], dtype=dtype) for place, dtype in enumerate(numbers)})
        template.columns = came.template.columns
        return Container("pandas", template)
    if came.name == "polars":
        columns = [empty if _kind_of(empty.dtype) else empty.cast(float) for empty in came.template.get_columns()]
        return Container("polars", type(came.template)(columns))
    return came


def numbers_in(
    library: str, rows: NDArray, names: Sequence[str], came: Container, index: ArrayLike | None, rounded: bool
) -> Any:
    """Rows of numbers in a frame of a library, with the labels and types of the one that came if that was one of it.

    Parameters
    ----------
    library : {"pandas", "polars"}
    rows : ndarray of shape (n_samples, n_features)
    names : sequence of str
        Of the columns, if what came was no such frame.
    came : Container
        As of `container_of_numbers`.
    index : Index of pandas, optional
        Of the rows of a pandas frame.
    rounded : bool
        Whether whole numbers and truth values are rounded and have the types that came; means are not.
    """
    if library == came.name:
        kinds = [_kind_of(dtype) for dtype in came.template.dtypes]
        shown = [kind if rounded or kind == "float" else "mean" for kind in kinds]
        return written(came, [Written(kind, rows[:, place]) for place, kind in enumerate(shown)], index)
    if library == "pandas":
        import pandas

        return pandas.DataFrame(rows, columns=list(names), index=index)
    import polars

    return polars.DataFrame(rows, schema=list(names))


def whole_numbers(rows: NDArray, came: Container) -> NDArray:
    """Rows of numbers with those of columns rounded that were whole numbers or truth values by their type."""
    kinds = [] if came.name == "array" else [_kind_of(dtype) for dtype in came.template.dtypes]
    whole = [place for place, kind in enumerate(kinds) if kind in ("integer", "boolean")]
    if whole:
        rows = rows.copy()
        rows[:, whole] = np.rint(rows[:, whole])
    return rows


def frame_of(library: str, columns: list[Written], names: Sequence[str], index: ArrayLike | None) -> Any:
    """Columns in a frame of a library, pandas or polars, that the table did not come in: numbers are floats."""
    values = [
        column.values > 0.5 if column.kind == "boolean" and not np.isnan(column.values).any() else column.values
        for column in columns
    ]
    if library == "pandas":
        import pandas

        frame = pandas.DataFrame(dict(enumerate(values)), index=index)
        frame.columns = list(names)
        return frame
    import polars

    return polars.DataFrame(
        [
            polars.Series(name, each.tolist() if each.dtype == object else each)
            for name, each in zip(names, values, strict=True)
        ]
    )


def _kind_of(dtype: Any) -> str:
    """The kind of a type of pandas or polars; empty for one of no numbers and no truth values."""
    if hasattr(dtype, "kind"):
        return KIND_OF_TYPE.get(dtype.kind, "")
    if str(dtype) == "Boolean":
        return "boolean"
    return "integer" if dtype.is_integer() else "float" if dtype.is_float() else ""


def written(container: Container, columns: list[Written], index: ArrayLike | None = None) -> Any:
    """A table of some columns.

    Parameters
    ----------
    container : Container
    columns : list of Written
    index : Index of pandas, optional
        Of the rows of a pandas frame.

    Returns
    -------
    DataFrame of pandas or polars, or ndarray of shape (n_samples, n_features)
        An array is in double precision if all columns are numbers, of truth values if all are that, else of objects.
    """
    if container.name == "pandas":
        return _pandas_frame(container.template, columns, index)
    if container.name == "polars":
        types = zip(columns, container.template.get_columns(), strict=True)
        return type(container.template)([_polars_series(column, empty) for column, empty in types])
    return _array(columns)


def _array(columns: list[Written]) -> NDArray:
    kinds = {kind for kind, _ in columns}
    if kinds == {"boolean"} and not any(np.isnan(values).any() for _, values in columns):
        return np.column_stack([values > 0.5 for _, values in columns])
    if kinds & {"label", "boolean"}:
        return np.column_stack([_objects(column, np.nan) for column in columns])
    return np.column_stack([_rounded(*column) for column in columns])


def _rounded(kind: str, values: NDArray, dtype: Any = np.int64) -> NDArray:
    """Whole numbers as the nearest ones that a type holds, still in double precision; others as they are."""
    if kind != "integer":
        return values
    limits = np.iinfo(dtype)
    greatest = float(limits.max)
    return np.rint(values).clip(limits.min, greatest if greatest <= limits.max else np.nextafter(greatest, 0))


def _objects(column: Written, gap: float | None) -> NDArray[np.object_]:
    """A column as objects of Python; gaps of numbers as they are told, those of truth values and labels None."""
    kind, values = column
    if kind == "label":
        return values
    missing = np.isnan(values)
    if kind == "boolean":
        gap, objects = None, (values > 0.5).astype(object)
    elif kind == "integer":
        objects = _rounded(kind, np.where(missing, 0.0, values)).astype(np.int64).astype(object)
    else:
        objects = values.astype(object)
    objects[missing] = gap
    return objects


def _pandas_frame(template: Any, columns: list[Written], index: ArrayLike | None) -> Any:
    import pandas

    dtypes = list(template.dtypes)
    pairs = zip(columns, dtypes, strict=True)
    values = {place: _pandas_values(column, dtype) for place, (column, dtype) in enumerate(pairs)}
    frame = pandas.DataFrame(values, copy=False)
    frame.columns = template.columns
    if index is not None:
        frame.index = index
    return frame


def _pandas_values(column: Written, dtype: Any) -> Any:
    import pandas

    kind, values = column
    if kind == "mean":
        return values
    if isinstance(dtype, np.dtype) and dtype.kind == "f":
        return values.astype(dtype)
    if kind == "label" or dtype.kind == "O":
        return pandas.Series(_objects(column, None), dtype=dtype)
    if kind == "float":
        return pandas.array(values, dtype="Float64").astype(dtype)
    plain = np.dtype(getattr(dtype, "numpy_dtype", getattr(dtype, "subtype", dtype)))
    missing = np.isnan(values)
    whole = np.where(missing, 0, _rounded(kind, values, plain) if kind == "integer" else values > 0.5).astype(plain)
    if isinstance(dtype, np.dtype) and not missing.any():
        return whole
    masked_type = pandas.arrays.BooleanArray if kind == "boolean" else pandas.arrays.IntegerArray
    masked = masked_type(whole, missing)
    has_no_room = isinstance(dtype, np.dtype | pandas.SparseDtype) and missing.any()
    return masked if has_no_room else masked.astype(dtype)


def _polars_series(column: Written, empty: Any) -> Any:
    """A polars series with the name and the type of an empty one."""
    kind, values = column
    if kind == "label" or (not empty.dtype.is_numeric() and kind not in ("mean", "boolean")):
        return type(empty)(empty.name, _objects(column, None).tolist(), dtype=empty.dtype)
    if kind == "integer":
        values = _rounded(kind, values, getattr(np, str(empty.dtype).lower(), np.int64))
    if kind == "boolean":
        values = np.where(np.isnan(values), values, values > 0.5)
    numbers = type(empty)(empty.name, values)
    if np.isnan(values).any():
        numbers = numbers.fill_nan(None)
    return numbers if kind == "mean" or numbers.dtype == empty.dtype else numbers.cast(empty.dtype)
