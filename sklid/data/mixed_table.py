"""The border between a table of numbers, categories, counts and gaps, and a model that sees one number a column.

A family is found or asked for in each column. Categories become codes, truth values 0 and 1, gaps nan; the way back
gives categories, whole numbers and truth values their types, in the container that came.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..exceptions import UnknownCategoryWarning, warn_user
from ..nn.likelihoods.codes import MOST_CATEGORIES
from .categories import Coded, coded_numbers, recoded
from .column_families import OF_CODES, asked_families, check_numbers, refuse_labels
from .column_kinds import LABEL_KINDS, Columns, key_of
from .column_reader import read_columns
from .column_rules import chosen_family, facts_of
from .column_writer import Container, Written, container_of, written
from .numeric_table import shortened

__all__ = ["MixedTable"]

LARGEST_EXACT = 2**53
"""Up to which double precision holds all whole numbers."""
MOST_SHOWN = 5
"""Columns, and values of each, in a warning."""


class MixedTable:
    """The families, categories and types of a table, and its rows as a model sees them.

    Attributes
    ----------
    labels : list or None
        Of the columns, of any type; None where they have no names.
    names : list of str
        Of the columns; "column 3" where they have none.
    kinds : list of str
        Of the columns, see `sklid.data.column_kinds`.
    families : list of str
        Keys of `sklid.data.column_families.FAMILIES`.
    reasons : list of str
        Why these.
    categories : list of ndarray or None
        Of each column: the values whose codes are 0 .. V - 1, or None where a model sees the numbers themselves.
    container : Container
        What the table came in.

    Examples
    --------
    >>> import pandas
    >>> from sklid.data.mixed_table import MixedTable
    >>> frame = pandas.DataFrame({"height": [1.7, None, 1.8], "eyes": ["brown", "blue", "brown"]})
    >>> table = MixedTable()
    >>> table.learn(frame)
    array([[1.7, 1. ],
           [nan, 0. ],
           [1.8, 1. ]])
    >>> table.families
    ['gaussian', 'categorical']
    >>> table.decode([[1.75, 0.0]])
       height  eyes
    0    1.75  blue
    """

    labels: list | None
    names: list[str]
    kinds: list[str]
    families: list[str]
    reasons: list[str]
    categories: list[NDArray | None]
    container: Container

    def learn(
        self, X: Any, likelihood: str | Mapping | Sequence[str] = "auto", numbers: Sequence[int] | None = None
    ) -> NDArray[np.float64]:
        """Families, categories and types of a table; its rows as a model sees them.

        Parameters
        ----------
        X : DataFrame of pandas or polars, or array-like of shape (n_samples, n_features)
        likelihood : str, dict or sequence of str, default="auto"
            See `sklid.data.column_families.asked_families`; "auto" follows `sklid.data.column_rules`.
        numbers : sequence of int, optional
            What the columns of an array are called, where they are some of a larger one.

        Returns
        -------
        rows : ndarray of shape (n_samples, n_features)
            With nan for gaps.

        Raises
        ------
        ValueError
            For columns that no likelihood takes, identifiers, and values outside a family that is asked for.
        """
        columns = _called(read_columns(X), numbers)
        n_rows, n_columns = columns.numbers.shape
        if not n_rows or not n_columns:
            raise ValueError(f"Found array with {n_rows} samples and {n_columns} features, and needs 1 of each.")
        asked = asked_families(likelihood, columns.labels, n_columns)
        check_numbers(columns.numbers, ["gaussian"] * n_columns, columns.labels)
        self.container, self.labels, self.kinds = container_of(X), columns.labels, columns.kinds
        self.names = _names(columns.labels, n_columns)
        self._choose(columns, asked)
        check_numbers(columns.numbers, self.families, columns.labels)
        coded = [self._coded(columns, column) for column in range(n_columns)]
        self.categories = [None if found is None else found.categories for found in coded]
        return _placed(columns.numbers, {c: found.codes for c, found in enumerate(coded) if found is not None})

    def encode(self, X: Any, numbers: Sequence[int] | None = None) -> NDArray[np.float64]:
        """Rows of a later table of the same columns, with nan for gaps and for categories that were not learned.

        Parameters
        ----------
        X : DataFrame of pandas or polars, or array-like of shape (n_samples, n_features)
        numbers : sequence of int, optional
            As in `learn`.

        Returns
        -------
        rows : ndarray of shape (n_samples, n_features)

        Raises
        ------
        ValueError
            For other columns, text where there were numbers, and values outside the family of their column.

        Warns
        -----
        UnknownCategoryWarning
            Once, with columns and values.
        """
        columns = _called(read_columns(X), numbers)
        self._check_columns(columns)
        check_numbers(columns.numbers, self.families, self.labels, is_fitted=True)
        codes, unknown = {}, {}
        for column, categories in enumerate(self.categories):
            if categories is not None:
                codes[column], values = recoded(_as_coded(columns, column), categories)
                unknown |= {column: values} if values else {}
        if unknown:
            self._warn(unknown)
        return _placed(columns.numbers, codes)

    def decode(
        self, rows: ArrayLike, container: str | None = None, rounded: bool = True, index: ArrayLike | None = None
    ) -> Any:
        """A table of rows as a model sees them.

        Parameters
        ----------
        rows : array-like of shape (n_samples, n_features)
            Codes are rounded; nan are gaps.
        container : {"pandas", "polars", "array"}, optional
            "array", or what the table came in, which is the default.
        rounded : bool, default=True
            Whether whole numbers and truth values are rounded and have the types that came; means are not.
        index : Index of pandas, optional
            Of the rows of a pandas frame.

        Returns
        -------
        X : DataFrame of pandas or polars, or ndarray of shape (n_samples, n_features)

        Raises
        ------
        ValueError
            For another container, another number of columns, and codes of no category.
        """
        columns = self.decoded(rows, rounded)
        if container not in (None, "array", self.container.name):
            raise ValueError(
                f'container={container!r} must be "array" or what the table of the fit was, "{self.container.name}".'
            )
        target = Container("array") if container == "array" else self.container
        return written(target, columns, index)

    def decoded(self, rows: ArrayLike, rounded: bool) -> list[Written]:
        """The columns of rows as a model sees them, as they are to be written."""
        rows = np.asarray(rows, dtype=np.float64)
        if rows.ndim != 2 or rows.shape[1] != len(self.names):
            raise ValueError(f"Rows of shape {rows.shape} are not of the {len(self.names)} columns seen in fit.")
        return [self._decoded(rows[:, c], c, rounded) for c in range(rows.shape[1])]

    def _choose(self, columns: Columns, asked: list[str]) -> None:
        """Families and reasons."""
        self.families, self.reasons = [], []
        for column, (family, facts) in enumerate(zip(asked, facts_of(columns), strict=True)):
            key = columns.key(column)
            if family == "auto" or not facts.n_values:
                family, reason = chosen_family(facts, key)
            else:
                reason = "asked for"
                if column in columns.coded:
                    refuse_labels(family, facts.kind, columns.coded[column].categories, key)
            self.families.append(family)
            self.reasons.append(reason)

    def _coded(self, columns: Columns, column: int) -> Coded | None:
        """The codes of a column of categories; None of one whose numbers a model sees."""
        if column not in columns.coded and self.families[column] not in OF_CODES:
            return None
        coded = _as_coded(columns, column)
        if column not in columns.coded and np.abs(coded.categories.astype(np.float64)).max(initial=0) >= LARGEST_EXACT:
            raise ValueError(
                f"Column {columns.key(column)} holds whole numbers from 2**53 on, which double precision does not tell "
                "apart. Turn it into text."
            )
        if len(coded.categories) > MOST_CATEGORIES:
            raise ValueError(
                f"Column {columns.key(column)} has {len(coded.categories)} categories, and a column may have "
                f"{MOST_CATEGORIES}. Merge those that are rare, or leave it out if they are identifiers."
            )
        return coded

    def _check_columns(self, columns: Columns) -> None:
        """ValueError unless a later table has the columns of the fit, with numbers where there were numbers."""
        n_columns = columns.numbers.shape[1]
        if n_columns != len(self.names):
            raise ValueError(
                f"X has {n_columns} features, but MixedTable is expecting {len(self.names)} features as input."
            )
        pairs = enumerate(zip(columns.labels or [], self.labels or [], strict=False))
        for column, (came, before) in pairs:
            if came == before or repr(came) == repr(before):  # nan is a label too
                continue
            raise ValueError(
                f"The feature names should match those that were passed during fit: column {column} is {came!r}, and "
                f"was {before!r}."
            )
        for column, coded in columns.coded.items():
            if self.categories[column] is None:
                held = "truth values" if self.kinds[column] == "boolean" else "numbers"
                raise ValueError(
                    f"Column {key_of(self.labels, column)} holds {coded.categories[0]!r}, and held {held} in fit. "
                    f"Turn it into {held}, or fit again."
                )

    def _warn(self, unknown: dict[int, list]) -> None:
        found = [f"column {key_of(self.labels, c)}: {_listed(values)}" for c, values in unknown.items()]
        more = f"; and {len(found) - MOST_SHOWN} more columns" if len(found) > MOST_SHOWN else ""
        warn_user(
            f"Categories that did not occur in fit are taken as missing: {'; '.join(found[:MOST_SHOWN])}{more}.",
            UnknownCategoryWarning,
        )

    def _decoded(self, values: NDArray[np.float64], column: int, rounded: bool) -> Written:
        kind, categories = self.kinds[column], self.categories[column]
        if categories is None:
            return Written(kind if rounded or kind == "float" else "mean", values)
        missing = np.isnan(values)
        codes = np.rint(np.where(missing, 0, values)).astype(np.intp)
        if len(codes) and not 0 <= codes.min() <= codes.max() < len(categories):
            raise ValueError(f"Column {key_of(self.labels, column)} has the codes 0 to {len(categories) - 1} alone.")
        if kind not in LABEL_KINDS:
            return Written(kind, np.where(missing, np.nan, categories[codes]))
        found = categories[codes]
        found[missing] = None
        return Written("label", found)


def _called(columns: Columns, numbers: Sequence[int] | None) -> Columns:
    return columns if numbers is None else columns._replace(labels=list(numbers))


def _names(labels: list | None, n_columns: int) -> list[str]:
    return [f"column {column}" for column in range(n_columns)] if labels is None else list(map(str, labels))


def _as_coded(columns: Columns, column: int) -> Coded:
    """A column by codes, whether it came with labels or with numbers."""
    found = columns.coded.get(column)
    return coded_numbers(columns.numbers[:, column], columns.kinds[column]) if found is None else found


def _placed(numbers: NDArray[np.float64], codes: dict[int, NDArray[np.float64]]) -> NDArray[np.float64]:
    for column, found in codes.items():
        numbers[:, column] = found
    return numbers


def _listed(values: list) -> str:
    shown = ", ".join(map(shortened, values[:MOST_SHOWN]))
    return f"{shown} and {len(values) - MOST_SHOWN} more" if len(values) > MOST_SHOWN else shown
