"""A Parquet file, or a folder of such, as one table: the same columns in every file, and numbers in all of them.

Pyarrow takes the columns of the first file for those of all, so what others have beside them would be lost.
"""

from pathlib import Path
from typing import Any

__all__ = ["columns_of", "parquet_dataset"]


def parquet_dataset(path: Path) -> Any:
    """The dataset of a file, or of all files in a folder.

    Parameters
    ----------
    path : Path

    Raises
    ------
    FileNotFoundError
        If there is nothing at the path.
    ImportError
        If pyarrow is not installed.
    TypeError
        If a column holds something else than numbers in some file.
    ValueError
        If there is no file, one is no Parquet file, or their columns differ.
    """
    try:
        from pyarrow import ArrowInvalid, dataset
    except ImportError as error:
        raise ImportError('Tables in files need pyarrow: pip install "sklid[files]".') from error
    if not path.exists():
        raise FileNotFoundError(f"{path} is neither a Parquet file nor a folder of such. Name one, or pass an array.")
    try:
        found = dataset.dataset(path, format="parquet")
        schemas = {file.path: file.physical_schema for file in found.get_fragments()}
    except ArrowInvalid as error:
        raise ValueError(
            f"A file is no Parquet file, or is damaged: {error} Give one, or a folder that holds nothing else."
        ) from None
    if not schemas:
        raise ValueError(f"{path} holds no file. Give a Parquet file, or a folder of such.")
    return dataset.dataset(path, schema=_common(schemas), format="parquet")


def columns_of(schema: Any, file: str = "") -> dict[int, str]:
    """Places and names of the columns of an Arrow schema, without those that pandas stored its index in.

    Parameters
    ----------
    schema : pyarrow.Schema
    file : str
        Of it, for the message.

    Raises
    ------
    TypeError
        If one holds something else than numbers or truth values.
    """
    from pyarrow import types

    index = [name for name in (schema.pandas_metadata or {}).get("index_columns", []) if isinstance(name, str)]
    columns = {place: name for place, name in enumerate(schema.names) if name not in index}
    for place, name in columns.items():
        kind = schema.field(place).type
        if not (types.is_integer(kind) or types.is_floating(kind) or types.is_boolean(kind)):
            where = f" in {file}" if file else ""
            raise TypeError(
                f"Column {name!r} holds {kind}{where}, and tables in files are to hold numbers. Leave it out, or read "
                'the table with pandas: likelihood="auto" takes columns of other kinds in a frame.'
            )
    return columns


def _common(schemas: dict[str, Any]) -> Any:
    """The schema of all files: where the types of a column differ, double precision holds them."""
    import pyarrow

    columns = {file: columns_of(schema, file) for file, schema in schemas.items()}
    first = next(iter(columns))
    kinds: dict[str, set] = {}
    for file, names in columns.items():
        _check_same([*columns[first].values()], [*names.values()], (first, file))
        for place, name in names.items():
            kinds.setdefault(name, set()).add(schemas[file].field(place).type)
    return pyarrow.schema(
        [(name, found.pop() if len(found) == 1 else pyarrow.float64()) for name, found in kinds.items()]
    )


def _check_same(names: list[str], others: list[str], files: tuple[str, str]) -> None:
    """ValueError for a column that only one of two files has."""
    for one, other, lacks, has in ((names, others, files[1], files[0]), (others, names, files[0], files[1])):
        if odd := [name for name in one if name not in other]:
            raise ValueError(
                f"{lacks} has no column {odd[0]!r}, which {has} has. Write all files with the same columns."
            )
