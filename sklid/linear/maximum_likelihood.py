r"""Probabilistic PCA at the maximum of its likelihood, by each solver.

.. math:: \sigma^2 = \frac{1}{D - K} \sum_{k > K} \lambda_k, \qquad s_k = \sqrt{\lambda_k - \sigma^2}

in closed form (Tipping & Bishop 1999, equations 7 and 8), or :math:`s_k = \sqrt{\max(\lambda_k - \sigma^2, 0)}` where :math:`\sigma^2` is known;
by expectation-maximisation; and by gradients. Variances have N - 1 degrees of freedom with every solver, as in scikit-learn.
"""

import math
import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import linalg
from sklearn.exceptions import ConvergenceWarning

from ..training import BoundNet
from .covariance import Rows
from .expectation_maximization import Fit, Incomplete, Posteriors, expected_moments, maximise, posteriors
from .gradient import Noise, train_linear
from .identifiable import n_identifiable, spectrum_down_to_noise
from .linear_gaussian import LinearGaussian
from .spectrum import Spectrum, spectrum_of_covariance, spectrum_of_rows

__all__ = ["Problem", "Solution", "of_incomplete_rows", "of_rows", "of_spectrum"]

LEAST_SCALE = 1e-12
"""Least noise standard deviation, for rows that are all equal."""
SEARCH_TOL = 1e-4
"""Nats per row to come at which a number of components is judged, before the fit proper."""
LEAST_NOISE = 1e-12
"""Least noise variance as a share of the largest variance; rows without any noise have no maximum of the likelihood."""


class Problem(NamedTuple):
    """What is asked for: the number of components or None for the identifiable ones, and how to find them."""

    n_components: int | None
    solver: str
    noise_variance: float | None
    tol: float
    max_iter: int
    random_state: np.random.RandomState


class Solution(NamedTuple):
    """A fitted model, signs included; its spectrum and the number of identifiable components; what the solver did."""

    model: LinearGaussian
    spectrum: Spectrum
    n_identifiable: int
    kl: NDArray[np.float64]
    n_iter: int = 1
    net: Any = None


def of_rows(rows: Rows, problem: Problem) -> Solution:
    """From complete rows."""
    if problem.n_components is None:
        spectrum = spectrum_down_to_noise(rows, problem.noise_variance, problem.random_state)
    else:
        spectrum = spectrum_of_rows(rows, problem.n_components, problem.random_state)

    def centred() -> NDArray:
        return math.sqrt(len(rows.X) / (rows.total - 1)) * np.concatenate(list(rows.centred_chunks()))

    solution = _solved(spectrum, centred, problem)
    return solution._replace(model=solution.model.signed(solution.model.third_moments(rows)))


def of_spectrum(spectrum: Spectrum, problem: Problem) -> Solution:
    """From a covariance alone, with the sign of each direction open."""

    def centred() -> NDArray:
        n_features = spectrum.n_features
        return spectrum.leading(n_features) * np.sqrt(n_features * spectrum.variances)[:, None]

    return _solved(spectrum, centred, problem)


def of_incomplete_rows(X: NDArray, weights: NDArray | None, problem: Problem) -> Solution:
    """From rows with NaN where a value is missing, by expectation-maximisation."""
    rows = Incomplete.of(X, weights)
    total = float(rows.weights.sum())
    fit, spectrum, count = _fit_incomplete(rows, problem)
    _warn_unless_converged(fit, problem)
    n_components = problem.n_components or max(count, 1)
    model = _padded(_with_zeros(fit.model(total / (total - 1)), count, problem), n_components)
    found = posteriors(rows, model.mean, model.loadings, model.noise_variance)
    model = model.signed(rows.weights @ found.means**3)
    return Solution(model, spectrum, count, _mean_kl(rows, found), fit.n_iter)


def _solved(spectrum: Spectrum, centred: Callable[[], NDArray], problem: Problem) -> Solution:
    """By the solver asked for, from a spectrum and, on demand, centred rows whose mean square is the covariance."""
    count = n_identifiable(spectrum, problem.noise_variance)
    n_components = problem.n_components or max(count, 1)
    model = _closed_form(spectrum, _n_fitted(n_components, spectrum.n_features, problem), problem.noise_variance)
    noiseless = model.noise_variance <= 10 * LEAST_NOISE * spectrum.variances[0]  # nothing to learn the noise from
    problem = problem._replace(noise_variance=model.noise_variance if noiseless else problem.noise_variance)
    n_iter, net = 1, None
    if problem.solver == "em" and len(model.amplitudes):
        model, n_iter = _by_expectation_maximisation(centred(), model, problem)
    elif problem.solver == "gradient" and len(model.amplitudes):
        model, net = _by_gradients(centred(), model, problem)
        n_iter = len(net.history)
    model = _padded(_with_zeros(model, count, problem), n_components)
    kl = model.mean_kl(spectrum.variances[:n_components] * (spectrum.weight - 1) / spectrum.weight)
    return Solution(model, spectrum, count, kl, n_iter, net)


def _by_expectation_maximisation(rows: NDArray, model: LinearGaussian, problem: Problem) -> tuple[LinearGaussian, int]:
    """From random directions; noise that is learned is held until the loadings have settled."""
    directions = _random_directions(rows, model, problem)
    level = math.sqrt(float(model.variances.mean()))
    noise = problem.noise_variance or _first_noise(model)
    start = LinearGaussian(np.zeros(rows.shape[1]), directions, np.full(len(directions), level), noise)
    incomplete = Incomplete.of(rows)
    fit = maximise(incomplete, start, noise, problem.tol, problem.max_iter, fit_mean=False)
    n_iter = fit.n_iter
    if problem.noise_variance is None:
        fit = maximise(incomplete, fit.model(), None, problem.tol, problem.max_iter, fit_mean=False)
        n_iter += fit.n_iter
    _warn_unless_converged(fit, problem)
    return fit.model()._replace(mean=model.mean), n_iter


def _by_gradients(rows: NDArray, model: LinearGaussian, problem: Problem) -> tuple[LinearGaussian, BoundNet]:
    """By the linear latent-identifiable model."""
    noise = Noise(_first_noise(model), problem.noise_variance)
    found, net = train_linear(rows, len(model.amplitudes), noise, problem.tol, problem.max_iter, problem.random_state)
    return found._replace(mean=model.mean), net


def _random_directions(rows: NDArray, model: LinearGaussian, problem: Problem) -> NDArray:
    """Orthonormal rows ``(K, D)`` that span random combinations of the data, where these have much of their variance, but no principal direction."""
    return np.linalg.qr(rows.T @ problem.random_state.standard_normal((len(rows), len(model.amplitudes)))).Q.T


def _first_noise(model: LinearGaussian) -> float:
    """A noise variance under which no component collapses before its loadings are found: half the variance of the last."""
    return float(model.variances[-1]) / 2


def _n_fitted(n_components: int, n_features: int, problem: Problem) -> int:
    """Components with a loading: noise that is learned is that of the last direction, where there is a component for each."""
    return n_components if problem.noise_variance is not None else min(n_components, n_features - 1)


def _padded(model: LinearGaussian, n_components: int) -> LinearGaussian:
    """With components of loading zero up to a number."""
    n_more = n_components - len(model.amplitudes)
    if n_more == 0:
        return model
    spare = linalg.null_space(model.directions).T[:n_more] if len(model.amplitudes) else np.eye(len(model.mean))[:n_more]
    return model._replace(directions=np.vstack([model.directions, spare]), amplitudes=np.append(model.amplitudes, np.zeros(n_more)))


def _closed_form(spectrum: Spectrum, n_components: int, noise_variance: float | None) -> LinearGaussian:
    """The maximum of the likelihood, with fewer components than features where the noise is learned."""
    variances = spectrum.variances[:n_components]
    noise = noise_variance
    if noise is None:
        noise = (spectrum.total - float(variances.sum())) / (spectrum.n_features - n_components)
        noise = max(noise, LEAST_NOISE * float(spectrum.variances[0]), LEAST_SCALE**2)
    amplitudes = np.sqrt(np.maximum(variances - noise, 0))
    return LinearGaussian(spectrum.mean, spectrum.leading(n_components), amplitudes, noise)


def _fit_incomplete(rows: Incomplete, problem: Problem) -> tuple[Fit, Spectrum, int]:
    """The fit, the spectrum of the expected covariance, and how many of its components are identifiable.

    Where their number is open, components are added until the last is noise.
    """
    spectrum, search = _spectrum_of_filled(rows), problem._replace(tol=max(problem.tol, SEARCH_TOL))
    most = _n_fitted(spectrum.n_features, spectrum.n_features, problem)
    n_components = min(problem.n_components or 1, most)
    while True:
        fit, spectrum = _maximised(rows, spectrum, n_components, search if problem.n_components is None else problem)
        count = n_identifiable(spectrum, problem.noise_variance)
        if problem.n_components is not None or count < n_components or n_components == most:
            break
        n_components = min(2 * n_components, most)
    if problem.n_components is None:
        fit, spectrum = _maximised(rows, spectrum, max(count, 1), problem)
    return fit, spectrum, count


def _maximised(rows: Incomplete, spectrum: Spectrum, n_components: int, problem: Problem) -> tuple[Fit, Spectrum]:
    """The fit of so many components, started at the closed form of a spectrum, and the spectrum that it leads to."""
    start = _closed_form(spectrum, n_components, problem.noise_variance)
    start = start._replace(amplitudes=np.sqrt(np.maximum(start.amplitudes**2, start.noise_variance / 100)))  # zero would stay zero
    fit = maximise(rows, start, problem.noise_variance, problem.tol, problem.max_iter)
    return fit, spectrum_of_covariance(expected_moments(rows, fit))


def _spectrum_of_filled(rows: Incomplete) -> Spectrum:
    """With column means in place of what is missing: a start."""
    counts = rows.weights @ rows.observed
    mean = rows.weights @ rows.values / counts
    blank = Fit(mean, np.zeros((len(mean), 1)), float(rows.weights @ ((rows.values - rows.observed * mean) ** 2).sum(1) / counts.sum()), 0, True)
    return spectrum_of_covariance(expected_moments(rows, blank))


def _with_zeros(model: LinearGaussian, count: int, problem: Problem) -> LinearGaussian:
    """With known noise, the loadings under it at their exact value of zero, to which iterations only come near."""
    if problem.noise_variance is None:
        return model
    return model._replace(amplitudes=np.where(np.arange(len(model.amplitudes)) < count, model.amplitudes, 0.0))


def _mean_kl(rows: Incomplete, found: Posteriors) -> NDArray[np.float64]:
    """Mean over rows of KL(p(z_k | x), p(z_k)), each from what is observed of it."""
    variances = np.diagonal(found.covariances, axis1=1, axis2=2)[rows.pattern]
    return rows.weights @ (0.5 * (variances + found.means**2 - 1 - np.log(variances))) / rows.weights.sum()


def _warn_unless_converged(fit: Fit, problem: Problem) -> None:
    if not fit.converged:
        message = (
            f"Expectation-maximisation has not converged in {problem.max_iter} steps; raise max_iter, or tol (now {problem.tol:g} nats per row)."
        )
        warnings.warn(message, ConvergenceWarning, stacklevel=5)
