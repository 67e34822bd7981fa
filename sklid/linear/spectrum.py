r"""Principal variances and directions of data, by the cheapest exact way that their shape allows.

.. math:: S = U \Lambda U^\top, \qquad \lambda_1 \ge \lambda_2 \ge \dots \ge 0

of the covariance S where there are fewer features than rows, of the Gram matrix of the centred rows where there are more, and by randomised
subspace iteration where both are many (Halko, Martinsson & Tropp 2011, as in scikit-learn).
"""

import math
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.extmath import randomized_svd

from ..data.blocks import chunks
from .covariance import SHARE, Moments, Rows

__all__ = ["Spectrum", "spectrum_of_covariance", "spectrum_of_rows"]

LARGEST_MATRIX = 2_000
"""Rows or features up to which the whole matrix is decomposed."""
ROUNDING = 1e-13
"""Variances under this share of the largest are rounding errors of zero."""


class Spectrum(NamedTuple):
    """Principal variances, and the directions on demand.

    Attributes
    ----------
    variances : array of shape (R,)
        In descending order; all that can differ from zero, or the leading ones.
    leading : callable
        ``leading(k)`` gives the first k directions as orthonormal rows ``(k, D)``.
    mean : array of shape (D,)
    total : float
        Sum of all D variances.
    weight : float
        Total weight of the rows; the variances have weight - 1 degrees of freedom.
    """

    variances: NDArray[np.float64]
    leading: Callable[[int], NDArray[np.float64]]
    mean: NDArray[np.float64]
    total: float
    weight: float

    @property
    def n_features(self) -> int:
        """The number D of features."""
        return len(self.mean)

    @property
    def n_spanned(self) -> int:
        """Directions that centred rows in general position span: min(w - 1, D)."""
        return int(min(self.weight - 1, self.n_features))


def spectrum_of_rows(rows: Rows, n_leading: int | None, random_state: np.random.RandomState) -> Spectrum:
    """Spectrum of rows, with all variances, or at least `n_leading` of them where rows and features are many."""
    n_rows, n_features = rows.X.shape
    if n_features <= min(n_rows, LARGEST_MATRIX):
        return spectrum_of_covariance(rows.moments())
    if n_rows <= LARGEST_MATRIX:
        return _of_gram(rows)
    if n_leading is None or n_leading > 0.8 * min(n_rows, n_features):
        return spectrum_of_covariance(rows.moments()) if n_features <= n_rows else _of_gram(rows)
    return _randomised(rows, n_leading, random_state)


def spectrum_of_covariance(moments: Moments) -> Spectrum:
    """Spectrum of the covariance matrix of some rows."""
    variances, directions = np.linalg.eigh(moments.scatter / (moments.weight - 1))
    directions = directions.T[::-1]
    total = float(np.trace(moments.scatter)) / (moments.weight - 1)
    return Spectrum(_cleaned(variances[::-1]), lambda k: directions[:k], moments.mean, total, moments.weight)


def _of_gram(rows: Rows) -> Spectrum:
    """From inner products of rows, block by block of columns: left singular vectors V give the directions A'V."""
    X, weights, weight, mean = rows
    roots = None if weights is None else np.sqrt(weights)[:, None]

    def centred_columns() -> Iterator[NDArray]:
        for columns, centre in zip(chunks(X.T, SHARE * len(X)), chunks(mean, SHARE * len(X)), strict=True):
            block = columns.T - centre
            yield block if roots is None else block * roots

    gram = sum(block @ block.T for block in centred_columns()) / (weight - 1)
    variances, left = np.linalg.eigh(gram)
    left = left[:, ::-1]

    def leading(k: int) -> NDArray:
        n_there = min(k, int(np.count_nonzero(kept)))
        return _completed(np.concatenate([block.T @ left[:, :n_there] for block in centred_columns()]), k)

    kept = _cleaned(variances[::-1])
    if weight > len(X):  # repetitions span no more
        kept = np.append(kept, np.zeros(max(0, math.ceil(min(weight - 1, X.shape[1])) - len(kept))))
    return Spectrum(kept[: X.shape[1]], leading, mean, float(np.trace(gram)), weight)


def _randomised(rows: Rows, n_leading: int, random_state: np.random.RandomState) -> Spectrum:
    degrees = rows.total - 1
    centred = np.concatenate(list(rows.centred_chunks()))
    total = float(np.einsum("nd,nd->", centred, centred)) / degrees
    _, values, directions = randomized_svd(centred, n_leading, flip_sign=False, random_state=random_state)
    return Spectrum(_cleaned(values**2 / degrees), lambda k: directions[:k], rows.mean, total, rows.total)


def _cleaned(variances: NDArray) -> NDArray:
    """Variances without the rounding errors of zero."""
    return np.where(variances > ROUNDING * len(variances) * max(variances[0], 0.0), variances, 0.0)


def _completed(columns: NDArray, k: int) -> NDArray:
    """Orthonormal rows ``(k, D)``: along orthogonal columns ``(D, j)``, and any others after them."""
    there = columns / np.linalg.norm(columns, axis=0)
    if columns.shape[1] == k:
        return there.T
    spare = np.random.default_rng(0).standard_normal((len(columns), k - columns.shape[1]))
    return np.vstack([there.T, np.linalg.qr(np.hstack([there, spare])).Q.T[columns.shape[1] :]])
