"""The codes of categories: 0 .. V - 1 in the order of the V categories that occur, and nan for gaps.

Text has sorted order, pandas categoricals and the Enum of polars have the order of their categories, numbers that of
their size, and truth values have False before True. Categories that are declared and do not occur have no code.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["Coded", "coded_declared", "coded_numbers", "coded_values", "object_array", "recoded"]


class Coded(NamedTuple):
    """A column by codes.

    Parameters
    ----------
    codes : ndarray of shape (n_samples,)
        In double precision, nan for gaps.
    categories : ndarray of shape (V,)
        The values as they came: objects, or numbers and truth values of a column that held these.
    """

    codes: NDArray[np.float64]
    categories: NDArray


def object_array(values: list) -> NDArray[np.object_]:
    """One object for each value, also where values are tuples."""
    return np.fromiter(values, dtype=object, count=len(values))


def coded_values(values: NDArray[np.object_], missing: NDArray[np.bool_]) -> Coded:
    """A column of hashable values, ``(n,)``, with codes in sorted order."""
    found = values[~missing].tolist()
    categories = sorted(dict.fromkeys(found))
    codes = np.full(len(values), np.nan)
    codes[~missing] = _looked_up(found, categories)
    return Coded(codes, object_array(categories))


def coded_declared(codes: NDArray[np.integer], categories: list) -> Coded:
    """A column of positions, ``(n,)``, in a list of categories, -1 for gaps; those that do not occur are dropped."""
    occurring = np.unique(codes[codes >= 0])
    within = np.where(codes >= 0, np.searchsorted(occurring, codes), np.nan)
    return Coded(within, object_array([categories[code] for code in occurring]))


def coded_numbers(values: NDArray[np.float64], kind: str) -> Coded:
    """A column of numbers, ``(n,)``, with nan for gaps.

    Parameters
    ----------
    values : ndarray of shape (n_samples,)
    kind : {"boolean", "integer", "float"}
        What the categories are.
    """
    codes, seen = np.full(len(values), np.nan), ~np.isnan(values)
    categories, codes[seen] = np.unique(values[seen], return_inverse=True)
    types = {"boolean": np.bool_, "integer": np.int64, "float": np.float64}
    return Coded(codes, categories.astype(types[kind]))


def recoded(column: Coded, categories: NDArray) -> tuple[NDArray[np.float64], list[Any]]:
    """Codes of a later column, ``(n,)``, among categories that were learned, and its values that are none of these.

    Unknown values have the code nan.
    """
    values = column.categories.tolist()
    codes = _looked_up(values, categories.tolist())
    translation = np.append(codes, np.nan)
    last = len(values)
    places = np.where(np.isnan(column.codes), last, column.codes).astype(np.intp)
    return translation[places], [value for value, code in zip(values, codes, strict=True) if np.isnan(code)]


def _looked_up(values: list, categories: list) -> NDArray[np.float64]:
    """The place of each value among the categories, nan where it is none."""
    place = {category: float(number) for number, category in enumerate(categories)}
    return np.fromiter((place.get(value, np.nan) for value in values), dtype=np.float64, count=len(values))
