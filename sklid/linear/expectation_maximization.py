r"""Probabilistic PCA by expectation-maximisation, of complete rows and of rows with missing values.

Expectations under the exact posterior of z, given what is observed of each row, make each feature a weighted regression
on (z, 1), and the noise the mean residual (Tipping & Bishop 1999, appendix B; Ilin & Raiko, "Practical Approaches to
Principal Component Analysis in the Presence of Missing Values", 2010, section 4). Values are taken to be missing at
random.

The regressions do not change when z has a free mean and covariance; absorbing these into m and W after each step is
parameter-expanded EM, which also never lowers the likelihood and needs far fewer steps (Liu, Rubin & Wu, "Parameter
Expansion to Accelerate EM", 1998).
"""

import math
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from .incomplete import IncompleteRows, Posteriors, posteriors, symmetric
from .linear_gaussian import LEAST_SCALE, LinearGaussian
from .solver import Fit, Problem

__all__ = ["Maximum", "fit_complete", "gain_to_come", "maximise"]

LEAST_SHARE = 1e-14
"""Least noise variance as a share of the largest variance; with less, posteriors lose their digits."""


class Maximum(NamedTuple):
    """What `maximise` found: mean, loadings ``(D, K)``, noise variance, steps taken, and nats per row still to come.

    And the log-likelihood per row before the last step.
    """

    mean: NDArray[np.float64]
    loadings: NDArray[np.float64]
    noise_variance: float
    n_iter: int
    to_come: float
    log_likelihood: float

    def model(self, inflation: float = 1.0) -> LinearGaussian:
        """The identified form, with all variances multiplied by a factor."""
        return LinearGaussian.of_loadings(
            self.mean, math.sqrt(inflation) * self.loadings, inflation * self.noise_variance
        )


def fit_complete(X: NDArray, closed: LinearGaussian, noise_variance: float | None, problem: Problem) -> Fit:
    """From centred rows ``(N, D)``, beginning at random directions.

    Noise that is learned is held until the loadings have settled.

    The closed form gives the number of components and the size of the initial loadings; the noise is learned unless its
    variance is known.
    """
    level, noise = math.sqrt(float(closed.variances.mean())), noise_variance or closed.initial_noise
    directions = _random_directions(X, len(closed.amplitudes), problem.random_state)
    initial = LinearGaussian(np.zeros(X.shape[1]), directions, np.full(len(directions), level), noise)
    rows = IncompleteRows.of(X)
    found = maximise(rows, initial, noise, problem.tol, problem.max_iter, fit_mean=False)
    n_iter = found.n_iter
    if noise_variance is None:
        found = maximise(rows, found.model(), None, problem.tol, problem.max_iter, fit_mean=False)
        n_iter += found.n_iter
    return Fit(found.model()._replace(mean=closed.mean), n_iter, found.to_come)


def maximise(
    rows: IncompleteRows,
    initial: LinearGaussian,
    noise_variance: float | None,
    tol: float,
    max_iter: int,
    fit_mean: bool = True,
) -> Maximum:
    """Maximise the likelihood of rows by parameter-expanded EM.

    Parameters
    ----------
    rows : IncompleteRows
    initial : LinearGaussian
        Of as many components as the fit.
    noise_variance : float or None
        Known, or learned.
    tol : float
        Stop when all steps to come promise fewer nats per row than this, by Aitken's extrapolation.
    max_iter : int
    fit_mean : bool, default=True
        False keeps that of the initial.
    """
    least = LEAST_SHARE * float(initial.variances.max()) if rows.values.any() else LEAST_SCALE**2
    mean, loadings, noise = initial.mean, initial.loadings, noise_variance or max(initial.noise_variance, least)
    history: list[float] = []
    to_come = math.inf
    for number in range(1, max_iter + 1):
        found = posteriors(rows, mean, loadings, noise)
        history.append(float(rows.weights @ found.log_likelihoods / rows.weights.sum()))
        to_come = gain_to_come(history)
        if to_come <= tol:
            return Maximum(mean, loadings, noise, number, 0.0, history[-1])
        mean, loadings, learned = _step(rows, found, mean, fit_mean)
        noise = max(learned, least) if noise_variance is None else noise_variance
    return Maximum(mean, loadings, noise, max_iter, to_come, history[-1])


class _Regressions(NamedTuple):
    """What a step has to know of the posteriors: regressors (z, 1), or z alone, and their second moments by pattern."""

    regressors: NDArray[np.float64]
    weighted: NDArray[np.float64]
    of_means: NDArray[np.float64]
    of_spreads: NDArray[np.float64]

    @classmethod
    def of(cls, rows: IncompleteRows, found: Posteriors, fit_mean: bool) -> Self:
        regressors = np.column_stack([found.means, np.ones(len(found.means))]) if fit_mean else found.means
        weighted = rows.weights[:, None] * regressors
        left, right = np.triu_indices(regressors.shape[1])
        of_means = rows.by_pattern(weighted[:, left] * regressors[:, right])
        left, right = np.triu_indices(found.means.shape[1])
        return cls(regressors, weighted, of_means, rows.counts[:, None] * found.covariances[:, left, right])

    def solved(self, there: NDArray, targets: NDArray) -> tuple[NDArray, float]:
        """Coefficients of some features ``(d, K)`` or ``(d, K + 1)``, and the expected squares that they leave open."""
        n_components = math.isqrt(2 * self.of_spreads.shape[1])
        spreads = symmetric(there.T @ self.of_spreads)
        grams = symmetric(there.T @ self.of_means)
        grams[:, :n_components, :n_components] += spreads
        coefficients = np.linalg.solve(grams, (targets.T @ self.weighted)[:, :, None])[:, :, 0]
        loadings = coefficients[:, :n_components]
        return coefficients, float(np.einsum("dk,dkl,dl->", loadings, spreads, loadings))


def _step(rows: IncompleteRows, found: Posteriors, mean: NDArray, fit_mean: bool) -> tuple[NDArray, NDArray, float]:
    """One step: a regression for each feature, the noise, and the free mean and covariance of z absorbed."""
    regressions, n_components = _Regressions.of(rows, found, fit_mean), found.means.shape[1]
    coefficients, squares = np.empty((len(mean), regressions.regressors.shape[1])), 0.0
    for part, there, values in rows.blocks():
        observed = rows.by_row(there)
        targets = values - observed * mean[part]
        coefficients[part], spread = regressions.solved(there, targets)
        residuals = targets - observed * (regressions.regressors @ coefficients[part].T)
        squares += spread + float(rows.weights @ (residuals**2).sum(1))
    noise, total = squares / float(rows.counts @ rows.patterns.sum(1)), float(rows.weights.sum())
    second = (rows.weights[:, None] * found.means).T @ found.means / total
    second += np.tensordot(rows.counts, found.covariances, axes=1) / total
    centre = rows.weights @ found.means / total if fit_mean else np.zeros(n_components)
    loadings = coefficients[:, :n_components]
    mean = mean + coefficients[:, -1] + loadings @ centre if fit_mean else mean
    return mean, loadings @ np.linalg.cholesky(second - np.outer(centre, centre)), noise


def gain_to_come(history: list[float]) -> float:
    """Nats that all further steps promise when each gains a fixed share of the one before it."""
    if len(history) < 3:
        return math.inf
    before, last = history[-2] - history[-3], history[-1] - history[-2]
    if last <= 1e-14 * abs(history[-1]):
        return 0.0
    share = last / before if before > 0 else 1.0
    return last * share / (1 - share) if share < 1 else math.inf


def _random_directions(X: NDArray, n_components: int, random_state: np.random.RandomState) -> NDArray:
    """Orthonormal rows ``(K, D)`` that span random combinations of the data, and so much of their variance."""
    return np.linalg.qr(X.T @ random_state.standard_normal((len(X), n_components))).Q.T
