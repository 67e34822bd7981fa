r"""The covariance of rows with gaps that a model expects, given what is observed of them, and a fit of that model.

.. math:: A = \sum_n w_n \big( \hat x_n \hat x_n^\top + G_n (W M_n^{-1} W^\top + \sigma^2 I) G_n \big)

with :math:`\hat x_n` the centred row, its gaps filled by their expectations, :math:`G_n` the projection on them, and
:math:`M_n^{-1}` the posterior covariance of z. A is only ever multiplied by a few columns, never formed, so time and
memory grow with the number of features and no faster. At the maximum of the likelihood the leading directions of A are
those of W.
"""

from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from .covariance import WeightedRows, spectrum_of_rows
from .expectation_maximization import Maximum, maximise
from .filled import is_quicker, maximise_filled
from .incomplete import IncompleteRows, Posteriors, posteriors
from .linear_gaussian import LinearGaussian, most_components
from .solver import Fit, Problem
from .spectrum import Spectrum, judged, number_of_components

__all__ = ["ExpectedScatter", "fit_incomplete"]

SEARCH_TOL = 1e-4
"""Nats per row to come at which a number of components is judged, before the fit proper."""
SEARCH_STEPS = 30
"""Steps until it is judged: components that stand out are found in fewer, and noise has no maximum worth the time."""
SPARE = 5
"""Directions beside twice those of the model, among which the leading ones are looked for."""
ROUNDS = 2
"""Multiplications that turn directions near the leading ones to these."""


class ExpectedScatter(NamedTuple):
    """A of a model with loadings W ``(D, K)`` about its mean, as a product with columns."""

    rows: IncompleteRows
    found: Posteriors
    mean: NDArray[np.float64]
    loadings: NDArray[np.float64]
    noise_variance: float

    @classmethod
    def of(cls, rows: IncompleteRows, mean: NDArray, loadings: NDArray, noise_variance: float) -> Self:
        """With the posteriors of the rows."""
        return cls(rows, posteriors(rows, mean, loadings, noise_variance), mean, loadings, noise_variance)

    @property
    def weight(self) -> float:
        """That of the rows which an average pair of features is observed in: fluctuations of covariances follow it."""
        sizes, n_features = self.rows.patterns.sum(1), len(self.mean)
        pairs = sizes * (sizes - 1) / (n_features * (n_features - 1)) if n_features > 1 else sizes
        return max(float(self.rows.counts @ pairs), 2.0)

    @property
    def trace(self) -> float:
        """Sum of the expected squares of all features."""
        spreads = (self.rows.counts[:, None, None] * self.found.covariances).reshape(len(self.rows.counts), -1)
        total = 0.0
        for part, there, values in self.rows.blocks():
            total += float(self.rows.weights @ (self._filled(part, there, values) ** 2).sum(1))
            total += self.noise_variance * float((self.rows.counts @ (1 - there)).sum())
            loadings = self.loadings[part]
            total += float(
                np.vdot((1 - there) @ (loadings[:, :, None] * loadings[:, None, :]).reshape(len(loadings), -1), spreads)
            )
        return total

    def times(self, V: NDArray) -> NDArray[np.float64]:
        """A V: ``(D, k) -> (D, k)``."""
        rows, (n_components, k) = self.rows, (self.loadings.shape[1], V.shape[1])
        projections, spreads = np.zeros((len(rows.values), k)), np.zeros((len(rows.patterns), n_components * k))
        for part, there, values in rows.blocks():
            projections += self._filled(part, there, values) @ V[part]
            products = self.loadings[part, :, None] * V[part, None, :]
            spreads += (1 - there) @ products.reshape(len(products), -1)
        projections *= rows.weights[:, None]
        spreads = self.found.covariances @ spreads.reshape(-1, n_components, k)
        spreads = (rows.counts[:, None, None] * spreads).reshape(len(spreads), -1)
        product = np.empty_like(V)
        for part, there, values in rows.blocks():
            product[part] = self._filled(part, there, values).T @ projections
            product[part] += self.noise_variance * (rows.counts @ (1 - there))[:, None] * V[part]
            back = ((1 - there).T @ spreads).reshape(-1, n_components, k)
            product[part] += np.einsum("dj,djk->dk", self.loadings[part], back)
        return product

    def spectrum(self, near: NDArray) -> Spectrum:
        """Leading variances and directions, beginning at columns ``(D, k)`` near them; all where k is D."""
        basis = np.linalg.qr(near).Q
        for _ in range(ROUNDS):
            basis = np.linalg.qr(self.times(basis)).Q
        variances, turned = np.linalg.eigh(basis.T @ self.times(basis))
        degrees = float(self.rows.weights.sum()) - 1
        directions = (basis @ turned[:, ::-1]).T
        variances = np.maximum(variances[::-1], 0) / degrees
        found = Spectrum(variances, lambda k: directions[:k], self.mean, self.trace / degrees, self.weight)
        return _without_constants(found, self.rows)

    def _filled(self, part: slice, there: NDArray, values: NDArray) -> NDArray[np.float64]:
        """Centred values of some features, expectations in their gaps: ``(N, d)``."""
        observed = self.rows.by_row(there)
        return values - observed * self.mean[part] + (1 - observed) * (self.found.means @ self.loadings[part].T)


def fit_incomplete(rows: IncompleteRows, problem: Problem) -> tuple[Fit, Spectrum]:
    """From rows with gaps: the fit, and the leading spectrum of the expected covariance.

    A share of the variance is that of the expected covariance.
    """
    filled = _filled_spectrum(rows, problem)
    most = min(most_components(filled.n_features, problem.noise_variance), len(filled.variances))
    if problem.n_components is None:
        n_components, spectrum = _searched(rows, filled, most, problem)
    else:
        n_components, spectrum = number_of_components(filled, problem.n_components, 0), filled
    while True:
        found, spectrum = _maximised(rows, spectrum, filled, min(n_components, most), problem)
        if not isinstance(problem.n_components, float):
            break
        wanted, before = number_of_components(spectrum, problem.n_components, 0), n_components
        n_components = min(max(wanted, before), most)
        if n_components == before:
            break
    total = float(rows.weights.sum())
    return Fit(found.model(total / (total - 1)), found.n_iter, found.to_come), spectrum


def _searched(rows: IncompleteRows, filled: Spectrum, most: int, problem: Problem) -> tuple[int, Spectrum]:
    """The number of identifiable components, and a spectrum near the maximum: more are added until one is noise."""
    problem = problem._replace(tol=max(problem.tol, SEARCH_TOL), max_iter=min(problem.max_iter, SEARCH_STEPS))
    n_components, spectrum = min(1, most), filled
    while True:
        _, spectrum = _maximised(rows, spectrum, filled, n_components, problem)
        count = judged(spectrum, problem.noise_variance).count
        if count < n_components or n_components == most:
            return max(count, 1), spectrum
        n_components = min(2 * n_components, most)


def _maximised(
    rows: IncompleteRows, spectrum: Spectrum, filled: Spectrum, n_components: int, problem: Problem
) -> tuple[Maximum, Spectrum]:
    """The fit of so many components, from the closed form of a spectrum, and the spectrum that it leads to."""
    initial = LinearGaussian.of_spectrum(spectrum, n_components, problem.noise_variance)
    found = _maximum(rows, initial, problem)
    scatter = ExpectedScatter.of(rows, found.mean, found.loadings, found.noise_variance)
    near = filled.leading(min(2 * n_components + SPARE, len(filled.variances))).T
    near = np.column_stack([found.loadings / (np.linalg.norm(found.loadings) or 1), near])
    return found, scatter.spectrum(near[:, : filled.n_features])


def _maximum(rows: IncompleteRows, initial: LinearGaussian, problem: Problem) -> Maximum:
    """By filling gaps where that is quicker, and from where it ends by looking for latents."""
    noise_variance, tol, n_before = problem.noise_variance, problem.tol, 0
    if is_quicker(rows, len(initial.amplitudes)):
        filled = maximise_filled(rows, initial, noise_variance, tol, problem.max_iter)
        if filled.to_come <= tol or filled.n_iter == problem.max_iter:
            return filled
        initial, n_before = filled.model(), filled.n_iter
    # zero would stay zero
    initial = initial._replace(amplitudes=np.sqrt(np.maximum(initial.amplitudes**2, initial.noise_variance / 100)))
    found = maximise(rows, initial, noise_variance, tol, problem.max_iter - n_before)
    return found._replace(n_iter=n_before + found.n_iter)


def _filled_spectrum(rows: IncompleteRows, problem: Problem) -> Spectrum:
    """Of rows with means in their gaps, columns widened to the variance of their values: where a search begins."""
    counts = rows.counts @ rows.patterns
    mean = rows.weights @ rows.values / counts
    filled = rows.values - mean
    filled *= rows.by_row(rows.patterns)
    filled *= np.sqrt(rows.weights.sum() / counts)
    found = spectrum_of_rows(
        WeightedRows.of(filled, rows.weights), problem.n_components, problem.noise_variance, problem.random_state
    )
    return _without_constants(found._replace(mean=mean, reduced=()), rows)


def _without_constants(spectrum: Spectrum, rows: IncompleteRows) -> Spectrum:
    """That knows which features vary."""
    vary = rows.values.any(axis=0)
    if vary.all() or not vary.any():
        return spectrum
    return spectrum._replace(reduced=(spectrum._replace(mean=spectrum.mean[vary]),))
