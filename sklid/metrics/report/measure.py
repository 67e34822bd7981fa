"""From a model and rows to a `CollapseReport`: which measurements are made, and on how many rows."""

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from torch import Tensor
from torch.distributions import Distribution, MixtureSameFamily

from ...data.memory_map import MappedRows, is_large_map
from ...data.table import ModelRows
from ...randomness import from_random_state
from ...validation import safe_indexing
from ..encodings import Encodings, encodings, encodings_of
from ..information import divergence_of, information_by_latent, information_of
from ..labels import label_probabilities
from ..likelihood import gaps_and_means
from ..sources import View, floor_of, is_model, last_step, view_of
from ..units import ACTIVE_VARIANCE, active_units, informative_units_of
from .evidence import WeightedDraws, likelihood_variation, posterior_by_prior_draws, unexplained_direction
from .labels import exact_information, is_one_cluster, measure_labels, separation_of_clusters, separation_of_draws
from .measurements import LabelMeasurements, LatentMeasurements, TotalMeasurements
from .report import CollapseReport
from .verdict import LatentEvidence, label_verdict, labels_collapsed, latent_verdicts, overall_verdict

__all__ = ["collapse_report", "collapse_summary", "rows_to_screen"]

MOST_ROWS, MOST_SCREENED_ROWS = 5_000, 1_000


class Effort(NamedTuple):
    """What the measurements that need the likelihood may cost: rows, importance samples, and steps of refinement."""

    n_rows: int
    n_draws: int
    n_steps: int


WHOLE, BRIEF = Effort(256, 50, 100), Effort(64, 20, 40)


def collapse_report(
    first: Any,
    second: Any = None,
    *,
    random_state: int | np.random.RandomState | None = 0,
) -> CollapseReport:
    """Whether the posterior of a model has collapsed, latent by latent and for its labels, why, and what to change.

    Parameters
    ----------
    first, second
        A model and rows X, as in `log_likelihood`, for the whole report. A pair (posterior, prior), or arrays (loc,
        scale), as in `kl_divergence`, for a report without causes. Probabilities q(y | x) of shape (n_samples,
        n_clusters) alone, or an estimator with `predict_proba` such as `sklearn.mixture.GaussianMixture` and rows,
        for a report on labels.
    random_state : int, RandomState instance or None, default=0

    Returns
    -------
    report : CollapseReport
        From at most 5000 rows, drawn at random; posteriors are refined, and latents left out, on at most 256 of them.

    Raises
    ------
    TypeError, ValueError
        If the arguments are nothing that can be measured.

    References
    ----------
    Wang, Blei & Cunningham, "Posterior Collapse and Latent Variable Non-identifiability", NeurIPS 2021, theorem 1:
    the exact posterior equals the prior where the likelihood does not depend on the latent.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.decomposition import PCA
    >>> from sklid.metrics import collapse_report
    >>> rng = np.random.default_rng(0)
    >>> X = 3 * rng.standard_normal((500, 2)) @ rng.standard_normal((2, 6)) + rng.standard_normal((500, 6))
    >>> collapse_report(PCA(2).fit(X), X).verdict
    'healthy'
    >>> collapse_report([[0.26, 0.25, 0.25, 0.24]] * 100).verdict
    'collapsed'
    """
    random = check_random_state(random_state)
    first, second = last_step(first, second)
    if is_model(first):
        second = _subsample(second, MOST_ROWS, random)
    with from_random_state(random):
        if is_model(first):
            return _report_on_model(first, second)
        if second is None and not isinstance(first, Distribution):
            return _report_on_labels("labels", measure_labels(label_probabilities(first)), len(first))
        return _report_on_posteriors(encodings(first, second))


def collapse_summary(view: View, probabilities: NDArray[np.float64] | None = None) -> str | None:
    """The text of the warning after a fit: summary and remedy of a report where a latent or the labels have collapsed.

    Parameters
    ----------
    view : View
        The fitted model, and the rows that `rows_to_screen` draws: all rows of the view are measured.
    probabilities : array of shape (n_samples, n_clusters), optional
        q(y | x) of the same rows, for a model with labels.

    Returns
    -------
    text : str or None
        None where nothing has collapsed.
    """
    with from_random_state(0):
        encoded = encodings_of(view)
    is_active = active_units(*encoded).fraction == 1
    if is_active and (probabilities is None or not labels_collapsed(measure_labels(probabilities))):
        return None
    with from_random_state(0):
        report = _report_on_view(view, encoded, probabilities, BRIEF)
    return f"{report.summary()} {report.remedy}"


def rows_to_screen(X: Any) -> Any:
    """At most 1000 rows of a table, drawn at random and kept in order, for the view that `collapse_summary` takes.

    Parameters
    ----------
    X : array-like, Tensor or MappedRows of shape (n_samples, ...)

    Returns
    -------
    rows : of the type of X; those drawn from a memory map are an array in memory
    """
    return _subsample(X, MOST_SCREENED_ROWS, check_random_state(0))


def _subsample(X: Any, n_rows: int, random: np.random.RandomState) -> Any:
    """At most so many rows, drawn at random and kept in order; those drawn from a memory map are loaded."""
    if X is None or len(X) <= n_rows:
        return X
    chosen = np.sort(random.choice(len(X), n_rows, replace=False))
    if isinstance(X, Tensor | MappedRows | ModelRows):
        return X[torch.from_numpy(chosen)]
    return MappedRows(X)[chosen] if is_large_map(X) else safe_indexing(X, chosen)


def _check_number_of_rows(n_rows: int) -> None:
    if n_rows < 2:
        raise ValueError(f"A report on collapse compares rows, and {n_rows} row was given. Pass at least two rows.")


def _report_on_posteriors(encoded: Encodings) -> CollapseReport:
    _check_number_of_rows(encoded.posterior.batch_shape[0])
    latents, totals, _ = _measure_posteriors(encoded)
    verdicts = np.where(latents.variance >= ACTIVE_VARIANCE, "healthy", "collapsed")
    verdict = overall_verdict(list(verdicts))
    n_rows, latents = encoded.posterior.batch_shape[0], latents._replace(verdict=verdicts)
    return CollapseReport("posterior", n_rows, verdict, verdict == "collapsed", latents=latents, totals=totals)


def _report_on_labels(name: str, labels: LabelMeasurements, n_rows: int) -> CollapseReport:
    return CollapseReport(name, n_rows, label_verdict(labels), labels_collapsed(labels), "labels", labels=labels)


def _report_on_model(model: Any, X: Any) -> CollapseReport:
    """The report on latents and labels of a model, or on the labels alone where it shows no encoder and decoder."""
    name, has_labels = type(model).__name__, hasattr(model, "predict_proba")
    if has_labels and isinstance(model, BaseEstimator) and not hasattr(model, "view"):
        labels = measure_labels(label_probabilities(model, X))
        labels = labels._replace(separation=separation_of_draws(model), one_cluster=is_one_cluster(X, labels.n_labels))
        return _report_on_labels(name, labels, len(X))
    view = view_of(model, X)
    _check_number_of_rows(len(view.rows))
    probabilities = label_probabilities(model, X) if has_labels else None
    return _report_on_view(view, encodings_of(view), probabilities, WHOLE, name, floor_of(model))


def _report_on_view(
    view: View,
    encoded: Encodings,
    probabilities: NDArray | None,
    effort: Effort,
    name: str = "model",
    floor: float = np.nan,
) -> CollapseReport:
    """The report on rows that the model has encoded."""
    latents, totals, means = _measure_posteriors(encoded)
    sample = view.drawn(effort.n_rows)
    totals = totals._replace(unexplained=unexplained_direction(view, means), floor=floor)
    latents, totals = _measure_likelihood(sample, encoded.prior, latents, totals, effort)
    exact = posterior_by_prior_draws(sample, encoded.prior)
    totals = totals._replace(posterior_kl=exact.divergence)
    verdicts = list(latents.verdict)
    verdict = overall_verdict(verdicts)
    collapsed = totals.active_units < len(verdicts) or not {"model", "inference"}.isdisjoint(verdicts)
    report = CollapseReport(name, len(view.rows), verdict, collapsed, latents=latents, totals=totals)
    if probabilities is None:
        return report
    labels = _measure_labels_of_model(probabilities, sample, encoded.prior, exact)._replace(variation=totals.variation)
    report = replace(report, labels=labels, collapsed=collapsed or labels_collapsed(labels))
    verdict = label_verdict(labels)
    return report if verdict == "healthy" else replace(report, verdict=verdict, subject="labels")


def _measure_posteriors(encoded: Encodings) -> tuple[LatentMeasurements, TotalMeasurements, Tensor]:
    """What posteriors and prior tell without the likelihood: by latent, in all, and the posterior means ``(N, K)``."""
    divergence, information = divergence_of(encoded), information_of(encoded)
    means, deviations = encoded.moments()
    variance, unknown = encoded.variances_of_means(means, deviations).cpu().numpy(), np.full(means.shape[1], np.nan)
    by_latent = information_by_latent(encoded.posterior)
    verdicts = np.full(len(variance), "")
    latents = LatentMeasurements(divergence.per_dimension, variance, by_latent, *[unknown] * 4, verdicts)
    n_active = int((variance >= ACTIVE_VARIANCE).sum())
    totals = TotalMeasurements(divergence.value, information.value, information.lower, information.upper, n_active)
    return latents, totals, means


def _measure_likelihood(
    sample: View, prior: Distribution, latents: LatentMeasurements, totals: TotalMeasurements, effort: Effort
) -> tuple[LatentMeasurements, TotalMeasurements]:
    """The measurements that need the likelihood and the verdicts that follow, added to those by latent and in all."""
    units = informative_units_of(sample, effort.n_draws)
    informative = latents.variance >= ACTIVE_VARIANCE
    if units is not None:
        latents, informative = latents._replace(gain=units.gains), units.informative
        totals = totals._replace(informative_units=units.count)
    gaps, means = gaps_and_means(sample, effort.n_steps)
    variation, by_latent = likelihood_variation(sample, prior)
    refined_variance = _variances(means)
    evidence = LatentEvidence(latents.variance, by_latent, refined_variance, informative, totals.unexplained)
    verdicts = latent_verdicts(evidence)
    floor = np.full(len(verdicts), totals.floor / len(verdicts))
    latents = latents._replace(floor=floor, variation=by_latent, refined_variance=refined_variance)
    latents = latents._replace(verdict=np.array(verdicts))
    return latents, totals._replace(variation=variation, amortization_gap=gaps.mean().item())


def _measure_labels_of_model(
    probabilities: NDArray,
    sample: View,
    prior: Distribution,
    exact: WeightedDraws,
) -> LabelMeasurements:
    """What q(y | x) tells, whether the rows form clusters and, under a mixture prior, how far its clusters differ."""
    labels = measure_labels(probabilities)
    labels = labels._replace(one_cluster=is_one_cluster(sample.rows.cpu(), labels.n_labels))
    if not isinstance(prior, MixtureSameFamily):
        return labels
    information = exact_information(prior, exact.weights, exact.draws)
    return labels._replace(separation=separation_of_clusters(prior), exact=information)


def _variances(means: Tensor) -> NDArray[np.float64]:
    return means.double().var(0, correction=0).cpu().numpy()
