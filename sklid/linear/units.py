r"""Units in which rows are fitted: an offset for each column and one scale for all of them.

.. math:: x = o + a\,y, \qquad y \sim N(m, W W^\top + \sigma^2 I) \;\Rightarrow\;
    x \sim N(o + a m, (a W)(a W)^\top + (a \sigma)^2 I)

Probabilistic PCA is the same in all such units, so a fit can be made where floating point is exact: squares neither
overflow nor vanish, and no mean cancels the digits of what varies about it. The scale is a power of two, so it costs no
digit either.
"""

import math
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from .covariance import Moments, WeightedRows
from .dense_blocks import column_range
from .spectrum import Spectrum

__all__ = ["Units"]

FAR = 100.0
"""Middle of a column over its spread up to which rows without gaps are fitted as they are, which saves a copy."""
WIDE = 1e60
"""Spread, or its inverse, up to which they are."""
LARGEST, LEAST = 1e151, 1e-151
"""Spread beyond which variances overflow, and below which they lose their digits."""
SAMPLE = 100
"""Rows without gaps that are looked at; on all of them no spread is smaller."""


class Units(NamedTuple):
    """Offsets o ``(D,)`` and scale a."""

    offset: NDArray[np.float64]
    scale: float

    @classmethod
    def of(cls, rows: WeightedRows) -> Self:
        """Those that suit rows, or rows with gaps."""
        X = rows.X
        middle, spread = _range(X[:: max(1, X.shape[0] // SAMPLE)] if rows.complete else X)
        if spread.max() < LEAST or (rows.complete and not _root_sum_of_squares(X) < WIDE):
            middle, spread = _range(X)
        largest = float(spread.max())
        if largest > LARGEST:
            raise ValueError(
                f"Column {spread.argmax()} holds values {largest:.3g} from their middle, so far that their variance "
                "is beyond double precision. Divide the whole table by a constant."
            )
        if 0 < largest < LEAST:
            raise ValueError(
                f"The widest column, {spread.argmax()}, holds values {largest:.3g} from their middle, so near that "
                "their variance is below double precision. Multiply the whole table by a constant."
            )
        near = sparse.issparse(X) or (rows.complete and (np.abs(middle) <= FAR * spread).all())
        usual = rows.complete and 1 / WIDE < largest < WIDE
        return cls(np.zeros_like(middle) if near else middle, 1.0 if usual else _power_of_two(largest))

    @classmethod
    def of_moments(cls, moments: Moments) -> Self:
        """Those that suit moments."""
        deviation = math.sqrt(float(moments.scatter.diagonal().max()) / moments.weight)
        return cls(np.zeros_like(moments.mean), 1.0 if 1 / WIDE < deviation < WIDE else _power_of_two(deviation))

    @property
    def trivial(self) -> bool:
        """Whether rows keep their values in these units."""
        return self.scale == 1 and not self.offset.any()

    def rows(self, rows: WeightedRows) -> WeightedRows:
        """Rows in these units."""
        if sparse.issparse(rows.X):  # zeros stay zeros
            return rows if self.trivial else WeightedRows.of(rows.X / self.scale, rows.weights)
        return rows if self.trivial else WeightedRows.of((rows.X - self.offset) / self.scale, rows.weights)

    def moments(self, moments: Moments) -> Moments:
        """Moments in these units."""
        scatter = moments.scatter / self.scale / self.scale
        return Moments(moments.weight, (moments.mean - self.offset) / self.scale, scatter)

    def restored_moments(self, moments: Moments) -> Moments:
        """Moments in the units of the data."""
        scatter = moments.scatter * self.scale * self.scale
        return Moments(moments.weight, self.offset + self.scale * moments.mean, scatter)

    def restored_spectrum(self, spectrum: Spectrum) -> Spectrum:
        """Variances in the units of the data."""
        square = self.scale * self.scale
        reduced = tuple(self.restored_spectrum(part) for part in spectrum.reduced)
        return spectrum._replace(variances=spectrum.variances * square, total=spectrum.total * square, reduced=reduced)


def _range(X: NDArray) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Middle and half the width of what each column holds, gaps left out."""
    low, high = (ends.astype(np.float64) / 2 for ends in column_range(X))
    return low + high, high - low


def _root_sum_of_squares(X: Any) -> float:
    """Of all values, which no row of a sample may show; infinite where squares overflow."""
    values = X.data if sparse.issparse(X) else X.ravel(order="K")
    with np.errstate(over="ignore"):
        return float(np.sqrt(np.vdot(values, values)))


def _power_of_two(number: float) -> float:
    """The power of two below a number, or 1 for zero."""
    return math.ldexp(0.5, math.frexp(number)[1]) if number else 1.0
