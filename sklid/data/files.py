"""Numeric tables from files, for the command line: CSV, NumPy's ``.npz``, and Parquet with ``sklid[parquet]``."""

import csv
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["Table", "TableError", "read_table"]


class TableError(ValueError):
    """A file that is no numeric table; the message is one line for its owner."""


class Table(NamedTuple):
    """Rows of numbers ``(n_samples, n_features)``, the names of the columns, and labels where a column holds them."""

    rows: NDArray[np.float64]
    names: list[str]
    labels: NDArray | None


def read_table(path: Path, label_column: str | None = None) -> Table:
    """Read a numeric table.

    Parameters
    ----------
    path : Path
        A ``.csv`` file with or without a header, separated by commas, semicolons or tabs; an ``.npz`` file with a
        two-dimensional array ``X`` (or one array alone); or a ``.parquet`` file.
    label_column : str, optional
        Name of the column, or of the array in an ``.npz`` file, that holds labels: any text, left out of the rows.

    Raises
    ------
    TableError
        If the file cannot be read as such a table: what is in the way, where, and what to do.
    """
    readers = {".csv": _read_csv, ".npz": _read_npz, ".parquet": _read_parquet}
    if path.suffix.lower() not in readers:
        raise TableError(f"{path}: cannot read a {path.suffix or 'nameless'} file; give a .csv, .npz or .parquet file.")
    if not path.is_file():
        raise TableError(f"{path}: there is no such file.")
    columns = readers[path.suffix.lower()](path)
    labels = None
    if label_column is not None:
        if label_column not in columns:
            raise TableError(f"{path}: there is no column {label_column!r}; the columns are {', '.join(columns)}.")
        labels = np.asarray(columns.pop(label_column))
    if not columns:
        raise TableError(f"{path}: no columns are left to model.")
    return Table(
        np.column_stack([_numbers(path, name, values) for name, values in columns.items()]), list(columns), labels
    )


def _read_csv(path: Path) -> dict[str, list[str]]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise TableError(f"{path}: is not UTF-8 text; save it as CSV in UTF-8.") from None
    first = text.partition("\n")[0]
    separator = max(",;\t", key=first.count)
    lines = [line for line in csv.reader(text.splitlines(), delimiter=separator) if line]
    if not lines:
        raise TableError(f"{path}: is empty.")
    names = [f"column {number}" for number in range(len(lines[0]))] if all(map(_is_number, lines[0])) else lines.pop(0)
    for number, line in enumerate(lines, start=1):
        if len(line) != len(names):
            raise TableError(f"{path}: row {number} has {len(line)} values where {len(names)} are expected.")
    if not lines:
        raise TableError(f"{path}: has a header and no rows.")
    return dict(zip(names, map(list, zip(*lines, strict=True)), strict=True))


def _read_npz(path: Path) -> dict[str, NDArray]:
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = dict(file)
    except (ValueError, OSError) as error:
        raise TableError(f"{path}: is no readable .npz file ({error}).") from None
    rows = arrays.pop("X") if "X" in arrays else arrays.pop(next(iter(arrays))) if len(arrays) == 1 else None
    if rows is None or rows.ndim != 2:
        raise TableError(f"{path}: needs a two-dimensional array named X; it holds {', '.join(arrays) or 'none'}.")
    return {f"column {number}": column for number, column in enumerate(rows.T)} | {
        name: a for name, a in arrays.items() if a.shape == (len(rows),)
    }


def _read_parquet(path: Path) -> dict[str, list]:
    try:
        from pyarrow import ArrowInvalid, parquet
    except ImportError:
        raise TableError(f'{path}: reading Parquet needs pyarrow: pip install "sklid[parquet]".') from None
    try:
        return parquet.read_table(path).to_pydict()
    except ArrowInvalid as error:
        raise TableError(f"{path}: is no readable Parquet file ({error}).") from None


def _numbers(path: Path, name: str, values: list | NDArray) -> NDArray[np.float64]:
    try:
        column = np.array(values, dtype=np.float64)
    except (ValueError, TypeError):
        row = next(row for row, value in enumerate(values, start=1) if not _is_number(value))
        raise TableError(
            f"{path}: column {name!r} holds {values[row - 1]!r} in row {row}, which is not a number; "
            "remove the column, encode it, or name it with --label-column."
        ) from None
    if not np.isfinite(column).all():
        raise TableError(
            f"{path}: column {name!r} has {np.count_nonzero(~np.isfinite(column))} values that are missing or "
            "infinite; fill them first."
        )
    return column


def _is_number(value: object) -> bool:
    try:
        float(value)  # type: ignore[arg-type]
    except (ValueError, TypeError):
        return False
    return True
