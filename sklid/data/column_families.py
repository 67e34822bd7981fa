"""The families that a user asks for, by column, and whether a column's values are among those of its family."""

from collections.abc import Hashable, Mapping, Sequence
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..nn.likelihoods.codes import MOST_CATEGORIES
from ..nn.likelihoods.support import LARGEST_WHOLE, LEAST_POSITIVE
from .column_kinds import key_of
from .numeric_table import shortened
from .support import TO_CORRECT

__all__ = ["FAMILIES", "OF_CODES", "asked_families", "check_numbers", "families_beside", "refuse_labels"]

OF_CODES = ("categorical", "ordinal")
COUNTS = ("poisson", "negative_binomial", "zero_inflated_poisson", "zero_inflated_negative_binomial")
FAMILIES = {
    "gaussian": "the real numbers",
    "bernoulli": "[0, 1]",
    "continuous_bernoulli": "[0, 1]",
    "categorical": "categories",
    "ordinal": "ordered categories",
    **dict.fromkeys(COUNTS, "the non-negative whole numbers"),
    "log_normal": "the positive numbers, from 1e-38 on",
}
"""The values of each family in words."""

MOST_KEYS = 20


def asked_families(likelihood: Any, labels: list[Hashable] | None, n_columns: int) -> list[str]:
    """The family that is asked for in each column, or "auto".

    Parameters
    ----------
    likelihood : str, dict or sequence of str
        "auto" or a family for all columns; a dict of them by labels or numbers of columns, where the others are "auto";
        or one for each column.
    labels : list or None
    n_columns : int

    Raises
    ------
    ValueError
        For unknown families and columns, and a sequence of another length.
    """
    if isinstance(likelihood, str):
        asked = [likelihood] * n_columns
    elif isinstance(likelihood, Mapping):
        asked = _by_key(likelihood, labels, n_columns)
    elif isinstance(likelihood, Sequence | np.ndarray):
        asked = list(likelihood)
    else:
        raise ValueError(f"likelihood={likelihood!r} must be a name, a dict of names by columns, or a list of names.")
    if len(asked) != n_columns:
        raise ValueError(
            f"likelihood has {len(asked)} names, and {n_columns} columns of X are modelled, which those of offset and "
            "covariates are not. Give each a name, or take a dict."
        )
    unknown = [name for name in asked if not isinstance(name, str) or name not in ("auto", *FAMILIES)]
    if unknown:
        names = ", ".join(map(repr, ("auto", *FAMILIES)))
        raise ValueError(f"likelihood={unknown[0]!r} is none of {names}, the families of columns.")
    return asked


def families_beside(asked: Any, labels: list[Hashable] | None, beside: Sequence[int]) -> Any:
    """What is asked for of the columns of a table but some, with labels in place of numbers where columns have labels.

    Raises
    ------
    ValueError
        For a family of one of those.
    """
    if not isinstance(asked, Mapping):
        return asked
    has_numbers = labels is not None and any(isinstance(label, Integral) for label in labels)
    found = {}
    for key, family in asked.items():
        by_number = labels is not None and not has_numbers and isinstance(key, Integral) and 0 <= key < len(labels)
        label = labels[key] if labels is not None and by_number else key
        place = labels.index(label) if labels is not None and label in labels else label
        if place in beside:
            raise ValueError(
                f"likelihood names the column {shortened(key)}, which is one of offset and covariates: these are not "
                "modelled, and have no family. Leave it out of likelihood."
            )
        found[label] = family
    return found


def _by_key(likelihood: Mapping, labels: list[Hashable] | None, n_columns: int) -> list[str]:
    asked = ["auto"] * n_columns
    places: dict[Hashable, list[int]] = {}
    for column, label in enumerate(range(n_columns) if labels is None else labels):
        places.setdefault(label, []).append(column)
    has_numbers = labels is not None and any(isinstance(label, Integral) for label in labels)
    for key, family in likelihood.items():
        by_number = isinstance(key, Integral) and not has_numbers and 0 <= key < n_columns
        if key not in places and not by_number:
            keys = [key_of(labels, column) for column in range(min(n_columns, MOST_KEYS))]
            more = f" and {n_columns - MOST_KEYS} more" if n_columns > MOST_KEYS else ""
            raise ValueError(
                f"likelihood names the column {shortened(key)}, which X does not have; it has the columns "
                f"{', '.join(keys)}{more}."
            )
        for column in places.get(key, [key]):
            asked[column] = family
    return asked


def check_numbers(
    numbers: NDArray[np.float64], families: list[str], labels: list[Hashable] | None, is_fitted: bool = False
) -> None:
    """ValueError for a value outside its column's family: the value, its column and row, and what to do.

    Parameters
    ----------
    numbers : ndarray of shape (n_samples, n_features)
        nan for gaps; columns of codes are not looked at.
    families : list of str
    labels : list or None
    is_fitted : bool, default=False
        Whether families are given, and values are to be corrected; else families that fit are named.
    """
    for family in dict.fromkeys(families):
        if family in OF_CODES:
            continue
        columns = [column for column, own in enumerate(families) if own == family]
        values = numbers if len(columns) == len(families) else numbers[:, columns]
        bad = _outside(values, family)
        if not bad.any():
            continue
        row, place = np.argwhere(bad)[0]
        column = columns[place]
        _refuse(family, numbers[:, column], row, key_of(labels, column), is_fitted)


def refuse_labels(family: str, kind: str, categories: NDArray, key: str) -> None:
    """ValueError if a family that is asked for cannot take a column of text or categories, and which can."""
    n = len(categories)
    what = f"text, such as {shortened(categories[0])}" if kind == "text" else f"categories, such as {categories[0]!r}"
    if family == "ordinal" and kind == "text":
        raise ValueError(
            f'likelihood="ordinal" needs an order, and column {key} holds {what}. Give it one with '
            "pandas.Categorical(values, categories=[...], ordered=True), number its values, or take "
            'likelihood="categorical".'
        )
    if family not in OF_CODES and not (family == "bernoulli" and n <= 2):
        others = ["categorical", *(["ordinal"] if kind != "text" else []), *(["bernoulli"] if n <= 2 else [])]
        raise ValueError(
            f'likelihood="{family}" cannot take column {key}, which holds {what}. Likelihoods that fit these values: '
            f"{', '.join(others)}."
        )


def _outside(values: NDArray[np.float64], family: str) -> NDArray[np.bool_]:
    """Which values a family does not take; gaps are taken."""
    if family == "gaussian":
        return np.isinf(values)
    if family == "log_normal":
        return (values < LEAST_POSITIVE) | np.isinf(values)
    if family in COUNTS:
        return (values < 0) | (values > LARGEST_WHOLE) | (np.floor(values) != values) & ~np.isnan(values)
    return (values < 0) | (values > 1)


def _refuse(family: str, values: NDArray[np.float64], row: int, key: str, is_fitted: bool) -> None:
    value = values[row]
    if np.isinf(value):
        raise ValueError(f"X holds {value:g} in column {key}, row {row}. Correct it, or make it a gap with nan.")
    title = f'likelihood="{family}" cannot take the value {value:.10g} in column {key}, row {row}'
    is_large = family in COUNTS and value > LARGEST_WHOLE and value == np.floor(value)
    limit = f"beyond the whole numbers that single precision holds, {LARGEST_WHOLE}"
    if is_fitted:
        raise ValueError(f"{title}: it is {limit if is_large else f'outside {FAMILIES[family]}'}. {TO_CORRECT}")
    if is_large:
        raise ValueError(
            f'{title}: it is {limit}. Take likelihood="log_normal" or "gaussian", or divide the column by a constant.'
        )
    fitting = [name for name in FAMILIES if name not in OF_CODES and not _outside(values, name).any()]
    fitting += [name for name in OF_CODES if len(np.unique(values[~np.isnan(values)])) <= MOST_CATEGORIES]
    raise ValueError(
        f"{title}: it is outside {FAMILIES[family]}. Likelihoods that fit these values: {', '.join(fitting)}."
    )
