"""Tables in text, separated by tabs, semicolons or commas, by the rules of pandas."""

import csv
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from .frame_table import table_of_frame
from .numeric_table import Choice, Table, TableError

if TYPE_CHECKING:
    import pandas

__all__ = ["read_text"]

GAPS = {"", "na", "n/a", "nan", "null", "none"}
LONGEST_HEAD = 50


def read_text(path: Path, choice: Choice) -> Table:
    """A table in UTF-8 whose first line holds the titles, if it has any.

    Numbers have a decimal point, or in files that are not separated by commas a decimal comma. Of columns with the same
    title the second is called title.1. A first column without a title holds the names of the rows, and so does one more
    value in each row than there are titles.

    Raises
    ------
    TableError
        If lines do not split into columns, or the first is no line of titles.
    """
    from pandas.errors import ParserError

    try:
        separator, (first, *more) = _first_lines(path)
        titles = first if choice.has_titles else []
        _check_titles(path, titles)
        frame = _parsed(path, separator, choice.has_titles)
    except UnicodeDecodeError:
        raise TableError(f"{path}: is not UTF-8 text; save it in UTF-8.") from None
    except (csv.Error, ParserError) as error:
        reason = str(error).partition("C error: ")[2] or str(error)
        raise TableError(f"{path}: its lines do not split into columns: {reason.strip()}.") from None
    left_out = {**_row_names(path, frame, titles, more), **_copies(titles, choice.label_column)}
    frame = frame.drop(columns=[name for name in left_out if name in frame])
    note = "titles in the first line are numbers; --no-header if it is a row of the table."
    return table_of_frame(path, frame, choice, left_out, (note,) if any(map(_is_number, titles)) else ())


def _first_lines(path: Path) -> tuple[str, list[list[str]]]:
    """The separator and the values of the first two lines that are not blank.

    The separator splits both into the same number of values, or else the first into the most.
    """
    with path.open(encoding="utf-8-sig", newline="") as file:
        lines = list(islice((line for line in file if line.strip()), LONGEST_HEAD))
    if not lines:
        raise TableError(f"{path}: is empty.")
    heads = {separator: list(islice(csv.reader(lines, **_dialect(separator)), 2)) for separator in "\t;,"}
    lengths = {separator: [len(line) for line in head] for separator, head in heads.items()}
    alike = [separator for separator, found in lengths.items() if min(found) == max(found) > 1]
    separator = alike[0] if alike else max(",;\t", key=lambda separator: lengths[separator][0])
    return separator, heads[separator]


def _dialect(separator: str) -> dict[str, str | bool]:
    return {"delimiter": separator, "skipinitialspace": separator != "\t"}


def _check_titles(path: Path, titles: list[str]) -> None:
    gaps = [number for number, title in enumerate(titles, start=1) if title.strip().lower() in GAPS]
    if set(gaps) - {1} and any(map(_is_number, titles)):
        raise TableError(
            f"{path}: the first line holds numbers and, in column {gaps[-1]}, a gap; --no-header if it is a row of the "
            "table, or give every column a title."
        )


def _parsed(path: Path, separator: str, has_titles: bool) -> "pandas.DataFrame":
    import pandas

    options = {
        "header": 0 if has_titles else None,
        "encoding": "utf-8-sig",
        "low_memory": False,  # one type for all of a column
        **_dialect(separator),
    }
    frame = pandas.read_csv(path, **options)
    if separator != "," and _n_text(frame):
        with_commas = pandas.read_csv(path, decimal=",", **options)
        frame = with_commas if _n_text(with_commas) < _n_text(frame) else frame
    return frame if has_titles else frame.rename(columns="column {}".format)


def _n_text(frame: "pandas.DataFrame") -> int:
    return len(frame.columns) - len(frame.select_dtypes("number").columns)


def _row_names(path: Path, frame: "pandas.DataFrame", titles: list[str], rows: list[list[str]]) -> dict[str, str]:
    """The column that names the rows, and that it does; empty if there is none."""
    n_more = len(rows[0]) - len(titles) if titles and rows else 0
    if n_more > 1 or (n_more == 1 and (len(titles) == 1 or not rows[0][-1])):
        raise TableError(f"{path}: has {len(titles)} titles in the first line and {len(rows[0])} values in the second.")
    if n_more == 1:
        return {"first column": "names of the rows"}
    return {frame.columns[0]: "names of the rows"} if any(titles) and not titles[0] else {}


def _copies(titles: list[str], label_column: str | None) -> dict[str, str]:
    """The columns that have the title of the labels too."""
    return {f"{label_column}.{number}": "title of the labels" for number in range(1, titles.count(label_column))}


def _is_number(title: str) -> bool:
    try:
        return float(title) == float(title)
    except ValueError:
        return False
