r"""Probabilistic PCA by filling gaps and taking principal components, for rows with fewer gaps than components.

With :math:`P = (W W^\top + \sigma^2 I)^{-1}` and G the gaps of a row, O what is observed of it,

.. math:: \hat x_G = m_G - P_{GG}^{-1} P_{GO} (x_O - m_O), \qquad \mathrm{Cov}(x_G \mid x_O) = P_{GG}^{-1}.

Only gaps count as unknown here, not latents, so the maximum of a step is that of complete rows with the expected
covariance, in closed form, and a step inverts matrices of as many rows as there are gaps, where
`expectation_maximization` inverts those of as many as there are components.
"""

import math
from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from .expectation_maximization import Maximum, gain_to_come
from .incomplete import BLOCK_NUMBERS, IncompleteRows, inverse_of_triangular
from .linear_gaussian import LinearGaussian
from .spectrum import Spectrum

__all__ = ["Filled", "is_quicker", "maximise_filled"]

LEAST_SHARE = 1e-8
"""Least noise variance as a share of the largest variance; with less, the precision of rows loses its digits."""
PER_COMPONENT, PER_FEATURE = 4, 10
"""Cubes that a step takes of each size, roughly: posteriors of latents, and principal components."""


class Filled(NamedTuple):
    """Rows given what is observed of them.

    Attributes
    ----------
    centred : array of shape (N, D)
        About the mean of the model, gaps filled by their expectations.
    spread : array of shape (D, D)
        Weighted sum over the rows of the covariance of what fills them.
    log_likelihoods : array of shape (N,)
    """

    centred: NDArray[np.float64]
    spread: NDArray[np.float64]
    log_likelihoods: NDArray[np.float64]

    @classmethod
    def of(cls, rows: IncompleteRows, model: LinearGaussian) -> Self:
        """In noise standard deviations until the end, so that no unit of the data is too large or too small."""
        noise, n_features = math.sqrt(model.noise_variance), len(model.mean)
        precision, counts = model.noise_variance * model.precision(), rows.counts
        centred = (rows.values - rows.by_row(rows.patterns) * model.mean) / noise
        products, spread = centred @ precision, np.zeros(n_features**2)
        log_determinants = np.zeros(len(rows.patterns))
        for patterns, gaps in _by_size(rows):
            factors = np.linalg.cholesky(precision[gaps[:, :, None], gaps[:, None, :]])
            roots = inverse_of_triangular(factors)
            covariances = roots.mT @ roots
            log_determinants[patterns] = 2 * np.log(np.diagonal(factors, axis1=1, axis2=2)).sum(1)
            _fill(centred, products, rows, patterns, gaps, covariances)
            places = gaps[:, :, None] * n_features + gaps[:, None, :]
            weighted = counts[patterns, None, None] * covariances
            spread += np.bincount(places.ravel(), weighted.ravel(), minlength=len(spread))
        constant = np.log(2 * np.pi * model.noise_variance) * rows.patterns.sum(1) + log_determinants
        constant += np.log(model.variances / model.noise_variance).sum()
        distances = np.einsum("nd,nd->n", centred @ precision, centred)
        spread = model.noise_variance * spread.reshape(n_features, n_features)
        return cls(noise * centred, spread, -0.5 * (rows.by_row(constant) + distances))

    def spectrum(self, mean: NDArray, weights: NDArray) -> Spectrum:
        """Of the expected covariance, all of it, about the mean that the filled rows have."""
        total = float(weights.sum())
        shift = weights @ self.centred / total
        covariance = (self.spread + (weights[:, None] * self.centred).T @ self.centred) / total
        variances, directions = np.linalg.eigh(covariance - np.outer(shift, shift))
        variances, directions = np.maximum(variances[::-1], 0.0), directions[:, ::-1].T
        return Spectrum(variances, lambda k: directions[:k], mean + shift, float(variances.sum()), total)


def is_quicker(rows: IncompleteRows, n_components: int) -> bool:
    """Whether a step that fills gaps takes fewer multiplications than one that looks for latents."""
    sizes, n_features = (~rows.patterns).sum(1).astype(float), rows.values.shape[1]
    by_gaps = PER_COMPONENT * (sizes**3).sum() + len(rows.values) * n_features**2 + PER_FEATURE * n_features**3
    by_latents = len(sizes) * (PER_COMPONENT * n_components**3 + n_features * n_components**2)
    return by_gaps < by_latents


def maximise_filled(
    rows: IncompleteRows, initial: LinearGaussian, noise_variance: float | None, tol: float, max_iter: int
) -> Maximum:
    """Maximise the likelihood of rows, as `maximise` does, as long as there is noise enough.

    Where there is not, it ends before its time, with more to come.
    """
    model, history, to_come = initial, list[float](), math.inf
    while len(history) < max_iter and model.noise_variance >= LEAST_SHARE * float(model.variances.max()):
        found = Filled.of(rows, model)
        history.append(float(rows.weights @ found.log_likelihoods / rows.weights.sum()))
        to_come = gain_to_come(history)
        if to_come <= tol:
            to_come = 0.0
            break
        spectrum = found.spectrum(model.mean, rows.weights)
        model = LinearGaussian.of_spectrum(spectrum, len(initial.amplitudes), noise_variance)
    reached = history[-1] if history else -math.inf
    return Maximum(model.mean, model.loadings, model.noise_variance, len(history), to_come, reached)


def _by_size(rows: IncompleteRows) -> Iterator[tuple[slice, NDArray[np.intp]]]:
    """Patterns that have equally many gaps, which stand side by side: which, and their gaps ``(p, m)``."""
    sizes = (~rows.patterns).sum(1)
    sizes = sizes[sizes > 0]  # complete rows stand last
    for first, last in pairwise([*np.flatnonzero(np.diff(sizes, prepend=-1)), len(sizes)]):
        size = int(sizes[first])
        step = max(1, BLOCK_NUMBERS // size**2)
        for start in range(first, last, step):
            part = slice(start, min(start + step, last))
            yield part, np.nonzero(~rows.patterns[part])[1].reshape(-1, size)


def _fill(
    centred: NDArray, products: NDArray, rows: IncompleteRows, patterns: slice, gaps: NDArray, covariances: NDArray
) -> None:
    """Expectations of the gaps of all rows that have some patterns, written where the gaps are."""
    first, last = np.searchsorted(rows.pattern, [patterns.start, patterns.stop])
    step = max(1, BLOCK_NUMBERS // gaps.shape[1] ** 2)
    for start in range(first, last, step):
        part = np.arange(start, min(start + step, last))
        own = rows.pattern[part] - patterns.start
        places = (part[:, None], gaps[own])
        centred[places] = -(covariances[own] @ products[places][:, :, None])[:, :, 0]
