r"""Probabilistic PCA of rows with missing values, by expectation-maximisation over what is observed of each row.

With :math:`O_n` the observed features of row n, their loadings and mean, and :math:`M_n = \sigma^2 I + W_{O_n}^\top W_{O_n}`, the posterior is

.. math:: p(z_n \mid x_{O_n}) = N\big( M_n^{-1} W_{O_n}^\top (x_{O_n} - m_{O_n}),\; \sigma^2 M_n^{-1} \big),

its expectations make each feature a weighted regression on (z, 1), and the noise the mean residual (Tipping & Bishop 1999, appendix B; Ilin & Raiko,
"Practical Approaches to Principal Component Analysis in the Presence of Missing Values", 2010, section 4). Values are taken to be missing at random.

The regressions do not change when z has a free mean and covariance; absorbing these into m and W after each step is parameter-expanded EM, which also
never lowers the likelihood and needs far fewer steps (Liu, Rubin & Wu, "Parameter Expansion to Accelerate EM", 1998).
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..data.blocks import chunks
from .covariance import Moments
from .linear_gaussian import LinearGaussian

__all__ = ["Fit", "Incomplete", "Posteriors", "expected_moments", "has_gaps", "maximise", "posteriors"]

LEAST_NOISE = 1e-12
"""Least noise variance as a share of the largest variance at the start: rows without noise have no maximum of the likelihood."""


class Incomplete(NamedTuple):
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
    def of(cls, X: NDArray, weights: NDArray | None = None) -> "Incomplete":
        """From rows with NaN where a value is missing."""
        observed = ~np.isnan(X)
        _, first, pattern = np.unique(np.packbits(observed, axis=1), axis=0, return_index=True, return_inverse=True)
        order = np.argsort(pattern, kind="stable")
        pattern = pattern[order]
        starts = np.searchsorted(pattern, np.arange(len(first)))
        weights = np.ones(len(X)) if weights is None else weights.astype(np.float64)
        return cls(np.where(observed, X, 0.0)[order], observed[first].astype(np.float64), starts, pattern, order, weights[order])

    @property
    def observed(self) -> NDArray[np.float64]:
        """Ones where there is a value: ``(N, D)``."""
        return self.patterns[self.pattern]

    def by_pattern(self, values: NDArray) -> NDArray:
        """Sums over the rows of each pattern: ``(N, *) -> (P, *)``."""
        return values if len(self.patterns) == len(self.values) else np.add.reduceat(values, self.starts, axis=0)


class Posteriors(NamedTuple):
    """Means ``(N, K)`` of p(z | x), roots of its covariances ``(P, K, K)`` by pattern, and log-likelihoods ``(N,)``, as an `Incomplete` is sorted."""

    means: NDArray[np.float64]
    roots: NDArray[np.float64]
    log_likelihoods: NDArray[np.float64]

    @property
    def covariances(self) -> NDArray[np.float64]:
        """Of p(z | x), by pattern: ``(P, K, K)``."""
        return self.roots @ self.roots.mT


class Fit(NamedTuple):
    """What `maximise` found: mean, loadings ``(D, K)``, noise variance, steps taken, and whether they converged."""

    mean: NDArray[np.float64]
    loadings: NDArray[np.float64]
    noise_variance: float
    n_iter: int
    converged: bool

    def model(self, inflation: float = 1.0) -> LinearGaussian:
        """The identified form, with all variances multiplied by a factor."""
        return LinearGaussian.of_loadings(self.mean, math.sqrt(inflation) * self.loadings, inflation * self.noise_variance)


def has_gaps(X: NDArray) -> bool:
    """Whether any value is NaN; rows without are recognised by the sums of their columns."""
    with np.errstate(over="ignore"):
        return bool(np.isnan(X.sum(axis=0)).any() and np.isnan(X).any())


def posteriors(rows: Incomplete, mean: NDArray, loadings: NDArray, noise_variance: float) -> Posteriors:
    """Exact posteriors and log-likelihoods of rows under a linear Gaussian model, from their observed values."""
    observed = rows.observed
    centred = rows.values - observed * mean
    n_components = loadings.shape[1]
    products = (loadings[:, :, None] * loadings[:, None, :]).reshape(len(loadings), -1)
    precision = (rows.patterns @ products).reshape(-1, n_components, n_components) + noise_variance * np.eye(n_components)
    factors = np.linalg.cholesky(precision)
    roots = np.linalg.inv(factors).mT
    projections = (centred @ loadings)[:, None, :]
    means = (projections @ roots[rows.pattern] @ roots.mT[rows.pattern])[:, 0, :]
    log_volume = 2 * np.log(np.diagonal(factors, axis1=1, axis2=2)).sum(1) + (rows.patterns.sum(1) - n_components) * math.log(noise_variance)
    residuals = centred - observed * (means @ loadings.T)
    distances = (residuals**2).sum(1) / noise_variance + (means**2).sum(1)
    log_likelihoods = -0.5 * (observed.sum(1) * math.log(2 * math.pi) + log_volume[rows.pattern] + distances)
    return Posteriors(means, math.sqrt(noise_variance) * roots, log_likelihoods)


def maximise(rows: Incomplete, start: LinearGaussian, noise_variance: float | None, tol: float, max_iter: int, fit_mean: bool = True) -> Fit:
    """Maximise the likelihood of rows by parameter-expanded EM.

    Parameters
    ----------
    rows : Incomplete
    start : LinearGaussian
        Of as many components as the fit.
    noise_variance : float or None
        Known, or learned.
    tol : float
        Stop when all steps to come promise fewer nats per row than this, by Aitken's extrapolation.
    max_iter : int
    fit_mean : bool, default=True
        False keeps that of the start.
    """
    mean, loadings, noise = start.mean, start.loadings, noise_variance or start.noise_variance
    least = LEAST_NOISE * float(start.variances.max())
    history: list[float] = []
    for number in range(1, max_iter + 1):
        found = posteriors(rows, mean, loadings, noise)
        history.append(float(rows.weights @ found.log_likelihoods / rows.weights.sum()))
        if _gain_to_come(history) < tol:
            return Fit(mean, loadings, noise, number, converged=True)
        mean, loadings, learned = _step(rows, found, mean, fit_mean)
        noise = max(learned, least) if noise_variance is None else noise_variance
    return Fit(mean, loadings, noise, max_iter, converged=False)


def expected_moments(rows: Incomplete, fit: Fit) -> Moments:
    """Mean and expected scatter of the complete rows, given what is observed of them.

    The weight is that of the rows that an average pair of features is observed in, as fluctuations of covariances follow it.
    """
    found = posteriors(rows, fit.mean, fit.loadings, fit.noise_variance)
    missing = 1 - rows.observed
    centred = (rows.values - fit.mean) * rows.observed + missing * (found.means @ fit.loadings.T)
    scatter = (rows.weights[:, None] * centred).T @ centred
    counts = rows.by_pattern(rows.weights)
    scatter += np.diag(fit.noise_variance * (counts @ (1 - rows.patterns)))
    factors = found.roots * np.sqrt(counts)[:, None, None]
    step = fit.loadings.size
    for gaps, factor in zip(chunks(1 - rows.patterns, step), chunks(factors, step), strict=True):
        spread = (gaps[:, :, None] * (fit.loadings @ factor)).transpose(0, 2, 1).reshape(-1, len(fit.mean))
        scatter += spread.T @ spread
    sizes, most = rows.patterns.sum(1), len(fit.mean) * max(len(fit.mean) - 1, 1)
    together = float(counts @ (sizes * (sizes - 1))) / most if len(fit.mean) > 1 else float(counts @ sizes)
    total = float(rows.weights.sum())
    degrees = max(together, 2.0) - 1
    return Moments(degrees + 1, fit.mean, scatter * degrees / (total - 1))


def _step(rows: Incomplete, found: Posteriors, mean: NDArray, fit_mean: bool) -> tuple[NDArray, NDArray, float]:
    """One step: a regression for each feature, the noise, and the free mean and covariance of z absorbed."""
    extended = np.column_stack([found.means, np.ones(len(found.means))]) if fit_mean else found.means
    weighted = rows.weights[:, None] * extended
    moments = rows.by_pattern(weighted[:, :, None] * extended[:, None, :])
    counts = rows.by_pattern(rows.weights)
    n_components = found.means.shape[1]
    moments[:, :n_components, :n_components] += counts[:, None, None] * found.covariances
    grams = np.tensordot(rows.patterns, moments, axes=(0, 0))
    targets = rows.values if fit_mean else rows.values - rows.observed * mean
    products = targets.T @ weighted
    coefficients = np.linalg.solve(grams, products[:, :, None])[:, :, 0]
    squares = float(rows.weights @ (targets**2).sum(1) - (products * coefficients).sum())
    noise = squares / float(counts @ rows.patterns.sum(1))
    total = moments[:, :n_components, :n_components].sum(0) / rows.weights.sum()
    centre = weighted[:, :n_components].sum(0) / rows.weights.sum() if fit_mean else np.zeros(n_components)
    expansion = np.linalg.cholesky(total - np.outer(centre, centre))
    loadings = coefficients[:, :n_components]
    mean = coefficients[:, -1] + loadings @ centre if fit_mean else mean
    return mean, loadings @ expansion, noise


def _gain_to_come(history: list[float]) -> float:
    """Nats that all further steps promise when each gains a fixed share of the one before it."""
    if len(history) < 3:
        return math.inf
    before, last = history[-2] - history[-3], history[-1] - history[-2]
    if last <= 1e-14 * abs(history[-1]):
        return 0.0
    share = last / before if before > 0 else 1.0
    return last * share / (1 - share) if share < 1 else math.inf
