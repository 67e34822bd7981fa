r"""Measurements that tell the causes apart by which labels collapse.

*Do the clusters differ?* The information of the label and the latent under the model, all labels equally probable,
bounds what an x could tell of the label. *Does the exact posterior know the label?* With weights w of prior draws z,
:math:`p(y \mid x) = \sum_s w_s \, p(y \mid z_s)`. *Do the rows form clusters at all?* One Gaussian is compared with
several by the Bayesian information criterion.
"""

import copy
import math
import warnings
from typing import Any

import numpy as np
import sklearn
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning
from torch import Tensor
from torch.distributions import MixtureSameFamily

from ..labels import cluster_mutual_information
from .measurements import LabelMeasurements

__all__ = ["exact_information", "is_one_cluster", "measure_labels", "separation_of_clusters", "separation_of_draws"]

MOST_DIRECTIONS = 10
ROWS_PER_PARAMETER = 5
N_DRAWS = 2_000


def measure_labels(probabilities: NDArray[np.float64]) -> LabelMeasurements:
    """What q(y | x) alone tells: ``(N, C)``."""
    n_labels = probabilities.shape[1]
    n_used = len(np.unique(probabilities.argmax(axis=1)))
    return LabelMeasurements(cluster_mutual_information(probabilities), math.log(n_labels), n_used, n_labels)


def separation_of_clusters(prior: MixtureSameFamily) -> float:
    """Information of label and latent under a mixture with equal weights, in nats."""
    clusters = prior.component_distribution
    z = clusters.sample(torch.Size([N_DRAWS // clusters.batch_shape[0] + 1])).flatten(0, 1)
    return cluster_mutual_information(_normalised(clusters.log_prob(z.unsqueeze(1))))


def exact_information(prior: MixtureSameFamily, weights: Tensor, draws: Tensor) -> float:
    """Information of rows and labels under the exact posterior in nats, from weighted prior draws.

    The weights are ``(N, S)``, the draws ``(S, K)``; nan where the model overflows and the weights are not finite.
    """
    if not torch.isfinite(weights).all():
        return math.nan
    by_draw = _normalised(prior.mixture_distribution.logits + prior.component_distribution.log_prob(draws.unsqueeze(1)))
    return cluster_mutual_information(weights.cpu().numpy() @ by_draw)


def separation_of_draws(estimator: BaseEstimator) -> float:
    """Information of rows and labels on draws of the estimator itself, in nats; nan where it cannot draw."""
    if not hasattr(estimator, "sample"):
        return math.nan
    estimator = copy.copy(estimator)
    if "random_state" in estimator.get_params():
        estimator.set_params(random_state=0)
    return cluster_mutual_information(estimator, estimator.sample(N_DRAWS)[0])


def is_one_cluster(rows: ArrayLike, n_clusters: int) -> bool:
    """Whether one Gaussian explains the rows' leading principal scores at least as well as several do.

    By the Bayesian information criterion.
    """
    table = np.asarray(rows, dtype=np.float64).reshape(len(rows), -1)
    if not np.ptp(table, axis=0).any():
        return True
    n_directions = min(MOST_DIRECTIONS, table.shape[1], max(1, len(table) // (ROWS_PER_PARAMETER * n_clusters)))
    scores = sklearn.decomposition.PCA(n_directions, random_state=0).fit_transform(table)
    scores /= scores.std(axis=0).clip(min=1e-12)
    single, *several = (_criterion(scores, k) for k in (1, 2, min(n_clusters, len(scores))))
    return single <= min(several)


def _criterion(scores: NDArray, k: int) -> float:
    kind = "full" if k == 1 else "tied"
    mixture = sklearn.mixture.GaussianMixture(k, covariance_type=kind, n_init=3, reg_covar=1e-3, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # of duplicates, or near enough for a comparison
        return mixture.fit(scores).bic(scores)


def _normalised(log_joint: Tensor) -> Any:
    """Probabilities of the labels from log p(y, z) up to a constant of each z: ``(*, C)``."""
    return log_joint.double().softmax(-1).cpu().numpy()
