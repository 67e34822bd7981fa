r"""Rows with missing values, and what their observed values say of z under a linear Gaussian model.

With :math:`O_n` the observed features of row n, their loadings and mean, and :math:`M_n = I + W_{O_n}^\top W_{O_n} /
\sigma^2`, the posterior is

.. math:: p(z_n \mid x_{O_n}) = N\big( M_n^{-1} W_{O_n}^\top (x_{O_n} - m_{O_n}) / \sigma^2,\; M_n^{-1} \big).

Rows that have the same features observed share its covariance. Features are taken block by block.
"""

import math
from collections.abc import Iterator
from typing import NamedTuple, Self

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import sparse

__all__ = ["BLOCK_NUMBERS", "IncompleteRows", "Posteriors", "has_gaps", "inverse_of_triangular", "posteriors",
           "symmetric"]  # fmt: skip

BLOCK_NUMBERS = 1 << 22
"""Numbers held at once for a block of features of all rows."""


class IncompleteRows(NamedTuple):
    """Rows with gaps, sorted by which values they have.

    Attributes
    ----------
    values : array of shape (N, D)
        Zero where missing.
    patterns : array of bool of shape (P, D)
        The different sets of observed features, from those of the fewest.
    starts : array of shape (P,)
        Where the rows of each pattern begin.
    pattern : array of shape (N,)
        The pattern of each row.
    order : array of shape (N,)
        The row of the data that stands at each place.
    weights : array of shape (N,)
    """

    values: NDArray[np.float64]
    patterns: NDArray[np.bool_]
    starts: NDArray[np.intp]
    pattern: NDArray[np.intp]
    order: NDArray[np.intp]
    weights: NDArray[np.float64]

    @classmethod
    def of(cls, X: NDArray, weights: NDArray | None = None) -> Self:
        """From rows with NaN where a value is missing."""
        observed = ~np.isnan(X)
        _, first, pattern = np.unique(np.packbits(observed, axis=1), axis=0, return_index=True, return_inverse=True)
        by_size = np.argsort(observed[first].sum(1), kind="stable")
        first, pattern = first[by_size], np.argsort(by_size)[pattern]
        order = np.argsort(pattern, kind="stable")
        pattern = pattern[order]
        starts = np.searchsorted(pattern, np.arange(len(first)))
        weights = np.ones(len(X)) if weights is None else weights.astype(np.float64)
        values = X[order]
        values[~observed[order]] = 0.0
        return cls(
            values,
            observed[first],
            starts,
            pattern,
            order,
            weights[order],
        )

    @property
    def counts(self) -> NDArray[np.float64]:
        """Total weight of the rows of each pattern: ``(P,)``."""
        return self.by_pattern(self.weights)

    @property
    def share_observed(self) -> float:
        """Of all values, by the weights of their rows."""
        return float(self.counts @ self.patterns.mean(axis=1) / self.weights.sum())

    @property
    def pair_weight(self) -> float:
        """That of the rows which an average pair of features is observed in: fluctuations of covariances follow it."""
        sizes, n_features = self.patterns.sum(1), self.patterns.shape[1]
        pairs = sizes * (sizes - 1) / (n_features * (n_features - 1)) if n_features > 1 else sizes
        return max(float(self.counts @ pairs), 2.0)

    def of_features(self, kept: NDArray[np.bool_]) -> Self:
        """With some of the features alone; the order is that among these rows."""
        X = np.where(self.by_row(self.patterns)[:, kept], self.values[:, kept], np.nan)
        return type(self).of(X, self.weights)

    def blocks(self) -> Iterator[tuple[slice, NDArray[np.float64], NDArray[np.float64]]]:
        """Blocks of d features: which, ones and zeros for the patterns ``(P, d)``, and the values ``(N, d)``."""
        step = max(16, BLOCK_NUMBERS // len(self.values))
        for start in range(0, self.values.shape[1], step):
            part = slice(start, start + step)
            yield part, self.patterns[:, part].astype(np.float64), self.values[:, part]

    def by_pattern(self, values: NDArray) -> NDArray:
        """Sums over the rows of each pattern: ``(N, *) -> (P, *)``."""
        return values if len(self.patterns) == len(self.values) else np.add.reduceat(values, self.starts, axis=0)

    def by_row(self, values: NDArray) -> NDArray:
        """What each row has of its pattern: ``(P, *) -> (N, *)``."""
        return values if len(self.patterns) == len(self.values) else values[self.pattern]


class Posteriors(NamedTuple):
    """Means ``(N, K)``, covariances ``(P, K, K)`` by pattern, and log-likelihoods ``(N,)`` of rows."""

    means: NDArray[np.float64]
    covariances: NDArray[np.float64]
    log_likelihoods: NDArray[np.float64]

    def mean_kl(self, rows: IncompleteRows) -> NDArray[np.float64]:
        """Mean over the rows of KL(p(z_k | x), p(z_k)), each from what is observed of it: ``(K,)``."""
        variances = rows.by_row(np.diagonal(self.covariances, axis1=1, axis2=2))
        return rows.weights @ (0.5 * (variances + self.means**2 - 1 - np.log(variances))) / rows.weights.sum()


def has_gaps(X: NDArray) -> bool:
    """Whether any value is NaN; rows without are recognised by the sums of their columns, and sparse ones have none."""
    if sparse.issparse(X):
        return False
    with np.errstate(over="ignore"):
        return bool(np.isnan(X.sum(axis=0)).any() and np.isnan(X).any())


def symmetric(upper: NDArray) -> NDArray:
    """Symmetric matrices ``(*, K, K)`` of which the upper triangles ``(*, K (K + 1) / 2)`` are given by rows."""
    size = math.isqrt(2 * upper.shape[-1])
    places = np.zeros((size, size), dtype=np.intp)
    places[np.triu_indices(size)] = np.arange(upper.shape[-1])
    return upper[..., np.maximum(places, places.T)]


def inverse_of_triangular(factors: NDArray) -> NDArray[np.float64]:
    """Of lower factors ``(*, K, K)``, which torch alone knows how to invert many at a time."""
    unit = torch.eye(factors.shape[-1], dtype=torch.float64).expand(factors.shape)
    return torch.linalg.solve_triangular(torch.from_numpy(factors), unit, upper=False).numpy()


def posteriors(rows: IncompleteRows, mean: NDArray, loadings: NDArray, noise_variance: float) -> Posteriors:
    """Exact posteriors and log-likelihoods of rows under a linear Gaussian model, from their observed values.

    All of it in noise standard deviations, so that no unit of the data is too large or too small.
    """
    noise, n_components = math.sqrt(noise_variance), loadings.shape[1]
    loadings = loadings / noise
    left, right = np.triu_indices(n_components)
    precision, projections = np.zeros((len(rows.patterns), len(left))), np.zeros((len(rows.values), n_components))
    for part, there, values in rows.blocks():
        precision += there @ (loadings[part, left] * loadings[part, right])
        projections += (values - rows.by_row(there) * mean[part]) / noise @ loadings[part]
    factors = np.linalg.cholesky(symmetric(precision) + np.eye(n_components))
    roots = inverse_of_triangular(factors).mT
    means = (projections[:, None, :] @ rows.by_row(roots) @ rows.by_row(roots.mT))[:, 0, :]
    distances = (means**2).sum(1)
    for part, there, values in rows.blocks():
        observed = rows.by_row(there)
        residuals = (values - observed * mean[part]) / noise - observed * (means @ loadings[part].T)
        distances += (residuals**2).sum(1)
    constant = rows.patterns.sum(1) * math.log(2 * math.pi * noise_variance)
    constant += 2 * np.log(np.diagonal(factors, axis1=1, axis2=2)).sum(1)
    return Posteriors(means, roots @ roots.mT, -0.5 * (rows.by_row(constant) + distances))
