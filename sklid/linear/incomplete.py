r"""Rows with missing values, and what their observed values say of z under a linear Gaussian model.

With :math:`O_n` the observed features of row n, their loadings and mean, and :math:`M_n = \sigma^2 I + W_{O_n}^\top
W_{O_n}`, the posterior is

.. math:: p(z_n \mid x_{O_n}) = N\big( M_n^{-1} W_{O_n}^\top (x_{O_n} - m_{O_n}),\; \sigma^2 M_n^{-1} \big).

Rows that have the same features observed share its covariance.
"""

import math
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

__all__ = ["IncompleteRows", "Posteriors", "has_gaps", "posteriors"]


class IncompleteRows(NamedTuple):
    """Rows with gaps, sorted by which values they have.

    Attributes
    ----------
    values : array of shape (N, D)
        Zero where missing.
    patterns : array of shape (P, D)
        The different sets of observed features, as ones and zeros.
    starts : array of shape (P,)
        Where the rows of each pattern begin.
    pattern : array of shape (N,)
        The pattern of each row.
    order : array of shape (N,)
        The row of the data that stands at each place.
    weights : array of shape (N,)
    """

    values: NDArray[np.float64]
    patterns: NDArray[np.float64]
    starts: NDArray[np.intp]
    pattern: NDArray[np.intp]
    order: NDArray[np.intp]
    weights: NDArray[np.float64]

    @classmethod
    def of(cls, X: NDArray, weights: NDArray | None = None) -> Self:
        """From rows with NaN where a value is missing."""
        observed = ~np.isnan(X)
        _, first, pattern = np.unique(np.packbits(observed, axis=1), axis=0, return_index=True, return_inverse=True)
        order = np.argsort(pattern, kind="stable")
        pattern = pattern[order]
        starts = np.searchsorted(pattern, np.arange(len(first)))
        weights = np.ones(len(X)) if weights is None else weights.astype(np.float64)
        return cls(
            np.where(observed, X, 0.0)[order],
            observed[first].astype(np.float64),
            starts,
            pattern,
            order,
            weights[order],
        )

    @property
    def observed(self) -> NDArray[np.float64]:
        """Ones where there is a value: ``(N, D)``."""
        return self.patterns[self.pattern]

    def by_pattern(self, values: NDArray) -> NDArray:
        """Sums over the rows of each pattern: ``(N, *) -> (P, *)``."""
        return values if len(self.patterns) == len(self.values) else np.add.reduceat(values, self.starts, axis=0)


class Posteriors(NamedTuple):
    """Means ``(N, K)``, roots of the covariances ``(P, K, K)`` by pattern, and log-likelihoods ``(N,)`` of rows."""

    means: NDArray[np.float64]
    roots: NDArray[np.float64]
    log_likelihoods: NDArray[np.float64]

    @property
    def covariances(self) -> NDArray[np.float64]:
        """Of p(z | x), by pattern: ``(P, K, K)``."""
        return self.roots @ self.roots.mT

    def mean_kl(self, rows: IncompleteRows) -> NDArray[np.float64]:
        """Mean over the rows of KL(p(z_k | x), p(z_k)), each from what is observed of it: ``(K,)``."""
        variances = np.diagonal(self.covariances, axis1=1, axis2=2)[rows.pattern]
        return rows.weights @ (0.5 * (variances + self.means**2 - 1 - np.log(variances))) / rows.weights.sum()


def has_gaps(X: NDArray) -> bool:
    """Whether any value is NaN; rows without are recognised by the sums of their columns."""
    with np.errstate(over="ignore"):
        return bool(np.isnan(X.sum(axis=0)).any() and np.isnan(X).any())


def posteriors(rows: IncompleteRows, mean: NDArray, loadings: NDArray, noise_variance: float) -> Posteriors:
    """Exact posteriors and log-likelihoods of rows under a linear Gaussian model, from their observed values."""
    observed = rows.observed
    centred = rows.values - observed * mean
    n_components = loadings.shape[1]
    products = (loadings[:, :, None] * loadings[:, None, :]).reshape(len(loadings), -1)
    precision = (rows.patterns @ products).reshape(-1, n_components, n_components)
    precision += noise_variance * np.eye(n_components)
    factors = np.linalg.cholesky(precision)
    roots = np.linalg.inv(factors).mT
    projections = (centred @ loadings)[:, None, :]
    means = (projections @ roots[rows.pattern] @ roots.mT[rows.pattern])[:, 0, :]
    log_volume = 2 * np.log(np.diagonal(factors, axis1=1, axis2=2)).sum(1)
    log_volume += (rows.patterns.sum(1) - n_components) * math.log(noise_variance)
    residuals = centred - observed * (means @ loadings.T)
    distances = (residuals**2).sum(1) / noise_variance + (means**2).sum(1)
    log_likelihoods = -0.5 * (observed.sum(1) * math.log(2 * math.pi) + log_volume[rows.pattern] + distances)
    return Posteriors(means, math.sqrt(noise_variance) * roots, log_likelihoods)
