"""Where a mixture prior starts: the clusters of the posterior means of a model that was trained with a plain prior.

Which of several starts is taken, the bound decides: the model, hence the reconstruction, is the same, so the best start is the one with the least
divergence of the posteriors from the mixture.
"""

import warnings
from collections.abc import Iterator

import numpy as np
import sklearn  # loads its submodules when they are first used, which halves the time that this package adds to an import
import torch
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import pairwise_distances_argmin
from torch import Tensor

from ..data.table import ModelRows
from ..nn import GaussianClusters, LatentVariableModel, SeparatedMixture, separated

__all__ = ["initial_mixture"]

N_STARTING_ROWS = 10_000
N_DRAWS = 10


@torch.no_grad()
def initial_mixture(estimator: BaseEstimator, model: LatentVariableModel, x: Tensor | ModelRows, seed: int) -> SeparatedMixture:
    """The best of the estimator's `n_init` starts for the rows x ``(N, P)``."""
    rows = x[torch.randperm(len(x))[:N_STARTING_ROWS]].to(next(model.parameters()).device)
    q = model.encode(rows)
    noise = torch.randn(N_DRAWS // 2, len(rows), model.prior.n_components).to(rows)
    w, log_q = model.draw(q, torch.cat([noise, -noise]))  # in pairs, so that a Gaussian's draws average to its mean
    means, decoded = _finite(w.mean(0)), _finite(model.likelihood.mean(model.natural_parameters(w.mean(0))))
    candidates = [_mixture(estimator, means, *start).to(rows) for start in _starts(estimator, means, decoded, seed)]
    return min(candidates, key=lambda prior: prior.divergences(q, w, log_q).sum(-1).mean().item())


def _starts(estimator: BaseEstimator, means: NDArray, decoded: NDArray, seed: int) -> Iterator[tuple[NDArray, NDArray]]:
    """Centres ``(C, K)`` and each row's shares in them ``(N, C)``: one start from the reconstructions, one from the latents, and so on."""
    if not isinstance(estimator.init, str):
        centres = np.asarray(estimator.init, dtype=np.float64)
        yield centres, np.eye(estimator.k)[pairwise_distances_argmin(means, centres)]
        return
    for number in range(estimator.n_init):
        shares = np.eye(estimator.k)[_partition(estimator, (decoded, means)[number % 2], seed + number)]
        if estimator.init == "gmm":
            shares = _refined(estimator, means, shares)
        yield _centres(means, shares), shares


def _partition(estimator: BaseEstimator, points: NDArray, state: int) -> NDArray[np.integer]:
    """A cluster for each point: by k-means, or by the nearest of k random points."""
    if estimator.init == "random":
        return pairwise_distances_argmin(points, points[np.random.default_rng(state).permutation(len(points))[: estimator.k]])
    return _quietly(sklearn.cluster.KMeans(estimator.k, n_init=1, random_state=state), points).labels_


def _refined(estimator: BaseEstimator, means: NDArray, shares: NDArray) -> NDArray[np.float64]:
    """The shares after expectation-maximisation of a Gaussian mixture from where they are."""
    centres, kind = _centres(means, shares), estimator.covariance_type
    scales, axes = _principal_scales(*_covariances(means, centres, shares), kind)
    least = estimator.scale_bounds[0]
    precisions = scales.clip(min=least) ** -2
    if axes is not None:
        precisions = (axes * precisions[:, None]) @ axes.transpose(0, 2, 1)
    shaped = {"full": precisions, "tied": precisions[0], "diag": precisions, "spherical": precisions.ravel()}[kind]
    start = {"weights_init": (shares.sum(axis=0) + 1) / (len(means) + estimator.k), "means_init": centres, "precisions_init": shaped}
    settings = {"covariance_type": kind, "reg_covar": least**2, "init_params": "random_from_data", "random_state": 0}
    mixture = sklearn.mixture.GaussianMixture(estimator.k, **settings, **start)
    return _quietly(mixture, means).predict_proba(means)


def _quietly(clusterer: BaseEstimator, means: NDArray) -> BaseEstimator:
    """Fitted; a start may stop early and may find fewer clusters than it looks for."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return clusterer.fit(means)


def _mixture(estimator: BaseEstimator, means: NDArray, centres: NDArray, shares: NDArray) -> SeparatedMixture:
    """A mixture with the moments of the rows around each centre."""
    scales, axes = _principal_scales(*_covariances(means, centres, shares), estimator.covariance_type)
    weights = np.ones(estimator.k) if estimator.mixture_weights == "uniform" else shares.sum(axis=0) + 1
    clusters = GaussianClusters(_single(scales), means.shape[1], None if axes is None else _single(axes), estimator.scale_bounds)
    return SeparatedMixture(
        separated(_single(centres), estimator.min_separation),
        clusters,
        _single(weights / weights.sum()),
        separation=estimator.min_separation,
        fixed_means=estimator.cluster_means == "fixed",
        fixed_weights=estimator.mixture_weights == "uniform",
    )


def _centres(means: NDArray, shares: NDArray) -> NDArray[np.float64]:
    """The average of each cluster's rows ``(C, K)``, and of all rows where a cluster has next to none."""
    sizes = shares.sum(axis=0)[:, None]
    return (shares.T @ means + 1e-6 * means.mean(axis=0)) / (sizes + 1e-6)


def _covariances(means: NDArray, centres: NDArray, shares: NDArray) -> tuple[NDArray, NDArray]:
    """Covariances ``(C, K, K)`` of the rows around each centre, with one pseudo-row of the average covariance in each; and that average."""
    scatters = np.stack([(share[:, None] * (means - centre)).T @ (means - centre) for share, centre in zip(shares.T, centres, strict=True)])
    average = scatters.sum(axis=0) / len(means)
    return (scatters + average) / (shares.sum(axis=0) + 1)[:, None, None], average


def _principal_scales(covariances: NDArray, average: NDArray, covariance_type: str) -> tuple[NDArray, NDArray | None]:
    """Standard deviations, and the axes in columns where they are not those of the coordinates."""
    if covariance_type == "diag":
        return np.sqrt(np.diagonal(covariances, axis1=1, axis2=2)), None
    if covariance_type == "spherical":
        return np.sqrt(np.diagonal(covariances, axis1=1, axis2=2).mean(axis=1, keepdims=True)), None
    variances, axes = np.linalg.eigh(covariances if covariance_type == "full" else average[None])
    return np.sqrt(variances.clip(min=0)), axes


def _finite(points: Tensor) -> NDArray[np.float64]:
    """As an array; what a training that diverges makes of a row counts as 0, and the next phase tells of it."""
    return torch.nan_to_num(points.double(), nan=0.0, posinf=0.0, neginf=0.0).cpu().numpy()


def _single(array: NDArray) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(array)).float()
