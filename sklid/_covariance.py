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

from ._gates import chunks

__all__ = ["Moments", "centre_of", "centred_chunks", "moments_of"]

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


def centre_of(X: NDArray, weights: NDArray | None = None) -> tuple[float, NDArray[np.float64]]:
    """Total weight and weighted mean of rows: ``(N, D), (N,)`` to a number and ``(D,)``."""
    if weights is None:
        return float(len(X)), X.mean(axis=0, dtype=np.float64)
    total = float(weights.sum())
    return total, sum(w @ x for x, w in _chunks(X, weights)) / total


def centred_chunks(X: NDArray, mean: NDArray, weights: NDArray | None = None) -> Iterator[NDArray[np.float64]]:
    """Blocks of ``sqrt(w_n) (x_n - m)``, whose scatter is that of the weighted rows."""
    if weights is None:
        yield from (x - mean for x in chunks(X, SHARE * X.shape[1]))
        return
    for x, w in _chunks(X, weights):
        centred = x - mean
        centred *= np.sqrt(w)[:, None]
        yield centred


def moments_of(X: NDArray, weights: NDArray | None = None) -> Moments:
    """The moments of rows ``(N, D)``, with weights ``(N,)`` or with weight 1 each."""
    total, mean = centre_of(X, weights)
    if weights is None and X.dtype == np.float64:
        scatter = X.T @ X - total * np.outer(mean, mean)
        if (total * mean**2 <= MOST_CANCELLED * scatter.diagonal()).all():
            return Moments(total, mean, scatter)
    scatter = np.zeros((X.shape[1], X.shape[1]))
    for centred in centred_chunks(X, mean, weights):
        scatter += centred.T @ centred
    return Moments(total, mean, scatter)


def _chunks(X: NDArray, weights: NDArray) -> Iterator[tuple[NDArray, NDArray]]:
    step = SHARE * X.shape[1]
    return zip(chunks(X, step), chunks(weights, step), strict=True)
