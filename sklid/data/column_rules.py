"""The rules of ``likelihood="auto"``: from what a column holds to the family of its likelihood, and why.

The first line that fits decides. *Whole* are numbers without a fraction, whatever their type; variances are those of
the values that are there, gaps aside.

| column | family |
|---|---|
| no value at all | an error |
| text or categories, at least 20 of them and nine in ten different | an error: identifiers, or free text |
| text or categories | "categorical" |
| ordered categories | "ordinal" |
| truth values | "bernoulli" |
| numbers, one of them not whole | "gaussian", never "log_normal", which is there to be asked for |
| whole, none but 0 and 1 | "bernoulli" |
| whole, at least 20 and all different, and consecutive once sorted or greater from row to row | an error: identifiers |
| whole, and one is negative, one is beyond 10 000, the least is above 1, or there are fewer than 2 | "gaussian" |
| 20 or fewer in unbroken order, from 1, or from 0 to a greatest that 5 % of rows share | "ordinal": a scale that ends |
| 3 or more, and a variance of at least 1.5 times the mean | "negative_binomial" |
| 3 or more from 0 to at most 20, and a smaller variance | "poisson" |
| others | "gaussian" |

So years and ages of adults are Gaussian, ratings from 1 to 5 are ordinal, numbers of children are Poisson, counts of
words or genes negative binomial. A grey level from 0 to 16 is ordinal in a pixel that is often white, else a count.
Columns of a single value are kept. What a rule gets wrong is named in a dict.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .column_kinds import LABEL_KINDS, Columns
from .numeric_table import shortened

__all__ = ["Choice", "Facts", "chosen_family", "facts_of"]

FEWEST_IDENTIFIERS, MOST_DIFFERENT = 20, 0.9
LARGEST_COUNT = 10_000
LONGEST_SCALE, SHARE_OF_THE_END = 20, 0.05
OVERDISPERSED = 1.5
LARGEST_POISSON = 20
NUMBERS_AT_ONCE = 2**22


class Choice(NamedTuple):
    """A family, and the reason in words."""

    family: str
    reason: str


class Facts(NamedTuple):
    """What the rules see of a column; of numbers that are not whole, the kind and the number of values alone.

    Parameters
    ----------
    kind : str
        See `sklid.data.column_kinds`.
    n_values : int
        Those that are there.
    n_distinct : int
    example : object
        One of the values.
    is_whole : bool
    least, greatest, mean, variance : float
    share_of_greatest : float
        Of the values, those that equal the greatest.
    is_increasing : bool
        From row to row, gaps aside.
    """

    kind: str
    n_values: int
    n_distinct: int = 0
    example: object = None
    is_whole: bool = False
    least: float = np.nan
    greatest: float = np.nan
    mean: float = np.nan
    variance: float = np.nan
    share_of_greatest: float = np.nan
    is_increasing: bool = False


def facts_of(columns: Columns) -> list[Facts]:
    """What the rules see of each column."""
    n_rows, n_columns = columns.numbers.shape
    step = max(1, NUMBERS_AT_ONCE // max(1, n_rows))
    found: list[Facts] = []
    for start in range(0, n_columns, step):
        found += _facts_of_numbers(columns.numbers[:, start : start + step], columns.kinds[start : start + step])
    for column, coded in columns.coded.items():
        n_values = int(np.count_nonzero(~np.isnan(coded.codes)))
        found[column] = Facts(columns.kinds[column], n_values, len(coded.categories), coded.categories[0])
    return found


def chosen_family(facts: Facts, key: str) -> Choice:
    """The family of a column by the rules of this module.

    Parameters
    ----------
    facts : Facts
    key : str
        How messages and a dict name the column.

    Raises
    ------
    ValueError
        For a column without any value, identifiers and free text: what it holds, and what to do.
    """
    if not facts.n_values:
        raise ValueError(f"Column {key} has no value in any row, so there is nothing to learn of it. Leave it out.")
    if facts.kind in LABEL_KINDS:
        return _family_of_labels(facts, key)
    if facts.kind == "boolean":
        return Choice("bernoulli", "truth values")
    if not facts.is_whole:
        return Choice("gaussian", "numbers that are not all whole")
    if facts.least >= 0 and facts.greatest <= 1:
        return Choice("bernoulli", "zeros and ones")
    return _family_of_whole_numbers(facts, key)


def _family_of_labels(facts: Facts, key: str) -> Choice:
    n = facts.n_distinct
    if facts.n_values >= FEWEST_IDENTIFIERS and n >= MOST_DIFFERENT * facts.n_values:
        are = "are all different" if n == facts.n_values else "are nearly all different"
        raise ValueError(
            f"Column {key} looks like an identifier or free text: its {facts.n_values} values {are}, such as "
            f'{shortened(facts.example)}. Leave it out, or name its likelihood, as in likelihood={{{key}: "categorical"'
            "}; texts are what sklid.LIDSVAE takes."
        )
    categories = f"{n} categor{'y' if n == 1 else 'ies'}"
    if facts.kind == "ordered":
        return Choice("ordinal", f"{categories} in an order")
    return Choice("categorical", f"{categories} of text" if facts.kind == "text" else categories)


def _family_of_whole_numbers(facts: Facts, key: str) -> Choice:
    _refuse_identifiers(facts, key)
    least, greatest, n = facts.least, facts.greatest, facts.n_distinct
    words = f"whole numbers from {least:g} to {greatest:g}"
    if least < 0 or least > 1 or greatest > LARGEST_COUNT or n < 2:
        return Choice("gaussian", words if n > 1 else f"the one value {least:g}")
    is_unbroken = n == greatest - least + 1 and n <= LONGEST_SCALE
    if is_unbroken and (least == 1 or facts.share_of_greatest >= SHARE_OF_THE_END):
        return Choice("ordinal", f"{words}, a scale that ends")
    ratio = f"a variance of {facts.variance:.3g} and a mean of {facts.mean:.3g}"
    if n >= 3 and facts.variance >= OVERDISPERSED * facts.mean:
        return Choice("negative_binomial", f"{words} with {ratio}")
    if n >= 3 and least == 0 and greatest <= LARGEST_POISSON:
        return Choice("poisson", f"{words} with {ratio}")
    return Choice("gaussian", words)


def _refuse_identifiers(facts: Facts, key: str) -> None:
    n = facts.n_distinct
    is_consecutive = facts.greatest - facts.least == n - 1
    if n == facts.n_values >= FEWEST_IDENTIFIERS and (is_consecutive or facts.is_increasing):
        order = "consecutive" if is_consecutive else "greater from row to row"
        raise ValueError(
            f"Column {key} looks like an identifier: its {n} whole numbers are all different and {order}. Leave it "
            f'out, or name its likelihood, as in likelihood={{{key}: "gaussian"}}.'
        )


def _facts_of_numbers(numbers: NDArray[np.float64], kinds: list[str]) -> list[Facts]:
    """Of each column of numbers, ``(n, p)``."""
    columns = np.ascontiguousarray(numbers.T)
    gaps = np.isnan(columns)
    n_values = (~gaps).sum(axis=1).tolist()
    is_whole = ((columns == np.floor(columns)) | gaps).all(axis=1)
    found = [Facts(kind, n) for kind, n in zip(kinds, n_values, strict=True)]
    whole = np.flatnonzero(is_whole & ~gaps.all(axis=1))
    for place, facts in zip(whole, _facts_of_whole(columns[whole], gaps[whole]), strict=True):
        found[place] = facts._replace(kind=kinds[place])
    return found


def _facts_of_whole(columns: NDArray[np.float64], gaps: NDArray[np.bool_]) -> list[Facts]:
    """Of whole numbers with a column in each row, ``(p, n)``, each with a value."""
    n = (~gaps).sum(axis=1)
    ordered = np.sort(columns, axis=1)
    greatest = np.take_along_axis(ordered, n[:, None] - 1, axis=1)
    n_distinct = 1 + (np.diff(ordered, axis=1) > 0).sum(axis=1)
    with np.errstate(over="ignore", invalid="ignore"):
        means = np.where(gaps, 0.0, columns).sum(axis=1) / n
        variances = np.where(gaps, 0.0, (columns - means[:, None]) ** 2).sum(axis=1) / n
    shares = (columns == greatest).sum(axis=1) / n
    rising = (n_distinct == n) & (n >= FEWEST_IDENTIFIERS)
    for place in np.flatnonzero(rising):
        rising[place] = (np.diff(columns[place][~gaps[place]]) > 0).all()
    values = (n, n_distinct, ordered[:, 0], greatest[:, 0], means, variances, shares, rising)
    return [
        Facts("", n, distinct, least, True, least, most, mean, variance, share, rises)
        for n, distinct, least, most, mean, variance, share, rises in zip(*map(np.ndarray.tolist, values), strict=True)
    ]
