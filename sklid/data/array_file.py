"""Arrays in NumPy's files ``.npy`` and ``.npz``, of which none is unpickled, so that reading a file runs no code."""

import lzma
import tokenize
import zipfile
import zlib
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.lib.npyio import NpzFile
from numpy.typing import NDArray

from .numeric_table import Choice, Table, TableError, label_values, shortened

__all__ = ["read_npy", "read_npz"]

LABEL_NAMES = ("y", "labels", "label", "target", "targets")
DAMAGE = (
    OSError,
    ValueError,
    EOFError,
    MemoryError,
    RuntimeError,
    SyntaxError,
    tokenize.TokenError,
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
)
"""What NumPy and zipfile raise for files that are damaged, claim more than they hold, or hold Python objects."""


def read_npy(path: Path, choice: Choice) -> Table:
    """One array of shape ``(n_samples, n_features)``; its columns are called by their numbers from 0."""
    with path.open("rb") as stream:
        rows = _loaded(path, stream)
    if not isinstance(rows, np.ndarray):
        raise TableError(f"{path}: is an archive of arrays; give it the suffix .npz.")
    return _table(path, "the array", rows, choice)


def read_npz(path: Path, choice: Choice) -> Table:
    """The array X, or the only one of two dimensions; the labels that are asked for, or stand beside it as ``y``.

    Raises
    ------
    TableError
        If the file is no archive of arrays, has no such array, or holds other things than real numbers in it.
    """
    with path.open("rb") as stream:
        file = _loaded(path, stream)
        if not isinstance(file, NpzFile):
            raise TableError(f"{path}: is no archive of arrays; give it the suffix .npy.")
        label = choice.label_column or next((name for name in LABEL_NAMES if name in file.files), None)
        name, rows = _rows(path, file, label)
        in_rows = choice if label not in file.files else choice._replace(label_column=None)
        table = _table(path, f"the array {shortened(name)}", rows, in_rows)
        labels = _member(path, file, label) if label in file.files else None
    left_out = {other: "not the array of rows" for other in file.files if other not in (name, label)}
    if labels is not None and choice.label_column is None and labels.shape not in _shapes(len(rows)):
        left_out[label] = f"of shape {labels.shape}, not a label for each row"
    elif labels is not None:
        table = table._replace(labels=_labels(path, label, labels, len(rows)), label_name=label)
    return table._replace(left_out={**table.left_out, **left_out})


def _loaded(path: Path, stream: BinaryIO) -> NDArray | NpzFile:
    try:
        return np.load(stream, allow_pickle=False)
    except DAMAGE:
        raise TableError(
            f"{path}: is damaged, is no {path.suffix} file, or holds Python objects, which are not read since they can "
            "run code; save numbers with numpy.save or numpy.savez."
        ) from None


def _member(path: Path, file: NpzFile, name: str) -> NDArray:
    try:
        array = file[name]
    except DAMAGE:
        array = None
    if not isinstance(array, np.ndarray):
        raise TableError(
            f"{path}: the array {shortened(name)} is damaged, or holds Python objects, which are not read since they "
            "can run code; save it again as numbers or text."
        )
    return array


def _rows(path: Path, file: NpzFile, label: str | None) -> tuple[str, NDArray]:
    if "X" in file.files:
        return "X", _member(path, file, "X")
    arrays = {name: _member(path, file, name) for name in file.files if name != label}
    tables = [(name, array) for name, array in arrays.items() if array.ndim == 2]
    if len(tables) != 1:
        held = ", ".join(f"{shortened(name)} of shape {array.shape}" for name, array in arrays.items()) or "no array"
        raise TableError(f"{path}: needs an array X of shape (rows, columns); beside labels it holds {held}.")
    return tables[0]


def _table(path: Path, title: str, rows: NDArray, choice: Choice) -> Table:
    if rows.ndim != 2:
        raise TableError(f"{path}: {title} has shape {rows.shape}; one of shape (rows, columns) is needed.")
    if rows.dtype.kind not in "biuf":
        raise TableError(f"{path}: {title} holds {rows.dtype}, not real numbers; save real numbers as its columns.")
    names = [f"column {number}" for number in range(rows.shape[1])]
    label = choice.label_column
    asked = {*choice.leave_out, *([] if label is None else [label])}
    if asked - {*names}:
        raise TableError(f"{path}: there is no {shortened(min(asked - {*names}))}; {title} has 'column 0' and so on.")
    kept = [number for number, name in enumerate(names) if name not in asked]
    labels = None if label is None else _labels(path, label, rows[:, names.index(label)], len(rows))
    left_out = {name: "--leave-out" for name in names if name in choice.leave_out}
    return Table(rows[:, kept].astype(np.float64), [names[number] for number in kept], labels, label, left_out)


def _labels(path: Path, name: str, labels: NDArray, n_rows: int) -> NDArray:
    if labels.shape not in _shapes(n_rows):
        raise TableError(f"{path}: the labels {shortened(name)} have shape {labels.shape} beside {n_rows} rows.")
    labels = labels.reshape(n_rows)
    missing = np.isnan(labels) if labels.dtype.kind == "f" else np.zeros(n_rows, dtype=bool)
    return label_values(path, name, labels, missing)


def _shapes(n_rows: int) -> tuple[tuple[int, ...], ...]:
    """Of arrays that hold one label for each row."""
    return (n_rows,), (n_rows, 1)
