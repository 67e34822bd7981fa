"""Features of rows with gaps that others determine exactly: constants, copies, sums, the last of shares.

They have no noise of their own, so that noise seems less than it is. Where every feature is seen in most rows, the
directions in which pairs of features hardly vary tell which may be so, and the rows in which all of these are seen
whether they are.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from .incomplete import IncompleteRows

__all__ = ["determining"]

MOST_FEATURES = 1_000
"""Beyond which only constants are looked for."""
SUSPECT = 0.5
"""Variance in a direction, over the median variance of all, below which it is looked at."""
ENTRY = 0.1
"""Share of its largest entry that a feature must have in a direction to belong to it."""
MOST_SUSPECTS = 10
"""Directions that are looked at, those of the least variances."""
DETERMINED = 1e-12
"""Share of their variance that features must have in each direction, or they are dependent."""
ROUNDING = 1e-5
"""Share of a direction that a feature must have to take part in a dependence, beyond rounding errors."""


def determining(rows: IncompleteRows) -> NDArray[np.bool_]:
    """Which features determine the others; all of them where none varies: ``(D,)``."""
    kept = np.array([np.ptp(values[seen]) > 0 for values, seen in _columns(rows)])
    if not kept.any():
        return ~kept
    if kept.sum() <= MOST_FEATURES:
        _drop_determined(rows, kept)
    return kept


def _columns(rows: IncompleteRows) -> Iterator[tuple[NDArray[np.float64], NDArray[np.bool_]]]:
    """Values of each feature and where there are such."""
    observed = rows.by_row(rows.patterns)
    return zip(rows.values.T, observed.T, strict=True)


def _drop_determined(rows: IncompleteRows, kept: NDArray[np.bool_]) -> None:
    """One after the other, until no features are left that some rows say are dependent."""
    correlations = _pairwise_correlations(rows)
    while kept.sum() > 1:
        places = np.flatnonzero(kept)
        variances, directions = np.linalg.eigh(correlations[np.ix_(places, places)])
        suspects = np.abs(directions.T[variances < SUSPECT * np.median(variances)][:MOST_SUSPECTS])
        supports = [places, *(places[entries > ENTRY * entries.max()] for entries in suspects)]
        found = next((last for last in (_last_determined(rows, support) for support in supports) if last >= 0), -1)
        if found < 0:
            return
        kept[found] = False


def _last_determined(rows: IncompleteRows, support: NDArray[np.intp]) -> int:
    """The last of some features that others of them determine in all rows that have all; or -1."""
    there = rows.by_row(rows.patterns[:, support].all(axis=1))
    if there.sum() < len(support) + 2:
        return -1
    values = rows.values[np.ix_(there, support)]
    values = values - values.mean(axis=0)
    scales = np.sqrt((values**2).sum(axis=0))
    if not scales.all():
        return -1
    _, roots, directions = np.linalg.svd(values / scales, full_matrices=False)
    if roots[-1] ** 2 > DETERMINED:
        return -1
    return int(support[np.abs(directions[-1]) > ROUNDING][-1])


def _pairwise_correlations(rows: IncompleteRows) -> NDArray[np.float64]:
    """Of each pair of features over the rows that have both; zero where none has."""
    observed = rows.by_row(rows.patterns).astype(np.float64)
    values = rows.values - (rows.values.sum(0) / observed.sum(0)) * observed
    number = np.maximum(observed.T @ observed, 1.0)
    means = values.T @ observed / number  # of the first of a pair
    products = values.T @ values / number - means * means.T
    squares = np.maximum((values**2).T @ observed / number - means**2, 0.0)
    scales = np.sqrt(squares * squares.T)
    return np.divide(products, scales, out=np.zeros_like(products), where=scales > 0)
