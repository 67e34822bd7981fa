"""What a table came in, as names and types of columns: a frame of no rows is made of them again."""

import re
from typing import Any

from ..data.column_writer import Container
from ..exceptions import ModelFileError
from .archive import damaged
from .values import Packer, Unpacker

__all__ = ["ContainerForm"]

PANDAS_TYPES = re.compile(
    r"u?int\d+|float\d+|bool|object|str|string(\[\w+\])?|U?Int\d+|Float\d+|boolean"
    r"|(u?int\d+|halffloat|float|double|bool)\[pyarrow\]"
)
POLARS_TYPES = re.compile(r"U?Int\d+|Float\d+|Boolean|String|Categorical|Null")


class ContainerForm:
    """The form of a `Container`."""

    cls = Container

    def packed(self, found: Container, packer: Packer, path: str) -> dict[str, Any]:
        described: dict[str, Any] = {"container": found.name}
        if found.name == "pandas":
            frame = found.template
            types = [self._pandas_type(dtype, packer, path) for dtype in frame.dtypes]
            described |= {
                "types": types,
                "levels": frame.columns.nlevels,
                "labels": packer.value(frame.columns.tolist(), f"{path}.labels"),
                "names": packer.value(list(frame.columns.names), path),
            }
        elif found.name == "polars":
            described |= {
                "labels": packer.value(found.template.columns, path),
                "types": [self._polars_type(dtype, packer, path) for dtype in found.template.dtypes],
            }
        return described

    def unpacked(self, described: dict[str, Any], unpacker: Unpacker, path: str) -> Container:
        name = described["container"]
        if name == "array":
            return Container(name)
        made = {"pandas": self._pandas_frame, "polars": self._polars_frame}[name]
        labels = unpacker.value(described["labels"], f"{path}.labels")
        unpacker.sizes.setdefault("features", len(labels))
        if not len(labels) == len(described["types"]) == unpacker.sizes["features"]:
            raise damaged(f"{path} has {len(labels)} names and {len(described['types'])} types of columns")
        return Container(name, made(labels, described, unpacker, path))

    def _pandas_type(self, dtype: Any, packer: Packer, path: str) -> Any:
        if dtype.name == "category":
            return {"categories": packer.value(dtype.categories.tolist(), path), "ordered": bool(dtype.ordered)}
        name = str(dtype)
        if name.startswith("string"):  # "string[pyarrow]" may be a type of pandas or of Arrow
            is_of_pandas = type(dtype).__name__ == "StringDtype"
            name = f"string[{dtype.storage}]" if is_of_pandas else f"{name} of Arrow"
        if not PANDAS_TYPES.fullmatch(name):
            raise _refusal(name, path)
        return name

    def _pandas_frame(self, labels: list, described: dict[str, Any], unpacker: Unpacker, path: str) -> Any:
        import pandas

        columns = {}
        for place, kind in enumerate(described["types"]):
            if isinstance(kind, dict):
                dtype = pandas.CategoricalDtype(unpacker.value(kind["categories"], path), bool(kind["ordered"]))
            elif PANDAS_TYPES.fullmatch(kind):
                dtype = pandas.api.types.pandas_dtype(kind)
            else:
                raise damaged(f"{path} has a column of the type {kind!r}, which is none that a model has")
            columns[place] = pandas.Series([], dtype=dtype)
        frame = pandas.DataFrame(columns)
        names = unpacker.value(described["names"], path)
        many = described["levels"] > 1
        frame.columns = (
            pandas.MultiIndex.from_tuples(labels, names=names) if many else pandas.Index(labels, name=names[0])
        )
        return frame

    def _polars_type(self, dtype: Any, packer: Packer, path: str) -> Any:
        name = str(dtype.base_type())
        if name == "Enum":
            return {"categories": dtype.categories.to_list()}
        if not POLARS_TYPES.fullmatch(name):
            raise _refusal(name, path)
        return name

    def _polars_frame(self, labels: list, described: dict[str, Any], unpacker: Unpacker, path: str) -> Any:
        import polars

        schema = {}
        for label, kind in zip(labels, described["types"], strict=True):
            if isinstance(kind, dict):
                schema[label] = polars.Enum(kind["categories"])
            elif POLARS_TYPES.fullmatch(kind):
                schema[label] = getattr(polars, kind)
            else:
                raise damaged(f"{path} has a column of the type {kind!r}, which is none that a model has")
        return polars.DataFrame(schema=schema)


def _refusal(name: str, path: str) -> ModelFileError:
    return ModelFileError(
        f"{path} has a column of the type {name}, which a model file cannot hold. Fit to a table with columns of "
        "ordinary types, such as float64, Int64, str and category."
    )
