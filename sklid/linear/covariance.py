r"""Mean and covariance of weighted rows, in chunks and mergeable: all that a Gaussian model asks of complete data.

.. math:: m = \frac1w \sum_n w_n x_n, \qquad A = \sum_n w_n (x_n - m)(x_n - m)^\top, \qquad S = \frac{A}{w - 1}, \qquad w = \sum_n w_n

Weights count repetitions, and w - 1 is scikit-learn's convention. Two sets of rows merge by

.. math:: A = A_1 + A_2 + \frac{w_1 w_2}{w_1 + w_2} (m_1 - m_2)(m_1 - m_2)^\top

(Chan, Golub & LeVeque, "Updating Formulae and a Pairwise Algorithm for Computing Sample Variances", 1979).
"""

from collections.abc import Iterator
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from ..data.blocks import chunks

__all__ = ["Moments", "Rows"]

SHARE = 16
"""Chunks hold this fraction of the usual numbers: a centred copy of a large part of the rows would be felt in memory."""
MOST_CANCELLED = 1e4
"""Squared mean over variance up to which rows are centred after their products, which is faster and loses the digits of this ratio."""


class Moments(NamedTuple):
    """Total weight w of some rows, their mean ``(D,)`` and their scatter A ``(D, D)``."""

    weight: float
    mean: NDArray[np.float64]
    scatter: NDArray[np.float64]

    def merged(self, other: Self) -> Self:
        """The moments of these rows and others together."""
        weight = self.weight + other.weight
        shift = other.mean - self.mean
        scatter = self.scatter + other.scatter + self.weight * other.weight / weight * np.outer(shift, shift)
        return type(self)(weight, self.mean + other.weight / weight * shift, scatter)


class Rows(NamedTuple):
    """Rows X ``(N, D)`` and their weights ``(N,)``, or None where each counts once, with their total weight and mean ``(D,)``."""

    X: NDArray
    weights: NDArray[np.float64] | None
    total: float
    mean: NDArray[np.float64]

    @classmethod
    def of(cls, X: NDArray, weights: NDArray | None = None) -> Self:
        """With their mean, which is not finite where a value is not."""
        with np.errstate(over="ignore", invalid="ignore"):
            if weights is None:
                return cls(X, None, float(len(X)), X.mean(axis=0, dtype=np.float64))
            total, step = float(weights.sum()), SHARE * X.shape[1]
            return cls(X, weights, total, sum(w @ x for x, w in zip(chunks(X, step), chunks(weights, step), strict=True)) / (total or 1.0))

    def chunks(self) -> Iterator[tuple[NDArray, NDArray | None]]:
        """Blocks of the rows, and their weights."""
        step = SHARE * self.X.shape[1]
        if self.weights is None:
            return ((x, None) for x in chunks(self.X, step))
        return zip(chunks(self.X, step), chunks(self.weights, step), strict=True)

    def centred_chunks(self) -> Iterator[NDArray[np.float64]]:
        """Blocks of ``sqrt(w_n) (x_n - m)``, whose scatter is that of the weighted rows."""
        for x, w in self.chunks():
            centred = x - self.mean
            if w is not None:
                centred *= np.sqrt(w)[:, None]
            yield centred

    def moments(self) -> Moments:
        """Their weight, mean and scatter."""
        if self.weights is None and self.X.dtype == np.float64:
            scatter = self.X.T @ self.X - self.total * np.outer(self.mean, self.mean)
            if (self.total * self.mean**2 <= MOST_CANCELLED * scatter.diagonal()).all():
                return Moments(self.total, self.mean, scatter)
        scatter = np.zeros((len(self.mean), len(self.mean)))
        for centred in self.centred_chunks():
            scatter += centred.T @ centred
        return Moments(self.total, self.mean, scatter)
