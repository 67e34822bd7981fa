"""What a report measures of a model: its posteriors, its likelihood, the residuals of unused latents, its labels."""

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor
from torch.distributions import Distribution, MixtureSameFamily

from ..encodings import Encodings, encodings_of
from ..information import divergence_of, information_by_latent, information_of
from ..likelihood import gaps_and_means
from ..sources import View
from ..units import ACTIVE_VARIANCE, InformativeUnits, informative_units_of
from .clusters import evidence_for_clusters
from .evidence import WeightedDraws, likelihood_variation
from .labels import exact_information, measure_labels, separation_of_clusters
from .measurements import LabelMeasurements, LatentMeasurements, TotalMeasurements
from .residuals import posterior_draw, residuals_of, rows_that_differ
from .structure import Structure, structure_of
from .verdict import UNUSED, LatentEvidence, cause_of_unused, latent_states

__all__ = [
    "BRIEF",
    "WHOLE",
    "Effort",
    "measure_labels_of_model",
    "measure_likelihood",
    "measure_posteriors",
    "measured_with_rows",
]


class Effort(NamedTuple):
    """What the measurements that need the likelihood may cost.

    Attributes
    ----------
    n_rows, n_draws, n_steps : int
        Rows, importance samples of each, and steps of refinement.
    n_more : int
        Rows times latents, where some latent does not show its use on `n_rows`.
    n_residuals, n_clustered : int
        Rows whose residuals are tested, and rows in which clusters are counted.
    """

    n_rows: int
    n_draws: int
    n_steps: int
    n_more: int
    n_residuals: int
    n_clustered: int


WHOLE, BRIEF = Effort(256, 50, 100, 20_000, 2_000, 2_000), Effort(64, 20, 40, 0, 256, 256)


def measure_posteriors(encoded: Encodings) -> tuple[LatentMeasurements, TotalMeasurements]:
    """What posteriors and prior tell without the likelihood, by latent and in all."""
    divergence, information = divergence_of(encoded), information_of(encoded)
    means, deviations = encoded.moments()
    variance, unknown = encoded.variances_of_means(means, deviations).cpu().numpy(), np.full(means.shape[1], np.nan)
    by_latent = information_by_latent(encoded.posterior)
    verdicts = np.full(len(variance), "")
    latents = LatentMeasurements(divergence.per_dimension, variance, by_latent, *[unknown] * 4, verdicts)
    n_active = int((variance >= ACTIVE_VARIANCE).sum())
    totals = TotalMeasurements(divergence.value, information.value, information.lower, information.upper, n_active)
    return latents, totals


def measure_likelihood(
    view: View,
    sample: View,
    prior: Distribution,
    measured: tuple[LatentMeasurements, TotalMeasurements],
    effort: Effort,
) -> tuple[LatentMeasurements, TotalMeasurements, float]:
    """The same with what needs the likelihood and the verdicts that follow, and the rows that would decide them."""
    latents, totals = measured
    active = latents.variance >= ACTIVE_VARIANCE
    units = _informative(view, sample, active, effort)
    informative, gains, errors = active, latents.gain, latents.gain
    if units is not None:
        informative, gains, errors = units.informative, units.gains, units.standard_errors
        totals = totals._replace(informative_units=units.count)
    gaps, means = gaps_and_means(sample, effort.n_steps)
    variation, by_latent = likelihood_variation(sample, prior)
    refined_variance = _variances(means)
    evidence = LatentEvidence(latents.variance, by_latent, refined_variance, informative, gains, errors)
    states, rows_needed = latent_states(evidence), np.nan
    if UNUSED in states:
        unused = np.array([state == UNUSED for state in states])
        structure = _structure(view, prior, unused, bool((unused & active).any()), effort)
        states = [cause_of_unused(structure) if state == UNUSED else state for state in states]
        totals = _with_structure(totals, structure)
        rows_needed = structure.rows_needed
    floor = np.full(len(states), totals.floor / len(states))
    latents = latents._replace(gain=gains, floor=floor, variation=by_latent, refined_variance=refined_variance)
    totals = totals._replace(variation=variation, amortization_gap=gaps.mean().item())
    return latents._replace(verdict=np.array(states)), totals, rows_needed


def measured_with_rows(probabilities: NDArray[np.float64], rows: ArrayLike) -> LabelMeasurements:
    """What q(y | x) tells, and how many clusters the rows form."""
    return _with_clusters(measure_labels(probabilities), probabilities, rows)


def measure_labels_of_model(
    probabilities: NDArray[np.float64], view: View, prior: Distribution, exact: WeightedDraws, effort: Effort
) -> LabelMeasurements:
    """What q(y | x) tells, how many clusters the rows form and, under a mixture prior, how far its clusters differ."""
    chosen = torch.randperm(len(view.rows))[: effort.n_clustered]
    labels = _with_clusters(
        measure_labels(probabilities), probabilities[chosen.cpu().numpy()], view.features[chosen].cpu()
    )
    if not isinstance(prior, MixtureSameFamily):
        return labels
    information = exact_information(prior, exact.weights, exact.draws)
    return labels._replace(separation=separation_of_clusters(prior), exact=information)


def _with_clusters(labels: LabelMeasurements, probabilities: NDArray[np.float64], rows: ArrayLike) -> LabelMeasurements:
    """The same with how many clusters some rows form, whose q(y | x) these are."""
    n_clusters, evidence = evidence_for_clusters(rows, probabilities.argmax(axis=1), labels.n_labels)
    return labels._replace(n_clusters=n_clusters, cluster_evidence=evidence)


def _informative(view: View, sample: View, active: NDArray[np.bool_], effort: Effort) -> InformativeUnits | None:
    """Informative latents on the sample, or on more rows where an active one does not show there."""
    units = informative_units_of(sample, effort.n_draws)
    n_rows = min(len(view.rows), effort.n_more // len(active))
    if units is None or n_rows <= len(sample.rows) or units.informative[active].all():
        return units
    return informative_units_of(view.drawn(n_rows), effort.n_draws)


def _structure(
    view: View, prior: Distribution, unused: NDArray[np.bool_], some_move: bool, effort: Effort
) -> Structure:
    """What the residuals of the rows hold, at all latents and, where unused ones move, at the others alone.

    A latent that moves without use may itself leave what looks like structure: so neither must be noise for a better
    model to be missing.
    """
    view = rows_that_differ(view, effort.n_residuals)
    generator = np.random.default_rng(int(torch.randint(2**31 - 1, ())))
    z, centre = posterior_draw(view), encodings_of(view).moments()[0]
    structure = structure_of(residuals_of(view, z, centre), generator)
    if structure.excluded or not some_move:
        return structure
    held = torch.from_numpy(unused).to(z.device)
    z[:, held] = centre[:, held] = prior.mean[held]
    without_them = structure_of(residuals_of(view, z, centre), generator)
    return structure if without_them.found else without_them


def _with_structure(totals: TotalMeasurements, structure: Structure) -> TotalMeasurements:
    direction, _, shape, hidden, n_rows = structure
    return totals._replace(unexplained=direction, unexplained_shape=shape, hidden=hidden, n_residuals=n_rows)


def _variances(means: Tensor) -> NDArray[np.float64]:
    return means.double().var(0, correction=0).cpu().numpy()
