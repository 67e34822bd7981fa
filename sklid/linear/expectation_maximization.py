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
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..data.blocks import chunks
from .covariance import Moments, spectrum_of_moments
from .incomplete import IncompleteRows, Posteriors, posteriors
from .linear_gaussian import LEAST_NOISE, LinearGaussian, most_components
from .solver import Fit, Problem
from .spectrum import Spectrum, n_identifiable

__all__ = ["expected_moments", "fit_complete", "fit_incomplete", "maximise"]

SEARCH_TOL = 1e-4
"""Nats per row to come at which a number of components is judged, before the fit proper."""


class Maximum(NamedTuple):
    """What `maximise` found: mean, loadings ``(D, K)``, noise variance, steps taken, and whether they converged."""

    mean: NDArray[np.float64]
    loadings: NDArray[np.float64]
    noise_variance: float
    n_iter: int
    converged: bool

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
    return Fit(found.model()._replace(mean=closed.mean), n_iter, found.converged)


def fit_incomplete(rows: IncompleteRows, problem: Problem) -> tuple[Fit, Spectrum, int]:
    """From rows with gaps: the fit, the spectrum of the expected covariance, and its identifiable components.

    Where their number is open, components are added until the last is noise.
    """
    spectrum, search = _spectrum_of_filled(rows), problem._replace(tol=max(problem.tol, SEARCH_TOL))
    most = most_components(spectrum.n_features, problem.noise_variance)
    n_components = min(problem.n_components or 1, most)
    while True:
        found, spectrum = _maximised(rows, spectrum, n_components, search if problem.n_components is None else problem)
        count = n_identifiable(spectrum, problem.noise_variance)
        if problem.n_components is not None or count < n_components or n_components == most:
            break
        n_components = min(2 * n_components, most)
    if problem.n_components is None:
        found, spectrum = _maximised(rows, spectrum, max(count, 1), problem)
    total = float(rows.weights.sum())
    return Fit(found.model(total / (total - 1)), found.n_iter, found.converged), spectrum, count


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
    mean, loadings, noise = initial.mean, initial.loadings, noise_variance or initial.noise_variance
    least = LEAST_NOISE * float(initial.variances.max())
    history: list[float] = []
    for number in range(1, max_iter + 1):
        found = posteriors(rows, mean, loadings, noise)
        history.append(float(rows.weights @ found.log_likelihoods / rows.weights.sum()))
        if _gain_to_come(history) < tol:
            return Maximum(mean, loadings, noise, number, converged=True)
        mean, loadings, learned = _step(rows, found, mean, fit_mean)
        noise = max(learned, least) if noise_variance is None else noise_variance
    return Maximum(mean, loadings, noise, max_iter, converged=False)


def expected_moments(rows: IncompleteRows, mean: NDArray, loadings: NDArray, noise_variance: float) -> Moments:
    """Mean and expected scatter of the complete rows, given what is observed of them.

    The weight is that of the rows that an average pair of features is observed in, as fluctuations of covariances
    follow it.
    """
    found = posteriors(rows, mean, loadings, noise_variance)
    missing = 1 - rows.observed
    centred = (rows.values - mean) * rows.observed + missing * (found.means @ loadings.T)
    scatter = (rows.weights[:, None] * centred).T @ centred
    counts = rows.by_pattern(rows.weights)
    scatter += np.diag(noise_variance * (counts @ (1 - rows.patterns)))
    factors = found.roots * np.sqrt(counts)[:, None, None]
    step = loadings.size
    for gaps, factor in zip(chunks(1 - rows.patterns, step), chunks(factors, step), strict=True):
        spread = (gaps[:, :, None] * (loadings @ factor)).transpose(0, 2, 1).reshape(-1, len(mean))
        scatter += spread.T @ spread
    sizes, most = rows.patterns.sum(1), len(mean) * max(len(mean) - 1, 1)
    together = float(counts @ (sizes * (sizes - 1))) / most if len(mean) > 1 else float(counts @ sizes)
    total = float(rows.weights.sum())
    degrees = max(together, 2.0) - 1
    return Moments(degrees + 1, mean, scatter * degrees / (total - 1))


def _step(rows: IncompleteRows, found: Posteriors, mean: NDArray, fit_mean: bool) -> tuple[NDArray, NDArray, float]:
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


def _maximised(
    rows: IncompleteRows, spectrum: Spectrum, n_components: int, problem: Problem
) -> tuple[Maximum, Spectrum]:
    """The fit of so many components, from the closed form of a spectrum, and the spectrum that it leads to."""
    initial = LinearGaussian.of_spectrum(spectrum, n_components, problem.noise_variance)
    # zero would stay zero
    initial = initial._replace(amplitudes=np.sqrt(np.maximum(initial.amplitudes**2, initial.noise_variance / 100)))
    found = maximise(rows, initial, problem.noise_variance, problem.tol, problem.max_iter)
    return found, _expected_spectrum(rows, found.mean, found.loadings, found.noise_variance)


def _expected_spectrum(rows: IncompleteRows, mean: NDArray, loadings: NDArray, noise_variance: float) -> Spectrum:
    return spectrum_of_moments(expected_moments(rows, mean, loadings, noise_variance))


def _spectrum_of_filled(rows: IncompleteRows) -> Spectrum:
    """With column means in place of what is missing: where the search begins."""
    counts = rows.weights @ rows.observed
    mean = rows.weights @ rows.values / counts
    noise = float(rows.weights @ ((rows.values - rows.observed * mean) ** 2).sum(1) / counts.sum())
    return _expected_spectrum(rows, mean, np.zeros((len(mean), 1)), noise)


def _random_directions(X: NDArray, n_components: int, random_state: np.random.RandomState) -> NDArray:
    """Orthonormal rows ``(K, D)`` that span random combinations of the data, and so much of their variance."""
    return np.linalg.qr(X.T @ random_state.standard_normal((len(X), n_components))).Q.T
