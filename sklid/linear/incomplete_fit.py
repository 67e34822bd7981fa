"""Probabilistic PCA of rows with gaps: how many components, where the fit begins, and which of them stand out.

A component that is noise fills gaps in its own favour: the values that it expects there lie along itself, so that it
seems larger than it is in the model that holds it, the more so the fewer rows there are. It stands out therefore only
if it does so already in the model of one component less, which fills gaps without it.
"""

from typing import NamedTuple, Self

import numpy as np

from .covariance import WeightedRows, spectrum_of_rows
from .determined import determining
from .expectation_maximization import Maximum, maximise
from .expected import ExpectedScatter
from .filled import is_quicker, maximise_filled
from .incomplete import IncompleteRows
from .linear_gaussian import LinearGaussian, most_components
from .solver import Fit, Problem
from .spectrum import Judgement, Spectrum, judged, noise_limit, number_of_components
from .starts import columns_seldom_meet, random_starts

__all__ = ["IncompleteFit", "fit_incomplete"]

SEARCH_TOL = 1e-4
"""Nats per row to come at which a number of components is judged, before the fit proper."""
SEARCH_STEPS = 30
"""Steps until it is judged: components that stand out are found in fewer, and noise has no maximum worth the time."""
SPARE = 5
"""Directions beside those of the model, of what was known before and of the start, where the leading are looked for."""
PER_COMPONENT = 20
"""Values of rows and of columns for each component, from which noise fills few gaps in its favour."""
CLEAR = 2.0
"""Variance of a component over its limit, from which it stands out without another fit where values are so many."""


class IncompleteFit(NamedTuple):
    """The fit, the leading spectrum of the expected covariance, and how many of its components stand out."""

    fit: Fit
    spectrum: Spectrum
    judgement: Judgement


def fit_incomplete(rows: IncompleteRows, problem: Problem) -> IncompleteFit:
    """From rows with gaps; a share of the variance is that of the expected covariance."""
    asked = _Asked.of(rows, problem)
    judging = asked.of_determining()
    if problem.n_components is None:
        judgement, spectrum = judging.searched()
        start = spectrum if judging is asked else asked.filled
        found, spectrum = asked.maximised(start, min(max(judgement.count, 1), asked.most))
        if judging is asked:
            judgement = min(judged(spectrum, problem.noise_variance), judgement, key=lambda judgement: judgement.count)
    else:
        found, spectrum = asked.of_number()
        n_fitted = found.loadings.shape[1]
        judgement = asked.confirmed(spectrum, n_fitted) if judging is asked else judging.searched()[0]
    total = float(rows.weights.sum())
    return IncompleteFit(Fit(found.model(total / (total - 1)), found.n_iter, found.to_come), spectrum, judgement)


class _Asked(NamedTuple):
    """What is asked of which rows, the spectrum of these with gaps filled by means, and whether columns seldom meet."""

    rows: IncompleteRows
    filled: Spectrum
    problem: Problem
    seldom_meet: bool

    @classmethod
    def of(cls, rows: IncompleteRows, problem: Problem) -> Self:
        return cls(rows, _filled_spectrum(rows, problem), problem, columns_seldom_meet(rows))

    def of_determining(self) -> Self:
        """The features that determine the others, by which components are judged beside noise that is not known."""
        if self.problem.noise_variance is not None or (kept := determining(self.rows)).all():
            return self
        return self.of(self.rows.of_features(kept), self.problem)

    @property
    def most(self) -> int:
        """Components with a loading, at most."""
        return min(most_components(self.filled.n_features, self.problem.noise_variance), len(self.filled.variances))

    @property
    def brief(self) -> Self:
        """To be solved as well as a number of components needs it."""
        tol, max_iter = max(self.problem.tol, SEARCH_TOL), min(self.problem.max_iter, SEARCH_STEPS)
        return self._replace(problem=self.problem._replace(tol=tol, max_iter=max_iter))

    def of_number(self) -> tuple[Maximum, Spectrum]:
        """The fit of a number of components, or of as many as explain more than a share of the variance."""
        wanted, spectrum = self.problem.n_components, self.filled
        n_components = number_of_components(spectrum, wanted, 0)
        while True:
            found, spectrum = self.maximised(spectrum, min(n_components, self.most))
            if not isinstance(wanted, float):
                return found, spectrum
            before = n_components
            n_components = min(max(number_of_components(spectrum, wanted, 0), before), self.most)
            if n_components == before:
                return found, spectrum

    def searched(self) -> tuple[Judgement, Spectrum]:
        """Which components stand out, and a spectrum near the maximum: more are added until one is noise."""
        n_components, spectrum = 1, self.filled
        if self.most == 0:
            return Judgement(0), spectrum
        while True:
            _, spectrum = self.brief.maximised(spectrum, n_components)
            if judged(spectrum, self.problem.noise_variance).count < n_components or n_components == self.most:
                return self.confirmed(spectrum, n_components), spectrum
            n_components = min(2 * n_components, self.most)

    def confirmed(self, spectrum: Spectrum, n_fitted: int) -> Judgement:
        """Which components of a model stand out, and do so in the model without the last of them.

        Where the noise is known, those of the greatest likelihood do by definition.
        """
        found = judged(spectrum, self.problem.noise_variance)
        if self.problem.noise_variance is not None or self._is_clear(spectrum, found.count, n_fitted):
            return found
        while 0 < found.count <= n_fitted:
            again = judged(self._without_last(spectrum, found.count - 1))
            if again.count >= found.count:
                return found
            found = again
        return found

    def maximised(self, spectrum: Spectrum, n_components: int) -> tuple[Maximum, Spectrum]:
        """The fit of so many components, from the best of its starts, and the spectrum that it leads to."""
        at_components = LinearGaussian.of_spectrum(spectrum, n_components, self.problem.noise_variance)
        others = random_starts(at_components, self.problem.random_state) if self.seldom_meet else []
        found = _best(self.rows, [at_components, *others], self.problem)
        scatter = ExpectedScatter.of(self.rows, found.mean, found.loadings, found.noise_variance)
        known = [self.filled] if spectrum is self.filled else [spectrum, self.filled]
        more = [part.leading(min(n_components + SPARE, len(part.variances))).T for part in known]
        near = np.column_stack([found.loadings / (np.linalg.norm(found.loadings) or 1), *more])
        return found, scatter.spectrum(near[:, : self.filled.n_features])

    def _is_clear(self, spectrum: Spectrum, count: int, n_fitted: int) -> bool:
        """Whether the last component stands far out, of few beside the values that rows and columns have."""
        n_values = min(self.rows.values.shape) * self.rows.share_observed
        is_ample = n_values >= PER_COMPONENT * n_fitted
        return bool(is_ample and count and spectrum.variances[count - 1] > CLEAR * noise_limit(spectrum, count - 1))

    def _without_last(self, spectrum: Spectrum, n_components: int) -> Spectrum:
        """What a model of fewer components leaves, as large as if each pair of features were seen in all rows."""
        rows, total = self.rows, float(self.rows.weights.sum())
        share = rows.pair_weight / total
        if n_components == 0:
            share /= rows.share_observed
            return _unattenuated(self.filled._replace(weight=rows.pair_weight), 0, min(share, 1.0))
        _, left = self.brief.maximised(spectrum, n_components)
        return _unattenuated(left, n_components, min(share, 1.0))


def _unattenuated(spectrum: Spectrum, n_components: int, share: float) -> Spectrum:
    """With what the variances after the first differ by from their mean, divided by the share that is seen of it."""
    mean = spectrum.rest(n_components) / max(spectrum.n_features - n_components, 1)
    variances = spectrum.variances.copy()
    variances[n_components:] = mean + (variances[n_components:] - mean) / share
    return spectrum._replace(variances=variances)


def _best(rows: IncompleteRows, initial: list[LinearGaussian], problem: Problem) -> Maximum:
    """From that of several starts which some steps bring furthest, and all the steps that are left to it."""
    if len(initial) == 1:
        return _maximum(rows, initial[0], problem)
    brief = problem._replace(max_iter=min(problem.max_iter, SEARCH_STEPS))
    before = max((_maximum(rows, start, brief) for start in initial), key=lambda found: found.log_likelihood)
    if before.to_come <= problem.tol or before.n_iter == problem.max_iter:
        return before
    found = _maximum(rows, before.model(), problem._replace(max_iter=problem.max_iter - before.n_iter))
    return found._replace(n_iter=before.n_iter + found.n_iter)


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
    return found._replace(mean=mean, reduced=())
