"""From a model and rows to a `CollapseReport`, on request and after a fit."""

from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import sparse
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from torch import Tensor
from torch.distributions import Distribution

from ...data.memory_map import MappedRows, is_large_map
from ...data.table import ModelRows
from ...randomness import from_random_state
from ...validation import safe_indexing
from ..encodings import Encodings, encodings, encodings_of
from ..labels import label_probabilities
from ..sources import View, floor_of, is_model, last_step, view_of
from ..units import ACTIVE_VARIANCE, active_units
from .evidence import posterior_by_prior_draws
from .labels import measure_labels, separation_of_draws
from .measure import (
    BRIEF,
    WHOLE,
    Effort,
    measure_labels_of_model,
    measure_likelihood,
    measure_posteriors,
    measured_with_rows,
)
from .measurements import LabelMeasurements
from .remedy import remedy_of
from .report import CollapseReport
from .verdict import label_verdict, labels_collapsed, latents_collapsed, overall_verdict

__all__ = ["collapse_report", "collapse_summary", "rows_to_screen"]

MOST_ROWS, MOST_SCREENED_ROWS = 5_000, 1_000


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
        From at most 5000 rows, drawn at random and kept in order. Posteriors are refined on at most 256 of them,
        latents left out on as many or, where an active one does not show its use there, on more; residuals are tested
        on at most 2000, repeats left aside.

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
    _check_is_given(first)
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


def collapse_summary(
    view: View,
    probabilities: NDArray[np.float64] | None = None,
    estimator: BaseEstimator | None = None,
    causes: bool = True,
) -> str | None:
    """The text of the warning after a fit: summary and remedy of a report where a latent or the labels have collapsed.

    Parameters
    ----------
    view : View
        The fitted model, and the rows that `rows_to_screen` draws: all rows of the view are measured.
    probabilities : array of shape (n_samples, n_clusters), optional
        q(y | x) of the same rows, for a model with labels.
    estimator : estimator, optional
        Whose parameters the remedy names.
    causes : bool, default=True
        Whether to look for the cause, which takes ten thousands of passes through the decoder.

    Returns
    -------
    text : str or None
        None where nothing has collapsed.

    Raises
    ------
    ValueError
        If there is one row alone.
    """
    _check_number_of_rows(len(view.rows))
    with from_random_state(0):
        encoded = encodings_of(view)
    is_active = active_units(*encoded).fraction == 1
    if is_active and (probabilities is None or not labels_collapsed(measure_labels(probabilities))):
        return None
    if not causes:
        with from_random_state(0):
            report = _report_on_posteriors(encoded)
        return f"{report.summary()} {remedy_of('unexamined', estimator)}"
    with from_random_state(0):
        report = _report_on_view(view, encoded, probabilities, BRIEF, estimator)
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
    n_given = 0 if X is None else X.shape[0] if hasattr(X, "shape") else len(X)
    if n_given <= n_rows:
        return X
    chosen = np.sort(random.choice(n_given, n_rows, replace=False))
    if isinstance(X, Tensor | MappedRows | ModelRows):
        return X[torch.from_numpy(chosen)]
    if sparse.issparse(X):
        return X.tocsr()[chosen]
    return MappedRows(X)[chosen] if is_large_map(X) else safe_indexing(X, chosen)


def _check_is_given(first: Any) -> None:
    if first is None:
        raise TypeError(
            "collapse_report got None where it measures a model and rows X, a pair (posterior, prior) of "
            "torch.distributions, arrays (loc, scale), or probabilities q(y | x). Pass one of these first: "
            "a fitted estimator, a sklid.metrics.VariationalModel, or what a model of yours encodes."
        )


def _check_number_of_rows(n_rows: int) -> None:
    if n_rows < 2:
        raise ValueError(f"A report on collapse compares rows, and {n_rows} row was given. Pass at least two rows.")


def _report_on_posteriors(encoded: Encodings) -> CollapseReport:
    _check_number_of_rows(encoded.posterior.batch_shape[0])
    latents, totals = measure_posteriors(encoded)
    verdicts = np.where(latents.variance >= ACTIVE_VARIANCE, "healthy", "collapsed")
    verdict = overall_verdict(list(verdicts))
    n_rows, latents = encoded.posterior.batch_shape[0], latents._replace(verdict=verdicts)
    remedy = remedy_of(verdict)
    return CollapseReport("posterior", n_rows, verdict, bool(remedy), latents=latents, totals=totals, remedy=remedy)


def _report_on_labels(name: str, labels: LabelMeasurements, n_rows: int, model: Any = None) -> CollapseReport:
    verdict = label_verdict(labels)
    remedy = remedy_of(f"labels: {verdict}", model)
    return CollapseReport(name, n_rows, verdict, labels_collapsed(labels), "labels", labels=labels, remedy=remedy)


def _report_on_model(model: Any, X: Any) -> CollapseReport:
    """The report on latents and labels of a model, or on the labels alone where it shows no encoder and decoder."""
    has_labels = hasattr(model, "predict_proba")
    if has_labels and isinstance(model, BaseEstimator) and not hasattr(model, "view"):
        labels = measured_with_rows(label_probabilities(model, X), X)
        labels = labels._replace(separation=separation_of_draws(model))
        return _report_on_labels(type(model).__name__, labels, len(X), model)
    view = view_of(model, X)
    _check_number_of_rows(len(view.rows))
    probabilities = label_probabilities(model, X) if has_labels else None
    return _report_on_view(view, encodings_of(view), probabilities, WHOLE, model)


def _report_on_view(
    view: View, encoded: Encodings, probabilities: NDArray | None, effort: Effort, model: Any
) -> CollapseReport:
    """The report on rows that the model has encoded."""
    latents, totals = measure_posteriors(encoded)
    sample = view.drawn(effort.n_rows)
    exact = posterior_by_prior_draws(sample, encoded.prior)
    measured = latents, totals._replace(floor=floor_of(model), posterior_kl=exact.divergence)
    latents, totals, rows_needed = measure_likelihood(view, sample, encoded.prior, measured, effort)
    verdicts = list(latents.verdict)
    verdict = overall_verdict(verdicts)
    collapsed = latents_collapsed(latents)
    remedy, name = remedy_of(verdict, model, rows_needed), type(model).__name__
    report = CollapseReport(name, len(view.rows), verdict, collapsed, latents=latents, totals=totals, remedy=remedy)
    if probabilities is None:
        return report
    labels = measure_labels_of_model(probabilities, view, encoded.prior, exact, effort)
    labels = labels._replace(variation=totals.variation)
    report = replace(report, labels=labels, collapsed=collapsed or labels_collapsed(labels))
    of_labels = label_verdict(labels)
    if collapsed and of_labels in {"healthy", "undecided"}:
        return report
    return replace(report, verdict=of_labels, subject="labels", remedy=remedy_of(f"labels: {of_labels}", model))
