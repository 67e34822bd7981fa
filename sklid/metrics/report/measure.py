"""From a model and rows to a `CollapseReport`: which measurements are made, and on how many rows."""

from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from torch.distributions import Distribution, MixtureSameFamily

from ...data.memory_map import MappedRows, is_large_map
from ...randomness import from_random_state
from ...validation import safe_indexing
from ..encodings import Encodings, encodings, encodings_of, prior_of
from ..information import divergence_of, information_by_latent, information_of
from ..labels import label_probabilities
from ..likelihood import gaps_and_means
from ..sources import View, floor_of, is_model, last_step, view
from ..units import ACTIVE_VARIANCE, active_units, informative_units_of
from .evidence import WeightedDraws, likelihood_variation, posterior_by_prior_draws, unexplained_direction
from .labels import exact_information, is_one_cluster, label_findings, separation_of_components, separation_of_draws
from .report import CollapseReport
from .verdict import Findings, LabelFindings, label_verdict, latent_verdicts, overall_verdict

__all__ = ["collapse_report", "collapse_summary", "rows_to_screen"]

MOST_ROWS, MOST_SCREENED_ROWS = 5_000, 1_000
SHOWN = ("kl", "variance", "mutual_information", "floor", "gain", "variation", "refined_variance", "verdict")


class Effort(NamedTuple):
    """What the measurements that need the likelihood may cost: rows, importance samples, and steps of refinement."""

    n_rows: int
    n_draws: int
    n_steps: int


WHOLE, BRIEF = Effort(256, 50, 100), Effort(64, 20, 40)


def collapse_report(first: Any, second: Any = None, *, random_state: int | np.random.RandomState | None = 0) -> CollapseReport:
    """Whether the posterior of a model has collapsed, latent by latent and for its labels, why, and what to change.

    Parameters
    ----------
    first, second
        A model and rows X, as in `log_likelihood`, for the whole report. A pair (posterior, prior), or arrays (loc, scale), as in `kl_divergence`,
        for a report without causes. Probabilities q(y | x) of shape (n_samples, n_clusters) alone, or an estimator with `predict_proba` such as
        `sklearn.mixture.GaussianMixture` and rows, for a report on labels.
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
    Wang, Blei & Cunningham, "Posterior Collapse and Latent Variable Non-identifiability", NeurIPS 2021, theorem 1: the exact posterior equals the
    prior where the likelihood does not depend on the latent.

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
    if isinstance(first, BaseEstimator):
        first, second = last_step(first, second)
    if is_model(first):
        second = _some(second, MOST_ROWS, random)
    with from_random_state(random):
        if isinstance(first, BaseEstimator) and hasattr(first, "predict_proba") and not hasattr(first, "view"):
            return _report_on_labels(first, second)
        if is_model(first):
            return _report_on_model(first, second, WHOLE)
        if second is None and not isinstance(first, Distribution):
            found = label_findings(label_probabilities(first))
            return CollapseReport("labels", len(first), label_verdict(found), found.collapsed, "labels", labels=found._asdict())
        return _report_on_posteriors(encodings(first, second))


def collapse_summary(view: View, probabilities: NDArray[np.float64] | None = None) -> str | None:
    """The warning that a fit deserves, when a quick look finds a collapse; else None."""
    with from_random_state(0):
        seen = encodings_of(view)
    if active_units(*seen).fraction == 1 and not (probabilities is not None and label_findings(probabilities).collapsed):
        return None
    with from_random_state(0):
        report = _report_on_model(view.model, view.rows, BRIEF, probabilities)
    return f"{report.summary()} {report.remedy}"


def rows_to_screen(n_rows: int) -> NDArray[np.integer]:
    """Numbers of at most 1000 rows, in order."""
    if n_rows <= MOST_SCREENED_ROWS:
        return np.arange(n_rows)
    return np.sort(check_random_state(0).choice(n_rows, MOST_SCREENED_ROWS, replace=False))


def _some(X: Any, n_rows: int, random: np.random.RandomState) -> Any:
    """At most so many rows, drawn at random and kept in order."""
    if X is None or len(X) <= n_rows:
        return X
    chosen = np.sort(random.choice(len(X), n_rows, replace=False))
    if is_large_map(X):
        return MappedRows(X)[chosen]
    return X[torch.from_numpy(chosen)] if isinstance(X, torch.Tensor) else safe_indexing(X, chosen)


def _report_on_posteriors(seen: Encodings) -> CollapseReport:
    latents, totals = _measured(seen)
    latents["verdict"] = np.where(latents["variance"] >= ACTIVE_VARIANCE, "healthy", "collapsed")
    verdict = overall_verdict(list(latents["verdict"]))
    return CollapseReport("posterior", seen.posterior.batch_shape[0], verdict, verdict == "collapsed", latents=latents, totals=totals)


def _report_on_labels(estimator: BaseEstimator, X: Any) -> CollapseReport:
    found = label_findings(label_probabilities(estimator, X))
    separation = separation_of_draws(estimator)
    found = found._replace(one_cluster=is_one_cluster(X, found.n_labels), separation=separation)
    return CollapseReport(type(estimator).__name__, len(X), label_verdict(found), found.collapsed, "labels", labels=found._asdict())


def _report_on_model(model: Any, X: Any, effort: Effort, probabilities: Any = None) -> CollapseReport:
    seen = view(model, X)
    latents, totals = _measured(encodings_of(seen))
    studied = seen._replace(rows=seen.rows[torch.randperm(len(seen.rows))[: effort.n_rows]])
    totals["unexplained"] = unexplained_direction(seen)
    verdicts = latent_verdicts(_study(studied, latents, totals, effort))
    posterior = posterior_by_prior_draws(studied)
    totals["posterior_kl"] = posterior.divergence
    totals["floor"] = floor_of(model)
    latents |= {"floor": np.full(len(verdicts), totals["floor"] / len(verdicts)), "verdict": np.array(verdicts)}
    verdict, subject, labels = overall_verdict(verdicts), "latents", {}
    collapsed = totals["active_units"] < len(verdicts) or not {"model", "inference"}.isdisjoint(verdicts)
    if probabilities is not None or hasattr(model, "predict_proba"):
        found = _study_labels(probabilities if probabilities is not None else label_probabilities(model, X), studied, posterior)._replace(
            variation=totals["variation"]
        )
        labels, collapsed = found._asdict(), collapsed or found.collapsed
        if label_verdict(found) != "healthy":
            verdict, subject = label_verdict(found), "labels"
    return CollapseReport(type(model).__name__, len(seen.rows), verdict, collapsed, subject, {name: latents[name] for name in SHOWN}, totals, labels)


def _measured(seen: Encodings) -> tuple[dict[str, NDArray], dict[str, float]]:
    """What posteriors and prior tell without the likelihood: by latent, and in all."""
    divergence, information = divergence_of(seen), information_of(seen)
    variances = _variances(seen.moments()[0])
    latents = {"kl": divergence.per_dimension, "variance": variances, "mutual_information": information_by_latent(seen.posterior)}
    totals = {"kl": divergence.value, "mutual_information": information.value, "active_units": int((variances >= ACTIVE_VARIANCE).sum())}
    return latents, totals | {"mutual_information_lower": information.lower, "mutual_information_upper": information.upper}


def _study(seen: View, latents: dict[str, NDArray], totals: dict[str, float], effort: Effort) -> Findings:
    """The measurements that need the likelihood, added to those by latent and in all."""
    units = informative_units_of(seen, effort.n_draws)
    if units is not None:
        totals["informative_units"], latents["gain"], informative = units.count, units.gains, units.informative
    else:
        latents["gain"], informative = np.full_like(latents["kl"], np.nan), latents["variance"] >= ACTIVE_VARIANCE
    gaps, means = gaps_and_means(seen, effort.n_steps)
    totals["variation"], latents["variation"] = likelihood_variation(seen)
    totals["amortization_gap"] = gaps.mean().item()
    latents["refined_variance"] = _variances(means)
    return Findings(latents["variance"], latents["variation"], latents["refined_variance"], informative, totals["unexplained"])


def _study_labels(probabilities: Any, seen: View, posterior: WeightedDraws) -> LabelFindings:
    """The measurements of the labels of a model, those of the components when its prior is a mixture."""
    found = label_findings(probabilities)
    found = found._replace(one_cluster=is_one_cluster(seen.rows.cpu(), found.n_labels))
    prior = prior_of(seen)
    if not isinstance(prior, MixtureSameFamily):
        return found
    exact = exact_information(prior, posterior.weights, posterior.draws)
    return found._replace(separation=separation_of_components(prior), exact=exact)


def _variances(means: torch.Tensor) -> NDArray[np.float64]:
    return means.double().var(0, correction=0).cpu().numpy()
