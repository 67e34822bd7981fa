r"""Probabilistic PCA at the maximum of its likelihood, by each solver: the way from rows to a model.

A solver finds the loadings. What it leaves open is decided here: how many components there are, loadings
of zero, signs, and the mean divergence of the posteriors. Variances have N - 1 degrees of freedom with every solver, as
in scikit-learn.
"""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .covariance import LARGEST_MATRIX, Moments, WeightedRows, spectrum_of_moments, spectrum_of_rows
from .expectation_maximization import fit_complete
from .factor_analysis import Columns, fit_factors, searched
from .gradient import fit_gradient
from .incomplete import IncompleteRows, posteriors
from .incomplete_fit import fit_incomplete
from .isotropy import isotropy_pvalue, residual_kurtosis
from .leftover import Leftover
from .linear_gaussian import LEAST_NOISE, LinearGaussian, most_components
from .permutation import normal_columns, permuted
from .precise import with_small_variances
from .rows import most_factors
from .solver import Fit, Model, Problem
from .spectrum import Judgement, Spectrum, decisive, judged, number_of_components
from .units import Units

__all__ = ["Solution", "moments_of", "of_moments", "of_rows", "third_moments_of"]

MOST_PERMUTED = 1_000_000
"""Numbers of a table up to which its columns are permuted where its noise is in doubt."""
MOST_RECOUNTED = 300
"""Features up to which, in larger tables, components are counted by normal columns then."""


class Solution(NamedTuple):
    """The model, the spectrum of the data, which components stand out, mean KL, and what the solver found.

    Then what the components leave over that stand out from noise of one variance, and whether they were counted anew
    because it is no such noise. Of complete rows also the third moments ``(K,)`` of their scores, and the moments where
    features are not too many.
    """

    model: Model
    spectrum: Spectrum
    judgement: Judgement
    kl: NDArray[np.float64]
    fit: Fit
    leftover: Leftover
    recounted: bool = False
    third_moments: NDArray[np.float64] | None = None
    moments: Moments | None = None


def of_rows(rows: WeightedRows, problem: Problem) -> Solution:
    """The model of rows, which have gaps where a value is NaN."""
    units = Units.of(rows)
    rows, problem = units.rows(rows), problem.in_units_of(units.scale)
    if rows.complete:
        return _restored(_of_complete(rows, units.offset / units.scale, problem), units)
    return _restored(
        _of_incomplete(IncompleteRows.of(rows.X.astype(np.float64, copy=False), rows.weights), problem), units
    )


def of_moments(moments: Moments, problem: Problem) -> Solution:
    """The model of rows of which the moments are known, with the sign of each direction open."""
    units = Units.of_moments(moments)
    moments, problem = units.moments(moments), problem.in_units_of(units.scale)
    spectrum = spectrum_of_moments(moments)
    judgement = normal_columns(spectrum, moments, problem.random_state) if problem.permute else None
    if problem.by_feature:
        return _restored(_by_feature(spectrum, Columns.of_moments(moments), judgement, problem), units)
    solution = _of_one_noise(spectrum, spectrum.centred_rows, judgement, problem)
    if len(moments.mean) <= MOST_RECOUNTED:
        solution = _recounted(solution, spectrum.centred_rows, partial(normal_columns, spectrum, moments), problem)
    return _restored(solution, units)


def moments_of(rows: WeightedRows) -> Moments:
    """The moments of complete rows, exact whatever their mean and unit."""
    units = Units.of(rows)
    return units.restored_moments(units.rows(rows).moments())


def third_moments_of(rows: WeightedRows, model: Model) -> NDArray[np.float64]:
    """Third moments ``(K,)`` of the standardised scores of complete rows, exact whatever their mean and unit."""
    units = Units.of(rows)
    mean = (model.mean - units.offset) / units.scale
    return units.rows(rows).third_moments(model.standardising * units.scale, mean)


def _of_complete(rows: WeightedRows, offset: NDArray, problem: Problem) -> Solution:
    moments = rows.moments() if len(rows.mean) <= LARGEST_MATRIX else None
    if moments is not None and rows.tall:
        spectrum = with_small_variances(spectrum_of_moments(moments), rows, moments, offset)
    else:
        spectrum = spectrum_of_rows(rows, problem.n_components, problem.noise_variance, problem.random_state)
    judgement = permuted(rows, spectrum, problem.random_state) if problem.permute else None
    if problem.by_feature:
        few = moments is not None and rows.tall
        columns = Columns.of_moments(moments) if few else Columns.of(rows.centred_rows())
        solution = _by_feature(spectrum, columns, judgement, problem)
    else:
        solution = _of_rows_with_one_noise(rows, moments, spectrum, judgement, problem)
    third_moments = rows.third_moments(solution.model.standardising, solution.model.mean)
    model = solution.model.signed(third_moments)
    return solution._replace(model=model, third_moments=np.abs(third_moments), moments=moments)


def _of_rows_with_one_noise(
    rows: WeightedRows, moments: Moments | None, spectrum: Spectrum, judgement: Judgement | None, problem: Problem
) -> Solution:
    """With the sign of each direction open, and components counted anew where noise is not what their number rests on.

    That is by permuting the rows, or where this takes long by normal columns.
    """
    solution = _of_one_noise(spectrum, rows.centred_rows, judgement, problem)
    kurtosis = residual_kurtosis(rows, solution.model, solution.leftover.n_features)
    solution = solution._replace(leftover=solution.leftover._replace(kurtosis=kurtosis))
    if rows.X.shape[0] * rows.X.shape[1] <= MOST_PERMUTED and rows.repeated:
        return _recounted(solution, rows.centred_rows, partial(permuted, rows, spectrum), problem)
    if moments is not None and len(rows.mean) <= MOST_RECOUNTED:
        return _recounted(solution, rows.centred_rows, partial(normal_columns, spectrum, moments), problem)
    return solution


def _recounted(
    solution: Solution,
    centred_rows: Callable[[], NDArray],
    judge: Callable[[np.random.RandomState], Judgement],
    problem: Problem,
) -> Solution:
    """With fewer components where their number rests on noise of one variance, and another judgement finds fewer.

    It is always by the same draws, so that a default fit has one answer.
    """
    rests = problem.n_components is None and problem.noise_variance is None and not problem.permute
    if not (rests and solution.leftover.doubt):
        return solution
    judgement = judge(np.random.RandomState(0))
    if judgement.count >= solution.judgement.count:
        return solution._replace(recounted=True)
    fewer = _of_one_noise(solution.spectrum, centred_rows, judgement, problem)
    return fewer._replace(leftover=solution.leftover, recounted=True)


def _restored(solution: Solution, units: Units) -> Solution:
    """In the units of the data."""
    moments = None if solution.moments is None else units.restored_moments(solution.moments)
    spectrum = units.restored_spectrum(solution.spectrum)
    judgement = solution.judgement
    if isinstance(solution.model, LinearGaussian):
        judgement = judgement.in_units_of(1 / units.scale)
    model = solution.model.in_units(units.offset, units.scale)
    return solution._replace(model=model, spectrum=spectrum, judgement=judgement, moments=moments)


def _of_incomplete(rows: IncompleteRows, problem: Problem) -> Solution:
    fit, spectrum, judgement = fit_incomplete(rows, problem)
    n_components = int(max(len(fit.model.amplitudes), problem.n_components or 1))
    model = fit.model.completed(judgement.count, n_components, problem.noise_variance)
    found = posteriors(rows, model.mean, model.loadings, model.noise_variance)
    leftover = Leftover(judgement.count, spectrum.n_features, spectrum.weight)
    kl = found.mean_kl(rows)
    return Solution(model.signed(rows.weights @ found.means**3), spectrum, judgement, kl, fit, leftover)


def _by_feature(spectrum: Spectrum, columns: Columns, judgement: Judgement | None, problem: Problem) -> Solution:
    """With noise for each column, and the sign of each direction open; as many as stand out unless that is judged."""
    degrees, most = spectrum.weight - 1, most_factors(spectrum.n_features)
    if judgement is None:
        judgement = searched(columns, degrees, most, problem)
    wanted = problem.n_components
    fit = fit_factors(columns, spectrum, max(judgement.count, 1) if wanted is None else wanted, max(most, 1), problem)
    model = fit.model
    spectrum = spectrum._replace(variances=model.explained, reduced=())
    leftover = Leftover(judgement.count, spectrum.n_features, spectrum.weight)
    return Solution(model, spectrum, judgement, columns.mean_kl(model, degrees), fit, leftover)


def _of_one_noise(
    spectrum: Spectrum, centred_rows: Callable[[], NDArray], judgement: Judgement | None, problem: Problem
) -> Solution:
    """With one noise and the sign of each direction open; centred rows whose mean square is the covariance on demand.

    Where no noise is left the likelihood has no maximum that a solver could climb to, and the closed form stands.
    """
    known = problem.noise_variance
    if judgement is None:
        judgement = judged(spectrum, known)
    n_components = number_of_components(spectrum, problem.n_components, judgement.count)
    closed = LinearGaussian.of_spectrum(spectrum, min(n_components, most_components(spectrum.n_features, known)), known)
    fit = Fit(closed)
    if len(closed.amplitudes) and closed.noise_variance > 10 * LEAST_NOISE * spectrum.variances[0]:
        if problem.solver == "em":
            fit = fit_complete(centred_rows(), closed, known, problem)
        elif problem.solver == "gradient":
            fit = fit_gradient(centred_rows(), closed, known, problem)
    model = fit.model.completed(judgement.count, n_components, known)
    kl = model.mean_kl(spectrum.variances[:n_components] * (spectrum.weight - 1) / spectrum.weight)
    part = decisive(spectrum, known)
    pvalue = isotropy_pvalue(part, judgement.count)
    return Solution(
        model, spectrum, judgement, kl, fit, Leftover(judgement.count, part.n_features, part.weight, pvalue)
    )
