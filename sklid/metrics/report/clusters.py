r"""Whether rows form as many clusters as there are labels.

Mixtures of Gaussians with one covariance are compared by the Bayesian information criterion. They start at the given
labels, which know of clusters that a random start misses, and at those of k-means, and two clusters are merged at a
time, those that are nearest in units of the covariance. A cluster that is split in two halves gains less than the
criterion asks for, however many the halves; two clusters that are merged lose more.
"""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import sklearn
from numpy.typing import ArrayLike, NDArray

from ..mixtures import stopping_mixture

__all__ = ["evidence_for_clusters"]

MOST_DIRECTIONS = 10
ROWS_PER_PARAMETER = 5
RIDGE = 1e-3
"""Added to the covariance of rows in units of their own spread."""
MOST_STEPS, LEAST_SPREAD = 50, 1e-9


def evidence_for_clusters(rows: ArrayLike, labels: NDArray[np.int64], n_labels: int) -> tuple[int, float]:
    """The best number of clusters up to the number of labels, and what speaks for that number against all smaller.

    Parameters
    ----------
    rows : array-like of shape (n_samples, ...)
    labels : array of shape (n_samples,)
        The most probable label of each row.
    n_labels : int

    Returns
    -------
    n_clusters : int
    evidence : float
        Half the least difference of a smaller mixture's criterion to that of the mixture of `n_labels`, in nats;
        negative where fewer clusters explain the rows as well. nan where there is one label, or a row is not finite.
    """
    table = np.asarray(rows, dtype=np.float64).reshape(len(rows), -1)
    if n_labels < 2 or len(table) < 2 or not np.isfinite(table).all():
        return 1, math.nan
    if not np.ptp(table, axis=0).any():
        return 1, -math.inf
    scores = _scores(table, n_labels)
    starts = [labels, _means_of(scores, n_labels)]
    scores = scores / scores.std(axis=0)
    starts.append(_means_of(scores, n_labels))
    single = _mixture(scores, np.zeros(len(scores), dtype=int)).bic(scores)
    criteria = dict.fromkeys(range(2, n_labels + 1), math.inf) | {1: single}
    for start in starts:
        for k, criterion in _merged_step_by_step(scores, np.unique(start, return_inverse=True)[1]):
            criteria[k] = min(criteria[k], criterion)
    best = min(criteria, key=criteria.get)
    fewer = min(criteria[k] for k in range(1, n_labels))
    return best, (fewer - criteria[n_labels]) / 2


def _scores(table: NDArray[np.float64], n_labels: int) -> NDArray[np.float64]:
    """Leading principal scores that vary."""
    n_directions = min(MOST_DIRECTIONS, *table.shape, max(1, len(table) // (ROWS_PER_PARAMETER * n_labels)))
    scores = sklearn.decomposition.PCA(n_directions, random_state=0).fit_transform(table)
    return scores[:, scores.std(axis=0) > LEAST_SPREAD * scores.std()]


def _means_of(scores: NDArray[np.float64], n_labels: int) -> NDArray[np.int64]:
    n_means = min(n_labels, len(np.unique(scores, axis=0)))
    return sklearn.cluster.KMeans(n_means, n_init=3, random_state=0).fit_predict(scores)


def _merged_step_by_step(scores: NDArray[np.float64], labels: NDArray[np.int64]) -> Iterator[tuple[int, float]]:
    """Number of clusters and criterion, of the start and after each merger down to two clusters."""
    while labels.max() > 0:
        mixture = _mixture(scores, labels)
        yield labels.max() + 1, mixture.bic(scores)
        first, second = _nearest_pair(mixture)
        labels = mixture.predict(scores)
        labels = np.unique(np.where(labels == second, first, labels), return_inverse=True)[1]


def _mixture(scores: NDArray[np.float64], labels: NDArray[np.int64]) -> Any:
    """The mixture with one covariance that starts at these clusters, numbered without gaps."""
    members = np.eye(labels.max() + 1)[labels]
    means = members.T @ scores / members.sum(axis=0)[:, None]
    within = scores - means[labels]
    covariance = within.T @ within / len(scores) + RIDGE * np.eye(scores.shape[1])
    mixture = stopping_mixture(
        len(means), covariance_type="tied", reg_covar=RIDGE, max_iter=MOST_STEPS, init_params="random_from_data",
        weights_init=members.mean(axis=0), means_init=means, precisions_init=np.linalg.inv(covariance), random_state=0,
    )  # fmt: skip
    return mixture.fit(scores)


def _nearest_pair(mixture: Any) -> tuple[int, int]:
    """The two clusters whose merger costs least: Ward's distance in units of the covariance."""
    places = mixture.means_ @ mixture.precisions_cholesky_
    apart = np.square(places[:, None] - places).sum(axis=-1)
    weights = mixture.weights_
    cost = apart * weights[:, None] * weights / (weights[:, None] + weights).clip(min=1e-300)
    first, second = np.unravel_index((cost + np.diag(np.full(len(cost), np.inf))).argmin(), cost.shape)
    return int(first), int(second)
