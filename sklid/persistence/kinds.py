"""What the fields of a file may hold: each kind says whether a value is of it, and what it is in words.

Axes of arrays have names, and one name is one length in all arrays of an estimator: a file in which the means of four
columns stand beside the scales of five is refused.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any, Protocol

import numpy as np

__all__ = [
    "Anything",
    "Array",
    "Each",
    "Flag",
    "Is",
    "Kind",
    "Maybe",
    "Number",
    "Sizes",
    "Table",
    "Text",
    "Whole",
    "misfit",
]

Sizes = dict[str, int]
"""The lengths of axes by their names."""
SHOWN = 60


class Kind(Protocol):
    """What a field may hold."""

    @property
    def words(self) -> str:
        """What it is."""

    def fits(self, value: Any, sizes: Sizes) -> bool:
        """Whether a value is of this kind; lengths of axes that are not known yet are learned from it."""


@dataclass(frozen=True)
class Anything:
    """Whatever a file can hold."""

    words: str = "anything"

    def fits(self, value: Any, sizes: Sizes) -> bool:
        return True


@dataclass(frozen=True)
class Flag:
    """A truth value."""

    words: str = "a truth value"

    def fits(self, value: Any, sizes: Sizes) -> bool:
        return isinstance(value, bool | np.bool_)


@dataclass(frozen=True)
class Number:
    """A number, of which it is asked or not that it is finite."""

    is_finite: bool = False

    @property
    def words(self) -> str:
        return "a finite number" if self.is_finite else "a number"

    def fits(self, value: Any, sizes: Sizes) -> bool:
        return isinstance(value, Real) and not isinstance(value, bool) and (not self.is_finite or math.isfinite(value))


@dataclass(frozen=True)
class Whole:
    """A whole number of at least `least`; with a name, the length of an axis."""

    least: int = 0
    axis: str = ""

    @property
    def words(self) -> str:
        return f"a whole number of at least {self.least}" + (f", the number of {self.axis}" if self.axis else "")

    def fits(self, value: Any, sizes: Sizes) -> bool:
        if not isinstance(value, Integral) or isinstance(value, bool) or value < self.least:
            return False
        return not self.axis or sizes.setdefault(self.axis, int(value)) == value


@dataclass(frozen=True)
class Text:
    """A string, or one of some strings."""

    choices: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        return f"one of {', '.join(self.choices)}" if self.choices else "text"

    def fits(self, value: Any, sizes: Sizes) -> bool:
        return isinstance(value, str) and (not self.choices or value in self.choices)


@dataclass(frozen=True)
class Array:
    """An array.

    Parameters
    ----------
    kinds : str
        The letters of the types that it may have, of `numpy.dtype.kind`.
    shape : tuple of str or int, or None
        The name or the length of each axis; None takes any shape.
    is_finite : bool
        Whether all its numbers must be finite.
    """

    kinds: str = "f"
    shape: tuple[str | int, ...] | None = None
    is_finite: bool = False

    @property
    def words(self) -> str:
        shape = f" and shape {self.shape}" if self.shape else ""
        return f"an array of type {'/'.join(self.kinds)}{shape}" + (", all of it finite" if self.is_finite else "")

    def fits(self, value: Any, sizes: Sizes) -> bool:
        if not isinstance(value, np.ndarray) or value.dtype.kind not in self.kinds:
            return False
        if self.is_finite and not np.isfinite(value).all():
            return False
        if self.shape is None:
            return True
        if value.ndim != len(self.shape):
            return False
        pairs = zip(self.shape, value.shape, strict=True)
        return all((sizes.setdefault(n, length) if isinstance(n, str) else n) == length for n, length in pairs)


@dataclass(frozen=True)
class Is:
    """An instance of one of some classes."""

    classes: tuple[type, ...]

    @property
    def words(self) -> str:
        return "a " + " or a ".join(each.__name__ for each in self.classes)

    def fits(self, value: Any, sizes: Sizes) -> bool:
        return type(value) in self.classes


@dataclass(frozen=True)
class Maybe:
    """None, or one of some kinds."""

    kinds: tuple[Kind, ...]

    def __init__(self, *kinds: Kind) -> None:
        object.__setattr__(self, "kinds", kinds)

    @property
    def words(self) -> str:
        return ", or ".join([*(kind.words for kind in self.kinds), "nothing"])

    def fits(self, value: Any, sizes: Sizes) -> bool:
        return value is None or any(kind.fits(value, sizes) for kind in self.kinds)


@dataclass(frozen=True)
class Each:
    """A list of values of one kind; with a name, as long as that axis."""

    kind: Kind
    axis: str = ""

    @property
    def words(self) -> str:
        return f"a list, each {self.kind.words}" + (f", one for each of the {self.axis}" if self.axis else "")

    def fits(self, value: Any, sizes: Sizes) -> bool:
        if not isinstance(value, list) or not all(self.kind.fits(each, sizes) for each in value):
            return False
        return not self.axis or sizes.setdefault(self.axis, len(value)) == len(value)


@dataclass(frozen=True)
class Table:
    """A dict with text for keys and values of one kind."""

    kind: Kind

    @property
    def words(self) -> str:
        return f"names, each with {self.kind.words}"

    def fits(self, value: Any, sizes: Sizes) -> bool:
        return isinstance(value, dict) and all(
            isinstance(key, str) and self.kind.fits(each, sizes) for key, each in value.items()
        )


def misfit(values: Mapping[str, Any], fields: Mapping[str, Kind], sizes: Sizes, path: str) -> str | None:
    """The first value that is not of the kind of its field, in words; None where all are."""
    for name, value in values.items():
        if not fields[name].fits(value, sizes):
            return f"{path}.{name} is {_shown(value)} and should be {fields[name].words}{_known(sizes)}"
    return None


def _shown(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return f"an array of type {value.dtype} and shape {value.shape}"
    text = repr(value)
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 3]}..."


def _known(sizes: Sizes) -> str:
    known = ", ".join(f"{length} {axis}" for axis, length in sizes.items())
    return f", where there are {known}" if known and math.prod(sizes.values()) else ""
