r"""Moments of weighted rows and their principal variances: all that a Gaussian model asks of complete data.

.. math:: m = \frac1w \sum_n w_n x_n, \qquad A = \sum_n w_n (x_n - m)(x_n - m)^\top, \qquad
    S = \frac{A}{w - 1}, \qquad w = \sum_n w_n

Weights count repetitions, and w - 1 is scikit-learn's convention. Two sets of rows merge by

.. math:: A = A_1 + A_2 + \frac{w_1 w_2}{w_1 + w_2} (m_1 - m_2)(m_1 - m_2)^\top

(Chan, Golub & LeVeque, "Updating Formulae and a Pairwise Algorithm for Computing Sample Variances", 1979). Principal
variances and directions,

.. math:: S = U \Lambda U^\top, \qquad \lambda_1 \ge \lambda_2 \ge \dots \ge 0,

come by the cheapest exact way that the shape of the data allows: from S where there are fewer features than rows, from
the Gram matrix of the centred rows where there are more, and by randomised subspace iteration where both are many
(Halko, Martinsson & Tropp 2011, as in scikit-learn).
"""

import math
from collections.abc import Iterator
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.linalg import LinearOperator, svds
from sklearn.utils.extmath import randomized_svd

from ..data.blocks import chunks
from .dense_blocks import dense, dense_blocks, n_constant, n_different
from .spectrum import Spectrum, judged

__all__ = ["LARGEST_MATRIX", "Moments", "WeightedRows", "spectrum_of_moments", "spectrum_of_rows"]

SHARE = 16
"""Chunks hold this fraction of the usual numbers, as they are copied to be centred."""
MOST_CANCELLED = 1e2
"""Squared mean over variance up to which rows are centred after their products: faster, at the cost of its digits."""

LARGEST_MATRIX = 2_000
"""Rows or features up to which the whole matrix is decomposed."""
LARGE_SHARE = 0.8
"""Share of all variances from which randomised iteration costs more than the whole decomposition."""
FIRST_LEADING = 20
"""Variances that are looked at first for one that is noise."""
DETERMINED = 1e-10
"""Share of the variance of a feature that others must leave open, or it is determined by them."""
ROUNDING = 1e-13
"""Variances under this share of the largest are rounding errors of zero."""


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


class WeightedRows(NamedTuple):
    """Rows X ``(N, D)``, their weights ``(N,)`` or None where each counts once, total weight, and mean ``(D,)``."""

    X: NDArray
    weights: NDArray[np.float64] | None
    total: float
    mean: NDArray[np.float64]

    @classmethod
    def of(cls, X: NDArray, weights: NDArray | None = None) -> Self:
        """With their mean, which is not finite where a value is not."""
        with np.errstate(over="ignore", invalid="ignore"):
            if weights is None:
                return cls(X, None, float(X.shape[0]), np.asarray(X.mean(axis=0, dtype=np.float64)).ravel())
            total, step = float(weights.sum()), SHARE * X.shape[1]
            parts = zip(dense_blocks(X, step), chunks(weights, step), strict=True)
            return cls(X, weights, total, sum(w @ x for x, w in parts) / (total or 1.0))

    @property
    def complete(self) -> bool:
        """Whether no value is missing or infinite: else the mean is not finite."""
        return bool(np.isfinite(self.mean).all())

    @property
    def tall(self) -> bool:
        """Whether there are as many rows as features, repetitions among them."""
        return max(self.X.shape[0], self.total) >= self.X.shape[1]

    @property
    def repeated(self) -> bool:
        """Whether all weights are whole numbers."""
        return self.weights is None or bool((self.weights == np.floor(self.weights)).all())

    def chunks(self) -> Iterator[tuple[NDArray, NDArray | None]]:
        """Blocks of the rows, and their weights."""
        step = SHARE * self.X.shape[1]
        if self.weights is None:
            return ((x, None) for x in dense_blocks(self.X, step))
        return zip(dense_blocks(self.X, step), chunks(self.weights, step), strict=True)

    def centred_chunks(self) -> Iterator[NDArray[np.float64]]:
        """Blocks of ``sqrt(w_n) (x_n - m)``, whose scatter is that of the weighted rows."""
        for x, w in self.chunks():
            centred = x - self.mean
            if w is not None:
                centred *= np.sqrt(w)[:, None]
            yield centred

    def centred_rows(self) -> NDArray[np.float64]:
        """All of them ``(N, D)``, scaled so that their mean square is the covariance."""
        return math.sqrt(self.X.shape[0] / (self.total - 1)) * np.concatenate(list(self.centred_chunks()))

    def moments(self) -> Moments:
        """Their weight, mean and scatter."""
        if self.weights is None and self.X.dtype == np.float64:
            scatter = dense(self.X.T @ self.X) - self.total * np.outer(self.mean, self.mean)
            if (self.total * self.mean**2 <= MOST_CANCELLED * scatter.diagonal()).all():
                return Moments(self.total, self.mean, scatter)
        scatter = np.zeros((len(self.mean), len(self.mean)))
        for centred in self.centred_chunks():
            scatter += centred.T @ centred
        return Moments(self.total, self.mean, scatter)

    def third_moments(self, projections: NDArray, mean: NDArray) -> NDArray[np.float64]:
        """Sums of :math:`w_n y_{nk}^3` with :math:`y_n = P (x_n - m)`, for projections P ``(K, D)``: ``(K,)``."""
        centre, sums = (projections @ mean)[:, None], np.zeros(len(projections))
        for x, w in self.chunks():
            y = projections @ x.T - centre
            sums += np.einsum("kn,kn->k", np.square(y), y) if w is None else (np.square(y) * y) @ w
        return sums


def spectrum_of_rows(
    rows: WeightedRows,
    n_components: int | float | None,
    noise_variance: float | None,
    random_state: np.random.RandomState,
) -> Spectrum:
    """Spectrum of rows by their products: all variances, but where rows and features are many those of `n_components`.

    Without a number of components, those that exceed a share of the variance, or down to one that is noise, of known or
    unknown variance.
    """
    n_rows, n_features = rows.X.shape
    if rows.tall and n_features <= LARGEST_MATRIX:
        return spectrum_of_moments(rows.moments())
    if n_rows <= LARGEST_MATRIX:
        return _of_gram(rows)
    if n_components is None or isinstance(n_components, float):
        return _as_many_as_needed(rows, n_components, noise_variance, random_state)
    return _leading(rows, n_components, random_state)


def spectrum_of_moments(moments: Moments) -> Spectrum:
    """Spectrum of rows of which the moments are known."""
    spectrum = _spectrum(moments)
    deviations = np.sqrt(moments.scatter.diagonal())
    if np.count_nonzero(spectrum.variances) == spectrum.n_spanned and deviations.all():
        return spectrum
    free = np.flatnonzero(deviations)
    free = free[_independent(moments.scatter[np.ix_(free, free)] / np.outer(deviations[free], deviations[free]))]
    if len(free) in (0, len(deviations)):
        return spectrum
    part = Moments(moments.weight, moments.mean[free], moments.scatter[np.ix_(free, free)])
    return spectrum._replace(reduced=(spectrum._replace(mean=spectrum.mean[free]), _spectrum(part)))


def _spectrum(moments: Moments) -> Spectrum:
    variances, directions = np.linalg.eigh(moments.scatter / (moments.weight - 1))
    directions = directions.T[::-1]
    total = float(np.trace(moments.scatter)) / (moments.weight - 1)
    return Spectrum(_cleaned(variances[::-1]), lambda k: directions[:k], moments.mean, total, moments.weight)


def _independent(correlations: NDArray) -> NDArray[np.intp]:
    """Features that no earlier ones determine, by elimination."""
    left, kept = correlations.copy(), []
    for k in range(len(left)):
        if left[k, k] > DETERMINED:
            kept.append(k)
            left -= np.outer(left[:, k], left[k] / left[k, k])
    return np.array(kept, dtype=np.intp)


def _freed(spectrum: Spectrum, X: NDArray) -> Spectrum:
    """Of fewer rows than features: without constant ones, or as many as the rows span if even these span less."""
    n_free, rank = spectrum.n_features - n_constant(X), int(np.count_nonzero(spectrum.variances))
    if rank < X.shape[0] - 1 and rank < n_different(X) - 1:
        n_free = rank
    if n_free in (0, spectrum.n_features):
        return spectrum
    return spectrum._replace(reduced=(spectrum._replace(mean=spectrum.mean[:n_free]),))


def _of_gram(rows: WeightedRows) -> Spectrum:
    """From inner products of rows, block by block of columns: left singular vectors V give the directions A'V."""
    X, weights, total, mean = rows
    transposed, n_rows = X.tocsc().T if sparse.issparse(X) else X.T, X.shape[0]
    roots = None if weights is None else np.sqrt(weights)[:, None]

    def centred_columns() -> Iterator[NDArray]:
        for columns, centre in zip(dense_blocks(transposed, SHARE * n_rows), chunks(mean, SHARE * n_rows), strict=True):
            block = columns.T - centre
            yield block if roots is None else block * roots

    gram = sum(block @ block.T for block in centred_columns()) / (total - 1)
    variances, left = np.linalg.eigh(gram)
    left = left[:, ::-1]

    def leading(k: int) -> NDArray:
        n_there = min(k, int(np.count_nonzero(kept)))
        return _completed(np.concatenate([block.T @ left[:, :n_there] for block in centred_columns()]), k)

    kept = _cleaned(variances[::-1])
    if total > n_rows:  # repetitions span no more
        kept = np.append(kept, np.zeros(max(0, math.ceil(min(total - 1, X.shape[1])) - len(kept))))
    spectrum = Spectrum(kept[: X.shape[1]], leading, mean, float(np.trace(gram)), total)
    return _freed(spectrum, X)


def _as_many_as_needed(
    rows: WeightedRows, share: float | None, noise_variance: float | None, random_state: np.random.RandomState
) -> Spectrum:
    """Twice as many variances at each attempt, until they exceed a share of all, or one is noise."""
    n_leading = FIRST_LEADING
    while True:
        spectrum = _leading(rows, n_leading, random_state)
        found = len(spectrum.variances)
        if share is not None:
            enough = float(spectrum.variances.sum()) > share * spectrum.total
        else:
            enough = judged(spectrum, noise_variance).count < found
        if enough or found >= min(spectrum.n_spanned, n_leading + 1):
            return spectrum
        n_leading *= 2


def _leading(rows: WeightedRows, n_leading: int, random_state: np.random.RandomState) -> Spectrum:
    """By randomised iteration, or all variances where nearly all are wanted."""
    n_rows, n_features = rows.X.shape
    if n_leading > LARGE_SHARE * min(n_rows, n_features):
        return spectrum_of_moments(rows.moments()) if rows.tall else _of_gram(rows)
    return _randomised(rows, n_leading, random_state)


def _randomised(rows: WeightedRows, n_leading: int, random_state: np.random.RandomState) -> Spectrum:
    degrees = rows.total - 1
    if sparse.issparse(rows.X):
        return _implicitly_centred(rows, n_leading, random_state)
    centred = np.concatenate(list(rows.centred_chunks()))
    total = float(np.einsum("nd,nd->", centred, centred)) / degrees
    _, values, directions = randomized_svd(centred, n_leading, flip_sign=False, random_state=random_state)
    return Spectrum(_cleaned(values**2 / degrees), lambda k: directions[:k], rows.mean, total, rows.total)


def _implicitly_centred(rows: WeightedRows, n_leading: int, random_state: np.random.RandomState) -> Spectrum:
    """Of sparse rows by the Lanczos method, as in scikit-learn: products with centred rows need none of them."""
    X, degrees = rows.X, rows.total - 1
    roots = np.ones(X.shape[0]) if rows.weights is None else np.sqrt(rows.weights)

    def times(v: NDArray) -> NDArray:
        return roots * (X @ v.ravel() - rows.mean @ v.ravel())

    def back(u: NDArray) -> NDArray:
        weighted = roots * u.ravel()
        return X.T @ weighted - rows.mean * weighted.sum()

    centred = LinearOperator(X.shape, matvec=times, rmatvec=back, dtype=np.float64)
    start = random_state.uniform(-1, 1, min(X.shape))
    _, values, directions = svds(centred, n_leading, v0=start)
    squares = sum(float(np.vdot(x, x)) for x in rows.centred_chunks())
    variances, directions = _cleaned(values[::-1] ** 2 / degrees), directions[::-1]
    return Spectrum(variances, lambda k: directions[:k], rows.mean, squares / degrees, rows.total)


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
