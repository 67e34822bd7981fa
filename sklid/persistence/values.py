"""Values as JSON and arrays, and back: numbers, text, lists and dicts of them, arrays, and objects of known classes.

An object of JSON is a tag with what it holds, such as ``{"tuple": [1, 2]}``; there is no tag by which a file could name
a class, a module or a function of its own choice. Classes are looked up in a closed list of `Form`, each of which says
which fields it has.
"""

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from ..exceptions import ModelFileError
from .archive import damaged
from .kinds import Kind, Sizes, misfit

__all__ = ["Form", "Packer", "Unpacker"]

PLAIN = (bool, int, str)
ARRAY_TYPES = "biuf"
MOST_TEXT, WASTE = 1 << 20, 16
"""Letters of an array of strings that are taken in any case, and by how much it may be larger than they are."""
FLOATS = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}
REMEDIES = {
    "callbacks": "After the fit, set_params(callbacks=None) takes them out; what they recorded stays in net_.history.",
    "decoder_network": "Fit with decoder_network=None, or use joblib.dump, whose files run code when they are read.",
    "tokenizer": "Use tokenizer=None or a tokenizers.Tokenizer, which is saved, or pass documents as lists of words.",
    "memory": "Set memory=None.",
}


class Form(Protocol):
    """How an object of one class becomes a description, and back."""

    cls: type

    def packed(self, found: Any, packer: "Packer", path: str) -> dict[str, Any]:
        """The description of an object."""

    def unpacked(self, described: dict[str, Any], unpacker: "Unpacker", path: str) -> Any:
        """The object of a description."""


class Packer:
    """Describes values, and collects their arrays.

    Parameters
    ----------
    forms : iterable of Form

    Attributes
    ----------
    arrays : dict of str to ndarray
        By the places that they have in the description.
    """

    def __init__(self, forms: Iterable[Form]) -> None:
        self._forms = {form.cls: form for form in forms}
        self.arrays: dict[str, NDArray] = {}

    def knows(self, value: Any) -> bool:
        """Whether a value is of a class that has a form."""
        return type(value) in self._forms

    def value(self, value: Any, path: str) -> Any:
        """The description of a value at a place.

        Raises
        ------
        ModelFileError
            For what a file cannot hold, with its place and what to do.
        """
        if value is None or type(value) in PLAIN:
            return value
        if type(value) is float:
            return value if math.isfinite(value) else {"float": str(value)}
        form = self._forms.get(type(value))
        if form is not None:
            return {"is": type(value).__name__, **form.packed(value, self, path)}
        if type(value) in CONTAINERS:
            tag, packed = CONTAINERS[type(value)]
            return {tag: packed(self, value, path)}
        for kind, tag, packed in TAGS:
            if isinstance(value, kind):
                return {tag: packed(self, value, path)}
        if type(value).__module__.split(".")[0] == "tokenizers" and hasattr(value, "to_str"):
            return {"tokenizer": value.to_str()}
        raise _refusal(value, path)

    def fields(self, values: Mapping[str, Any], fields: Mapping[str, Kind], path: str) -> dict[str, Any]:
        """The descriptions of the fields of an object, each of its kind."""
        wrong = misfit(values, fields, {}, path)
        if wrong:
            raise ModelFileError(f"{wrong}, which a model file does not hold. Use joblib.dump.")
        return {name: self.value(value, f"{path}.{name}") for name, value in values.items()}

    def each(self, values: Iterable[Any], path: str) -> list[Any]:
        return [self.value(value, f"{path}.{number}") for number, value in enumerate(values)]

    def pairs(self, values: dict[Any, Any], path: str) -> list[list[Any]]:
        return [[self.value(key, path), self.value(value, f"{path}.{key}")] for key, value in values.items()]

    def scalar(self, value: np.generic, path: str) -> list[Any]:
        if value.dtype.kind not in ARRAY_TYPES or value.dtype.itemsize > 8:
            raise _refusal(value, path)
        return [str(value.dtype), self.value(value.item(), path)]

    def array(self, array: NDArray, path: str) -> Any:
        """The tag of an array, whose order in memory is kept: matrix products round by it."""
        array = np.asarray(array)
        if array.dtype.kind == "U":
            return {"strings": array.ravel().tolist(), "shape": list(array.shape)}
        if array.dtype.kind == "O":
            return {"objects": self.each(array.ravel().tolist(), path), "shape": list(array.shape)}
        if array.dtype.kind not in ARRAY_TYPES or array.dtype.itemsize > 8:
            raise _refusal(array, path)
        by_columns = array.ndim > 1 and not array.flags.c_contiguous and np.argsort(array.strides)[0] == 0
        stored = array.T if by_columns else array
        self.put(stored, path)
        return {"by_columns": bool(by_columns)}

    def put(self, array: NDArray, path: str) -> None:
        """Take an array in at a place."""
        if path in self.arrays:
            raise ModelFileError(f"Two arrays have the place {path}: two keys of a dict that are written alike.")
        self.arrays[path] = np.ascontiguousarray(array, array.dtype.newbyteorder("=")).reshape(array.shape)


class Unpacker:
    """Values of descriptions, and of arrays, each of which has one place.

    Parameters
    ----------
    forms : iterable of Form
    arrays : dict of str to ndarray

    Attributes
    ----------
    sizes : Sizes
        The lengths of axes in the estimator that is being read.
    """

    def __init__(self, forms: Iterable[Form], arrays: Mapping[str, NDArray]) -> None:
        self._forms = {form.cls.__name__: form for form in forms}
        self._arrays = dict(arrays)
        self.sizes: Sizes = {}

    def value(self, described: Any, path: str) -> Any:
        """The value of a description.

        Raises
        ------
        ModelFileError
            If it is none.
        """
        if described is None or type(described) in (*PLAIN, float):
            return described
        if type(described) is list:
            raise damaged(f"{path} is a list without a tag")
        if "is" in described:
            return self._form(described["is"], path).unpacked(described, self, path)
        tag = next(iter(described), None)
        if len(described) != 1 or tag not in READERS:
            raise damaged(f"{path} has the tag {tag!r}, which is none")
        return READERS[tag](self, described[tag], path)

    def fields(
        self, described: Any, fields: Mapping[str, Kind], path: str, optional: Iterable[str] = ()
    ) -> dict[str, Any]:
        """The values of all fields of an object, each of its kind."""
        missing = fields.keys() - described.keys() - set(optional)
        extra = described.keys() - fields.keys()
        if missing or extra:
            what = f"lacks {min(missing)}" if missing else f"has {min(extra)!r}, which is not known"
            raise damaged(f"{path} {what}")
        values = {name: self.value(each, f"{path}.{name}") for name, each in described.items()}
        wrong = misfit(values, fields, self.sizes, path)
        if wrong:
            raise damaged(wrong)
        return values

    def each(self, described: list[Any], path: str) -> list[Any]:
        return [self.value(value, f"{path}.{number}") for number, value in enumerate(described)]

    def pairs(self, described: list[Any], path: str) -> dict[Any, Any]:
        return {self.value(key, path): self.value(value, f"{path}.{key}") for key, value in described}

    def scalar(self, described: list[Any], path: str) -> np.generic:
        kind, value = described
        return _numeric_type(kind)(self.value(value, path))

    def array(self, described: dict[str, Any], path: str) -> NDArray:
        if "by_columns" in described:
            array = self.taken(path)
            return array.T if described["by_columns"] else array
        shape = tuple(described["shape"])
        if "strings" in described:
            return _text(described["strings"], path).reshape(shape)
        return np.fromiter(self.each(described["objects"], path), dtype=object).reshape(shape)

    def taken(self, name: str) -> NDArray:
        """The array of a place."""
        try:
            return self._arrays.pop(name)
        except KeyError:
            raise damaged(f"the array {name!r} is missing") from None

    def taken_below(self, path: str) -> dict[str, NDArray]:
        """All arrays whose names begin with a place, by what follows it."""
        names = [name for name in self._arrays if name.startswith(f"{path}.")]
        return {name.removeprefix(f"{path}."): self._arrays.pop(name) for name in names}

    def check_all_taken(self) -> None:
        """ModelFileError for an array that no description asked for."""
        if self._arrays:
            raise damaged(f"it holds the array {next(iter(self._arrays))!r}, which has no place in the model")

    def tokenizer(self, text: str, path: str) -> Any:
        try:
            from tokenizers import Tokenizer
        except ImportError as error:
            raise ImportError("This model has a tokenizers.Tokenizer: pip install tokenizers.") from error
        return Tokenizer.from_str(text)

    def _form(self, name: Any, path: str) -> Form:
        if not isinstance(name, str) or name not in self._forms:
            raise ModelFileError(
                f"{path} is of the class {name!r}, which this release does not know: a file names classes of sklid and "
                "some of scikit-learn, and nothing else is made of it. Read it with the release that wrote it, or fit "
                "again."
            )
        return self._forms[name]


def _refusal(value: Any, path: str) -> ModelFileError:
    """What cannot be saved, why not, and what to do."""
    remedy = next((REMEDIES[part] for part in path.split(".") if part in REMEDIES), "Leave it out, or use joblib.dump.")
    what = "a function" if callable(value) and not isinstance(value, type) else "an object"
    return ModelFileError(
        f"{path} is {what} of type {type(value).__module__}.{type(value).__qualname__}, and a model file holds "
        f"numbers, text and models of known classes, so that reading it runs no code. {remedy}"
    )


def _text(strings: list[str], path: str) -> NDArray[np.str_]:
    """Strings as an array, which gives each of them the room of the longest."""
    lengths = [len(text) for text in strings]
    if max(lengths, default=0) * len(lengths) > MOST_TEXT + WASTE * sum(lengths):
        raise damaged(f"{path} has strings of such different lengths that their array would be {WASTE} times as large")
    return np.array(strings, dtype="U")


def _numeric_type(name: Any) -> Callable[[Any], np.generic]:
    dtype = np.dtype(name) if isinstance(name, str) else np.dtype(object)
    if dtype.kind not in ARRAY_TYPES:
        raise damaged(f"{name!r} is no type of numbers")
    return dtype.type


TAGS: list[tuple[Any, str, Callable[[Packer, Any, str], Any]]] = [
    (np.bool_ | np.number, "number", Packer.scalar),
    (np.ndarray, "array", Packer.array),
    (np.dtype, "type", lambda packer, value, path: _type_name(value, path)),
    (torch.device, "device", lambda packer, value, path: str(value)),
    (str, "text", lambda packer, value, path: str(value)),
]
CONTAINERS: dict[type, tuple[str, Callable[[Packer, Any, str], Any]]] = {
    tuple: ("tuple", Packer.each),
    list: ("list", Packer.each),
    dict: ("dict", Packer.pairs),
}
"""Of these types themselves: a class of its own that derives from one would come back as less than it was."""

READERS: dict[str, Callable[[Unpacker, Any, str], Any]] = {
    "float": lambda unpacker, described, path: FLOATS[described],
    "number": Unpacker.scalar,
    "array": Unpacker.array,
    "type": lambda unpacker, described, path: np.dtype(_numeric_type(described)),
    "device": lambda unpacker, described, path: torch.device(described),
    "text": lambda unpacker, described, path: str(described),
    "tuple": lambda unpacker, described, path: tuple(unpacker.each(described, path)),
    "list": Unpacker.each,
    "dict": Unpacker.pairs,
    "tokenizer": Unpacker.tokenizer,
}


def _type_name(value: np.dtype, path: str) -> str:
    if value.kind not in ARRAY_TYPES:
        raise _refusal(value, path)
    return str(value)
