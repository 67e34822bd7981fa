"""Where a mixture prior starts: the clusters of the posterior means of a model that was trained with a plain prior.

Which of several starts is taken, the bound decides: the model, hence the reconstruction, is the same, so the best start is the one with the least
divergence of the posteriors from the mixture.
"""

import warnings
from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.cluster import KMeans
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import pairwise_distances_argmin
from sklearn.mixture import GaussianMixture
from torch import Tensor

from .nn import LatentVariableModel, SeparatedMixture, separated

__all__ = ["mixture_start"]

N_STARTING_ROWS = 10_000
N_DRAWS = 10


@torch.no_grad()
def mixture_start(estimator: BaseEstimator, model: LatentVariableModel, x: Tensor, seed: int) -> SeparatedMixture:
    """The best of the estimator's `n_init` starts for the rows x ``(N, P)``."""
    rows = x[torch.randperm(len(x))[:N_STARTING_ROWS]].to(next(model.parameters()).device)
    q = model.encode(rows)
    noise = torch.randn(N_DRAWS // 2, len(rows), model.prior.n_components).to(rows)
    w, log_q = model.draw(q, torch.cat([noise, -noise]))  # in pairs, so that a Gaussian's draws average to its mean
    means = w.mean(0).double().cpu().numpy()
    candidates = [_mixture(estimator, means, *start).to(rows) for start in _starts(estimator, means, seed)]
    return min(candidates, key=lambda prior: prior.divergence(q, w, log_q).mean().item())


def _starts(estimator: BaseEstimator, means: NDArray, seed: int) -> Iterator[tuple[NDArray, NDArray]]:
    """Centres ``(C, K)`` and each row's shares in them ``(N, C)``, once for every start."""
    if not isinstance(estimator.init, str):
        yield _nearest(means, np.asarray(estimator.init, dtype=np.float64))
        return
    for state in range(seed, seed + estimator.n_init):
        if estimator.init == "gmm":
            yield _gaussian_mixture(means, estimator.k, estimator.covariance_type, estimator.scale_bounds[0] ** 2, state)
        elif estimator.init == "kmeans":
            yield _nearest(means, _quietly(KMeans(estimator.k, n_init=1, random_state=state), means).cluster_centers_)
        else:
            yield _nearest(means, means[np.random.default_rng(state).permutation(len(means))[: estimator.k]])


def _gaussian_mixture(means: NDArray, k: int, covariance_type: str, least_variance: float, state: int) -> tuple[NDArray, NDArray]:
    mixture = GaussianMixture(k, covariance_type=covariance_type, reg_covar=least_variance, random_state=state)
    return _quietly(mixture, means).means_, mixture.predict_proba(means)


def _nearest(means: NDArray, centres: NDArray) -> tuple[NDArray, NDArray]:
    """The centres, and the whole of each row to its nearest."""
    return centres, np.eye(len(centres))[pairwise_distances_argmin(means, centres)]


def _quietly(clusterer: BaseEstimator, means: NDArray) -> BaseEstimator:
    """Fitted; a start may stop early and may find fewer clusters than it looks for."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return clusterer.fit(means)


def _mixture(estimator: BaseEstimator, means: NDArray, centres: NDArray, shares: NDArray) -> SeparatedMixture:
    """A mixture with the moments of the rows around each centre, with one pseudo-row of the average covariance in each."""
    sizes = shares.sum(axis=0)
    scatters = np.stack([(share[:, None] * (means - centre)).T @ (means - centre) for share, centre in zip(shares.T, centres, strict=True)])
    average = scatters.sum(axis=0) / len(means)
    scales, axes = _principal_scales((scatters + average) / (sizes + 1)[:, None, None], average, estimator.covariance_type)
    weights = np.full(len(centres), 1.0) if estimator.weights == "uniform" else sizes + 1
    return SeparatedMixture(
        separated(_single(centres), estimator.min_separation),
        _single(scales),
        _single(weights / weights.sum()),
        None if axes is None else _single(axes),
        separation=estimator.min_separation,
        scale_bounds=estimator.scale_bounds,
        fixed_means=estimator.components == "fixed",
        fixed_weights=estimator.weights == "uniform",
    )


def _principal_scales(covariances: NDArray, average: NDArray, covariance_type: str) -> tuple[NDArray, NDArray | None]:
    """Standard deviations, and the axes in columns where they are not those of the coordinates."""
    if covariance_type == "diag":
        return np.sqrt(np.diagonal(covariances, axis1=1, axis2=2)), None
    if covariance_type == "spherical":
        return np.sqrt(np.diagonal(covariances, axis1=1, axis2=2).mean(axis=1, keepdims=True)), None
    variances, axes = np.linalg.eigh(covariances if covariance_type == "full" else average[None])
    return np.sqrt(variances.clip(min=0)), axes


def _single(array: NDArray) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(array)).float()
