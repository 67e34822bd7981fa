"""Parquet files as pandas reads them."""

from pathlib import Path

from .frame_table import table_of_frame
from .numeric_table import Choice, Table, TableError, shortened

__all__ = ["read_parquet"]


def read_parquet(path: Path, choice: Choice) -> Table:
    """A table as pandas reads it: the index that a file stores is no column, but can be the labels.

    Raises
    ------
    TableError
        If the file is damaged, or titles repeat.
    """
    import pandas
    from pyarrow import ArrowException, parquet

    try:
        titles = parquet.read_schema(path).names
        repeated = next((title for title in titles if titles.count(title) > 1), None)
        frame = pandas.read_parquet(path, engine="pyarrow") if repeated is None else None
    except (ArrowException, OSError, ValueError):
        raise TableError(f"{path}: is damaged, or no Parquet file; write it again.") from None
    if frame is None:
        raise TableError(f"{path}: two columns have the title {shortened(repeated)}; rename one of them.")
    frame.columns = frame.columns.map(str)
    index = [name for name in frame.index.names if name is not None]
    if choice.label_column in index:
        frame = frame.reset_index(choice.label_column)
    left_out = {str(name): "index" for name in index if name != choice.label_column}
    return table_of_frame(path, frame, choice, left_out)
