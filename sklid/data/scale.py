r"""The units in which a Gaussian model sees a table: each column in its own, all in one, or those of the data.

Rows become :math:`(x - m) / a` with m the means of the columns. By columns, a is the standard deviation of each; by the
table, it is one number for all of them, the root of the mean variance, so that relative sizes stay those of the data as
in principal component analysis and k-means.

Which of the two is right is a matter of units, and "auto" reads it off the columns. They count as being of one unit if

.. math:: \operatorname{Var}_j(m_j) \le 4 \, \operatorname{mean}_j(s_j^2), \qquad \max_j w_j \le 4 \, w_{(1/4)}

with s the standard deviations, w the ranges, from the least value to the greatest, and :math:`w_{(1/4)}` the lower
quartile of the ranges. So the means lie within two standard deviations of their centre, in the mean square, and the
columns are about equally wide, but for a quarter that may be narrow. Columns of mixed units nearly always fail one of
the two. Columns of one unit that vary little about different values fail the first, and then the scale is by columns.
The standard deviation of a pixel that is almost always blank is small and its range is not, hence the ranges. Columns
that have been brought to mean 0 and variance 1, or to the range from 0 to 1, count as being of one unit.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.preprocessing import StandardScaler

from ..exceptions import warn_user
from .blocks import row_blocks
from .sparse_rows import Rows, SparseRows

__all__ = ["fitted_scaler"]

FARTHEST_MEANS = 4.0
"""Greatest variance of the means of columns of one unit, over the mean variance in a column."""
WIDEST_RANGE = 4.0
"""Greatest range of a column of one unit, over the lower quartile of the ranges."""


def fitted_scaler(X: Rows, scale: str, keys: Sequence[str] | None = None) -> tuple[StandardScaler, str]:
    """The transformer from the units of checked rows to those of a model, and which scale it has.

    Parameters
    ----------
    X : array, MappedRows or SparseRows of shape (n_samples, n_features)
    scale : {"auto", "column", "table"}
    keys : list of str
        What an error calls the columns; None takes their numbers.

    Raises
    ------
    ValueError
        If the variance of a column is beyond double precision.

    Warns
    -----
    UserWarning
        For a column that varies, by so little that its variance is 0 in double precision.

    Returns
    -------
    scaler : StandardScaler
        Columns that do not vary have scale 1 by columns; by the table all have its one scale, or 1 if none varies.
    scale : {"column", "table"}
        As given, or for "auto" as the rows have it: "table" if the columns are of one unit as far as they show it.
    """
    scaler = _standardising(X, keys)
    if scale == "auto":
        scale = "table" if _have_one_unit(X, scaler) else "column"
    if scale == "table":
        size = np.sqrt(np.where(_varying(scaler), scaler.var_, 0.0).mean())
        scaler.scale_ = np.full_like(scaler.scale_, size or 1.0)
    return scaler, scale


def _standardising(X: Rows, keys: Sequence[str] | None) -> StandardScaler:
    scaler = StandardScaler(with_mean=not isinstance(X, SparseRows))  # which sparse blocks are not to be changed by
    with np.errstate(over="ignore", invalid="ignore"):
        for block in _blocks(X):
            scaler.partial_fit(block)
    scaler.with_mean = True
    if not np.isfinite(scaler.var_).all():
        column = int(np.flatnonzero(~np.isfinite(scaler.var_))[0])
        raise ValueError(
            f"Column {keys[column] if keys else column} holds values so large that their variance is beyond double "
            "precision. Divide it, or the whole table, by a constant."
        )
    _warn_of_underflow(X, scaler, keys)
    return scaler


def _warn_of_underflow(X: Rows, scaler: StandardScaler, keys: Sequence[str] | None) -> None:
    still = scaler.var_ == 0
    moves = still.copy()
    if still.any():
        moves[still] = _ranges(X)[still] > 0
    if moves.any():
        column = int(np.argmax(moves))
        warn_user(
            f"Column {keys[column] if keys else column} varies by so little that its variance is 0 in double "
            "precision, and is taken as constant. Multiply it by a constant.",
            UserWarning,
        )


def _blocks(X: Rows) -> Iterable[Any]:
    """An array as a whole, other rows in blocks, sparse ones left sparse."""
    if isinstance(X, np.ndarray):
        return [X]
    return X.parts() if isinstance(X, SparseRows) else row_blocks(X)


def _varying(scaler: StandardScaler) -> NDArray[np.bool_]:
    """Which columns vary by more than rounding; the scaler gives the others scale 1, whatever their variance."""
    return (scaler.scale_ == np.sqrt(scaler.var_)) & (scaler.var_ > 0)


def _have_one_unit(X: Rows, scaler: StandardScaler) -> bool:
    """Whether the columns that vary lie in one place and are equally wide; False for a single one."""
    varying = _varying(scaler)
    if varying.sum() < 2:
        return False
    in_one_place = scaler.mean_[varying].var() <= FARTHEST_MEANS * scaler.var_[varying].mean()
    ranges = _ranges(X)[varying]
    return bool(in_one_place and ranges.max() <= WIDEST_RANGE * np.quantile(ranges, 0.25, method="lower"))


def _ranges(X: Rows) -> NDArray[np.float64]:
    """The greatest value of each column less the least."""
    bounds = X.bounds() if isinstance(X, SparseRows) else map(_bounds, row_blocks(X))
    least, greatest = (np.array(part, dtype=np.float64) for part in zip(*bounds, strict=True))
    return np.fmax.reduce(greatest) - np.fmin.reduce(least)


def _bounds(block: NDArray) -> tuple[NDArray, NDArray]:
    """Least and greatest value of each column, nan left out."""
    return np.fmin.reduce(block), np.fmax.reduce(block)
