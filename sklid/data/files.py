"""Numeric tables from files, for the command line: NumPy's own, and with ``sklid[files]`` CSV and Parquet."""

from collections.abc import Sequence
from pathlib import Path

from .array_file import read_npy, read_npz
from .numeric_table import Choice, Table, TableError, checked
from .parquet_file import read_parquet
from .text_file import read_text

__all__ = ["Table", "TableError", "read_table"]

READERS = {".csv": read_text, ".tsv": read_text, ".npy": read_npy, ".npz": read_npz, ".parquet": read_parquet}


def read_table(
    path: Path, label_column: str | None = None, leave_out: Sequence[str] = (), has_titles: bool = True
) -> Table:
    """Read a numeric table.

    Parameters
    ----------
    path : Path
        A ``.csv``, ``.tsv``, ``.parquet``, ``.npy`` or ``.npz`` file, see the readers.
    label_column : str, optional
        Name of the column, or of the array in an ``.npz`` file, that holds labels: any text, left out of the rows.
    leave_out : sequence of str
        Names of columns that are no features.
    has_titles : bool, default=True
        Whether the first line of a file of text holds the titles of its columns.

    Raises
    ------
    TableError
        If the file cannot be read as such a table: what is in the way, where, and what to do. Rows are counted from 1,
        titles and blank lines aside.
    """
    if path.is_dir():
        raise TableError(f"{path}: is a folder; give one of its files.")
    suffix = path.suffix.lower()
    if suffix not in READERS:
        kind = f"a {suffix} file" if suffix else "a file whose name has no ending"
        raise TableError(f"{path}: cannot read {kind}; give one of {', '.join(READERS)}.")
    if not has_titles and READERS[suffix] is not read_text:
        raise TableError(f"{path}: --no-header is for files of text; in a {suffix} file no line holds titles.")
    if not path.is_file():
        raise TableError(f"{path}: there is no such file.")
    try:
        table = READERS[suffix](path, Choice(label_column, set(leave_out) - {label_column}, has_titles))
    except ImportError:
        raise TableError(f'{path}: {suffix} files need pandas and pyarrow: pip install "sklid[files]".') from None
    except PermissionError:
        raise TableError(f"{path}: may not be read.") from None
    return checked(path, table)
