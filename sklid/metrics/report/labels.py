r"""Measurements that tell the causes apart by which labels collapse.

*Do the clusters differ?* The information of the label and the latent under the model, all labels equally probable,
bounds what an x could tell of the label. *Does the exact posterior know the label?* With weights w of prior draws z,
:math:`p(y \mid x) = \sum_s w_s \, p(y \mid z_s)`.
"""

import copy
import math
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import entr
from sklearn.base import BaseEstimator
from torch import Tensor
from torch.distributions import MixtureSameFamily

from ..labels import cluster_mutual_information
from .measurements import LabelMeasurements

__all__ = ["exact_information", "measure_labels", "separation_of_clusters", "separation_of_draws"]

N_DRAWS = 2_000


def measure_labels(probabilities: NDArray[np.float64]) -> LabelMeasurements:
    """What q(y | x) alone tells, ``(N, C)``: certain labels tell the entropy of their average, whatever their sizes."""
    n_used = len(np.unique(probabilities.argmax(axis=1)))
    most = float(entr(probabilities.mean(axis=0)).sum())
    return LabelMeasurements(cluster_mutual_information(probabilities), most, n_used, probabilities.shape[1])


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


def _normalised(log_joint: Tensor) -> Any:
    """Probabilities of the labels from log p(y, z) up to a constant of each z: ``(*, C)``."""
    return log_joint.double().softmax(-1).cpu().numpy()
