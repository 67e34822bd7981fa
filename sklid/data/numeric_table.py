"""A table of numbers as a file gives it: rows, the names of columns, labels, and what was left out and why."""

from collections.abc import Set
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from ..nn import LIKELIHOODS
from .support import fitting_likelihoods

__all__ = ["Choice", "Table", "TableError", "check_values", "checked", "label_values", "shortened"]

MOST_NAMES, LONGEST_NAME = 6, 40


class TableError(ValueError):
    """A file that is no numeric table; the message is one line for its owner."""


class Choice(NamedTuple):
    """What the owner of a file says about it: the column of labels, columns to leave out, whether it has titles."""

    label_column: str | None = None
    leave_out: Set[str] = frozenset()
    has_titles: bool = True


class Table(NamedTuple):
    """Features of a file.

    Parameters
    ----------
    rows : ndarray of shape (n_samples, n_features)
        In double precision.
    names : list of str
        Of the features.
    labels : ndarray of shape (n_samples,) or None
        Numbers, truth values or text.
    label_name : str or None
    left_out : dict
        The reason by the name of each column or array that is no feature.
    notes : tuple of str
        What the owner of the file may want to correct.
    """

    rows: NDArray[np.float64]
    names: list[str]
    labels: NDArray | None = None
    label_name: str | None = None
    left_out: dict[str, str] = {}
    notes: tuple[str, ...] = ()

    def summary(self) -> str:
        """What was read, in one line."""
        parts = [
            f"{len(self.rows)} rows, features: {_listed(list(map(shortened, self.names)))} ({len(self.names)})",
            *([] if self.label_name is None else [f"labels: {shortened(self.label_name)}"]),
            *([f"left out: {self._reasons()}"] if self.left_out else []),
        ]
        return "; ".join(parts)

    def _reasons(self) -> str:
        return ", ".join(f"{shortened(name)} ({reason})" for name, reason in self.left_out.items())


def shortened(value: object) -> str:
    """A value or a name of a file as one short line of visible characters."""
    shown = repr(value)
    return shown if len(shown) <= LONGEST_NAME else f"{shown[: LONGEST_NAME - 4]}...{shown[-1]}"


def label_values(path: Path, name: str, values: NDArray, missing: NDArray[np.bool_]) -> NDArray:
    """Labels as numbers, truth values or text, one for each row.

    Raises
    ------
    TableError
        If rows have no label: how many, the first of them, and what to do.
    """
    if missing.any():
        raise TableError(
            f"{path}: {np.count_nonzero(missing)} rows have no label in {shortened(name)}, the first is row "
            f"{np.argmax(missing) + 1}; remove these rows, or write a label such as unknown."
        )
    return values if values.dtype.kind in "biuf" else values.astype(str)


def checked(path: Path, table: Table) -> Table:
    """The table, if there is one to model.

    Raises
    ------
    TableError
        If there are no rows or no features, or gaps in them: in which columns, how many, and what to do.
    """
    if not table.names:
        raise TableError(f"{path}: no column of numbers is left to model; left out: {table._reasons() or 'none'}.")
    if not len(table.rows):
        raise TableError(f"{path}: has no rows.")
    gaps = ~np.isfinite(table.rows)
    found = [
        f"{shortened(table.names[column])} ({gaps[:, column].sum()}, first in row {np.argmax(gaps[:, column]) + 1})"
        for column in np.flatnonzero(gaps.any(axis=0))
    ]
    if found:
        raise TableError(
            f"{path}: values are missing or infinite in {_listed(found)} of {len(table.rows)} rows; fill gaps "
            "with sklid.LIDVAEImputer, remove these rows, or leave a column out with --leave-out NAME. In Python, "
            "sklid.LIDVAE takes tables with gaps as they are."
        )
    return table


def check_values(table: Table, likelihood: str, train: NDArray[np.integer]) -> None:
    """Name a value that a likelihood cannot take by its row of the file, before rows are shuffled.

    Parameters
    ----------
    table : Table
    likelihood : str
        A key of `sklid.nn.LIKELIHOODS`.
    train : ndarray of shape (n_train,)
        Numbers of the rows to fit, which tell how many categories there are.

    Raises
    ------
    TableError
        If there is such a value: in which column and row, and the likelihoods that take the table.
    """
    family, rows = LIKELIHOODS[likelihood], torch.as_tensor(table.rows)
    for learned in (False, True):
        support = family.from_data([rows[train].float()], "global").support if learned else family.support
        outside = torch.nonzero(~support.constraint.check(rows))
        if len(outside):
            row, column = outside[0].tolist()
            others = [name for name in fitting_likelihoods(table.rows) if name != likelihood]
            remedy = ", or another --seed, which splits the rows otherwise" if learned else ""
            raise TableError(
                f"likelihood={likelihood} cannot take the value {rows[row, column]:g} of column "
                f"{shortened(table.names[column])} in row {row + 1}: it is outside {support.describe(column)}. "
                f"Likelihoods that fit these values: {', '.join(others)}{remedy}."
            )


def _listed(words: list[str]) -> str:
    """All words, or the first ones and the last of many."""
    return ", ".join(words if len(words) <= MOST_NAMES else [*words[: MOST_NAMES - 2], "...", words[-1]])
