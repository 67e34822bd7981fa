"""Tables that come in parts, such as a folder of Parquet files: written to a temporary file, then a memory map.

A training reads its rows in random order, many times. So the parts are read once, one after the other, into rows of
numbers in a file that has no name and goes with its last user; what follows is that of any memory map
(`sklid.data.memory_map`), and needs no more memory than a batch. The file lies where `tempfile` puts such, see its
``TMPDIR``, and takes 8 bytes for each number, or 4 where all are in single precision.
"""

import os
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .parquet_folder import columns_of, parquet_dataset

__all__ = ["TableInParts", "in_parts", "is_in_parts", "read_once"]


@dataclass(frozen=True)
class TableInParts:
    """Rows in a memory map, and the names of their columns, where they have some; itself a table in parts."""

    rows: NDArray[np.floating]
    names: list[str] | None


def is_in_parts(X: Any) -> bool:
    """Whether X is a path, a dataset or table of pyarrow, an array or frame of Dask, or what has been read of one."""
    return isinstance(X, str | os.PathLike | TableInParts) or _is_arrow(X) or hasattr(X, "__dask_graph__")


def _is_arrow(X: Any) -> bool:
    return type(X).__module__.split(".")[0] == "pyarrow" and hasattr(X, "schema")


def in_parts(X: Any) -> TableInParts | None:
    """The rows of a table that comes in parts; None of anything else.

    Parameters
    ----------
    X : object
        A path of a Parquet file or a folder of such, or a dataset or table of pyarrow: its columns are whole numbers,
        floating-point numbers or truth values, and nulls are nan; an index that pandas stored is no column. An array or
        a frame of Dask, block by block. Of what has been read, itself.

    Raises
    ------
    FileNotFoundError
        If there is nothing at a path.
    TypeError
        If a column holds something else than numbers.
    ValueError
        If there are no rows, or files of a folder differ in their columns.
    ImportError
        If a path is given and pyarrow is not installed.
    """
    if isinstance(X, TableInParts):
        return X
    if isinstance(X, str | os.PathLike):
        return _of_dataset(parquet_dataset(Path(X)))
    if _is_arrow(X):
        return _of_dataset(X)
    if hasattr(X, "__dask_graph__"):
        return _of_dask(X)
    return None


def read_once(X: Any) -> Any:
    """A table in parts as it has been read, for several passes over what may be read but once; anything else as it is.

    Raises
    ------
    Exception
        As `in_parts`.
    """
    parts = in_parts(X)
    return X if parts is None else parts


def _of_dataset(X: Any) -> TableInParts:
    import pyarrow

    columns = columns_of(X.schema)
    single = all(X.schema.field(place).type in (pyarrow.float32(), pyarrow.float16()) for place in columns)
    dtype = np.dtype(np.float32 if single else np.float64)
    parts = (np.stack([_numbers(batch.column(place), dtype) for place in columns], axis=1) for batch in _batches(X))
    rows = _spooled(parts, dtype, len(columns))
    pyarrow.default_memory_pool().release_unused()  # it keeps what the batches took
    return TableInParts(rows, list(columns.values()))


def _batches(X: Any) -> Iterable[Any]:
    """Batches of rows, few at a time: by default a scan of files reads ahead what takes more memory than a training."""
    from pyarrow import dataset

    if not isinstance(X, dataset.Dataset):
        return X.to_batches() if hasattr(X, "to_batches") else [X] if hasattr(X, "columns") else X
    settings = {"batch_readahead": 1, "fragment_readahead": 1, "use_threads": False}
    if not isinstance(getattr(X, "format", None), dataset.ParquetFileFormat):
        return X.to_batches(**settings)
    settings["fragment_scan_options"] = dataset.ParquetFragmentScanOptions(pre_buffer=False)
    try:
        files = list(X.get_fragments())
    except ValueError:  # some of the rows or columns of a dataset have none
        return X.to_batches(**settings)
    groups = (group for file in files for group in file.split_by_row_group())  # a scan of a file keeps all it has read
    return (batch for group in groups for batch in group.to_batches(schema=X.schema, **settings))


def _numbers(column: Any, dtype: np.dtype) -> NDArray[np.floating]:
    """An Arrow array with nan for its nulls."""
    import pyarrow

    return column.cast(pyarrow.from_numpy_dtype(dtype), safe=False).to_numpy(zero_copy_only=False)


def _of_dask(X: Any) -> TableInParts:
    is_frame = hasattr(X, "partitions") and hasattr(X, "columns")
    kinds = set(X.dtypes) if hasattr(X, "dtypes") else {X.dtype}
    if not is_frame and X.ndim != 2:
        raise ValueError(f"Expected 2D array, got {X.ndim}D array instead. Reshape it to rows and columns.")
    strange = [kind for kind in kinds if getattr(kind, "kind", "O") not in "biuf"]
    if strange:
        raise TypeError(
            f"X holds {strange[0]}, and tables of Dask are to hold numbers. Leave such columns out, or encode them."
        )
    dtype = np.dtype(np.float32 if kinds == {np.dtype(np.float32)} else np.float64)
    parts = (np.asarray(part, dtype) for part in _dask_parts(X, is_frame))
    return TableInParts(_spooled(parts, dtype, X.shape[1]), list(map(str, X.columns)) if is_frame else None)


def _dask_parts(X: Any, is_frame: bool) -> Iterator[Any]:
    if is_frame:
        return (X.partitions[number].compute() for number in range(X.npartitions))
    rows = X.rechunk({1: -1})
    return (rows.blocks[number].compute() for number in range(rows.numblocks[0]))


def _spooled(parts: Iterable[NDArray[np.floating]], dtype: np.dtype, n_columns: int) -> NDArray[np.floating]:
    """A memory map of all parts, one after the other."""
    with tempfile.TemporaryFile() as file:
        n_rows = 0
        for part in parts:
            file.write(np.ascontiguousarray(part, dtype).data)
            n_rows += len(part)
        file.flush()
        if not n_rows * n_columns:
            raise ValueError(f"Found a table of {n_rows} rows and {n_columns} columns: there is nothing to model.")
        return np.memmap(file, dtype, "r", shape=(n_rows, n_columns))
