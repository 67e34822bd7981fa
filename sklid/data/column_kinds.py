"""The kinds of columns of a table, and those that no likelihood takes.

| kind | values |
|---|---|
| "boolean" | truth values |
| "integer" | whole numbers, by their type |
| "float" | other numbers, by their type, and columns without any value |
| "text" | strings, or bytes |
| "category" | categories in no order: pandas categoricals, Categorical and Enum of polars |
| "ordered" | ordered pandas categoricals |

Dates, times and durations, complex numbers, lists and other nested values, and text among numbers are errors. A gap is
None, nan, and what pandas or polars has for it.
"""

from collections.abc import Hashable
from datetime import date, time, timedelta
from decimal import Decimal
from numbers import Complex, Integral, Real
from typing import Any, NamedTuple, NoReturn

import numpy as np
from numpy.typing import NDArray

from .categories import Coded, coded_values
from .numeric_table import shortened

__all__ = ["GAP_TYPES", "KIND_OF_TYPE", "LABEL_KINDS", "Columns", "examined", "key_of", "refuse_dates", "refuse_others"]

KIND_OF_TYPE = {"b": "boolean", "i": "integer", "u": "integer", "f": "float"}
"""By the one letter that types of NumPy and of pandas have in common."""

LABEL_KINDS = ("text", "category", "ordered")
GAP_TYPES = ("NoneType", "NAType", "NaTType")
DATE_TYPES = (date, time, timedelta, np.datetime64, np.timedelta64)


class Columns(NamedTuple):
    """A table by its columns.

    Parameters
    ----------
    labels : list or None
        What the columns are called, of any type; None where they have no names.
    kinds : list of str
    numbers : ndarray of shape (n_samples, n_features)
        In double precision, with nan for gaps and in columns of labels.
    coded : dict
        By position, the columns of labels.
    """

    labels: list[Hashable] | None
    kinds: list[str]
    numbers: NDArray[np.float64]
    coded: dict[int, Coded]

    def key(self, column: int) -> str:
        """The column as messages show it."""
        return key_of(self.labels, column)


def key_of(labels: list[Hashable] | None, column: int) -> str:
    """How a dict by columns names a column: by its label if it has one, else by its number."""
    return str(column) if labels is None else shortened(labels[column])


def examined(values: NDArray[np.object_], key: str) -> tuple[str, NDArray[np.float64] | Coded]:
    """The kind of a column of objects, ``(n,)``, and its numbers or codes.

    Raises
    ------
    ValueError
        For values that no likelihood takes.
    """
    missing = np.fromiter(map(_is_gap, values), dtype=np.bool_, count=len(values))
    seen = values[~missing]
    kind = _kind(seen, key)
    if kind in LABEL_KINDS:
        return kind, coded_values(values, missing)
    numbers = np.full(len(values), np.nan)
    numbers[~missing] = seen.astype(np.float64)
    return kind, numbers


def refuse_dates(key: str, example: object) -> NoReturn:
    """The error for dates, times and durations."""
    raise ValueError(
        f"Column {key} holds dates, times or durations, such as {shortened(example)}, which no likelihood takes. Turn "
        "it into numbers or categories, such as the days since a date, the month or the weekday, or leave it out."
    )


class KindError(TypeError, ValueError):
    """A value of no kind that a column may hold: scikit-learn expects the first name, most users the second."""


def refuse_others(key: str, example: object) -> NoReturn:
    """The error for values that are no numbers, truth values or text."""
    raise KindError(
        f"Column {key} holds {shortened(example)} of type {type(example).__name__}, which is no number, truth value or "
        "text, and an argument must be a string, a truth value or a number. Make a column for each number in it, or "
        "leave it out."
    )


def _kind(seen: NDArray[np.object_], key: str) -> str:
    """The kind of objects without gaps; an error for those that no likelihood takes."""
    types = set(map(type, seen))
    if any(_is_date(found) for found in types):
        refuse_dates(key, _first(seen, _is_date))
    if any(_is_other(found) for found in types):
        refuse_others(key, _first(seen, _is_other))
    if (types and all(issubclass(found, str) for found in types)) or types == {bytes}:
        return "text"
    if not any(issubclass(found, str | bytes) for found in types):
        if types and all(issubclass(found, bool | np.bool_) for found in types):
            return "boolean"
        return "integer" if types and all(issubclass(found, Integral | np.bool_) for found in types) else "float"
    return _refuse_mixtures(seen, key)


def _refuse_mixtures(seen: NDArray[np.object_], key: str) -> NoReturn:
    text = _first(seen, lambda found: issubclass(found, str | bytes))
    other = _first(seen, lambda found: found is not type(text))
    raise ValueError(
        f"Column {key} holds {shortened(text)} and {shortened(other)}, which are of different types. Correct the "
        "values that are slips, or turn all of them into text."
    )


def _is_gap(value: Any) -> bool:
    is_number = isinstance(value, Complex | Decimal | np.datetime64 | np.timedelta64)
    return type(value).__name__ in GAP_TYPES or (is_number and bool(value != value))


def _is_date(found: type) -> bool:
    return issubclass(found, DATE_TYPES) or found.__name__ == "Period"


def _is_other(found: type) -> bool:
    return not issubclass(found, Real | Decimal | np.bool_ | str | bytes)


def _first(seen: NDArray[np.object_], holds: Any) -> object:
    return next(value for value in seen if holds(type(value)))
