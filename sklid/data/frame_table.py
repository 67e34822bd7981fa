"""The features of a pandas frame: its columns of numbers and truth values.

Columns without any number are left out. One that holds text among its numbers is an error, since it may be a feature
with a slip.
"""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from .numeric_table import Choice, Table, TableError, label_values, shortened

if TYPE_CHECKING:
    import pandas

__all__ = ["table_of_frame"]


def table_of_frame(
    path: Path, frame: "pandas.DataFrame", choice: Choice, left_out: dict[str, str], notes: tuple[str, ...] = ()
) -> Table:
    """The features, and the labels that are asked for.

    Parameters
    ----------
    path : Path
        For messages.
    frame : pandas.DataFrame
    choice : Choice
    left_out : dict
        Reasons by the names of what was left out before.
    notes : tuple of str
        Of the table.

    Raises
    ------
    TableError
        If there is no column of a name that is asked for, text stands among numbers, or labels are missing.
    """
    asked = [*([] if choice.label_column is None else [choice.label_column]), *sorted(choice.leave_out)]
    unknown = [name for name in asked if name not in frame]
    if unknown:
        columns = ", ".join(map(shortened, frame))
        raise TableError(f"{path}: there is no column {shortened(unknown[0])}; the columns are {columns}.")
    labels = None if choice.label_column is None else _labels(path, frame[choice.label_column])
    features = {name: (column, _numbers(column)) for name, column in frame.drop(columns=asked).items()}
    reasons = {name: _why_not(path, column, numbers) for name, (column, numbers) in features.items()}
    columns = {name: numbers for name, (_, numbers) in features.items() if not reasons[name]}
    rows = np.column_stack(list(columns.values())) if columns else np.empty((len(frame), 0))
    left_out = {**left_out, **dict.fromkeys(sorted(choice.leave_out), "--leave-out")}
    left_out |= {name: reason for name, reason in reasons.items() if reason}
    return Table(rows, list(columns), labels, choice.label_column, left_out, notes)


def _labels(path: Path, column: "pandas.Series") -> NDArray:
    from pandas.api.types import is_numeric_dtype

    values = np.asarray(column.tolist()) if is_numeric_dtype(column) else column.astype(str).to_numpy(dtype=str)
    return label_values(path, str(column.name), values, column.isna().to_numpy())


def _numbers(column: "pandas.Series") -> NDArray[np.float64]:
    """Numbers of a column, nan where there is none."""
    import pandas
    from pandas.api.types import is_numeric_dtype, is_object_dtype, is_string_dtype

    if is_object_dtype(column) or is_string_dtype(column):
        try:
            column = pandas.to_numeric(column, errors="coerce")
        except TypeError:  # lists and dictionaries
            return np.full(len(column), np.nan)
    if not is_numeric_dtype(column):
        return np.full(len(column), np.nan)
    return column.to_numpy(dtype=np.float64, na_value=np.nan)


def _why_not(path: Path, column: "pandas.Series", numbers: NDArray[np.float64]) -> str:
    """Why a column is no feature; empty if it is one."""
    given, is_number = column.notna().to_numpy(), ~np.isnan(numbers)
    others = np.flatnonzero(given & ~is_number)
    if len(column) and not given.any():
        return "empty"
    if not len(others):
        return ""
    value = shortened(column.iloc[others[0]])
    if not is_number.any():
        return f"no numbers, such as {value}"
    raise TableError(
        f"{path}: column {shortened(column.name)} holds {value} in row {others[0] + 1}, which is not a number, among "
        "numbers; correct it, name the column with --label-column, or leave it out with --leave-out."
    )
