"""Initial clusters of a mixture prior: those of the posterior means of a model that was trained with a plain prior.

Clusters are taken from the neighbourhoods of the rows, or from a Gaussian mixture or k-means fitted to the latents. Of
several Gaussian mixtures, or runs of k-means, the bound decides: the model, hence the reconstruction, is the same, so
the best is the one with the least divergence of the posteriors from the mixture.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.metrics import pairwise_distances_argmin
from torch import Tensor

from ..data.blocks import n_initial_rows
from ..data.table import ModelRows
from ..metrics.mixtures import stopping_mixture
from ..nn import LatentVariableModel, SeparatedMixture, separated
from .cluster_families import FAMILIES
from .neighbourhoods import Layout, best_partition, k_means
from .valleys import Merging, found_clusters

__all__ = ["MixtureStart"]

N_DRAWS = 10
ITERATION_NUMBERS, FEWEST_ITERATIONS, MOST_ITERATIONS = 10**8, 5, 100
"""Rows times clusters times latents times iterations of expectation-maximisation that a start may take, and how many
iterations it takes at least and at most: for hundreds of clusters they would cost more than the training."""


@dataclass(frozen=True)
class MixtureStart:
    """How a mixture is initialised.

    Parameters
    ----------
    k, covariance_type, min_separation, scale_bounds, init, n_init
        As in `LIDGMVAEClustering`.
    fixed_means, uniform_weights : bool
        Whether the means keep their initial values, and the weights are equal for good.
    family : str, default="gaussian"
        Of the clusters, as in `LIDMVAEClustering`.
    """

    k: int | str
    covariance_type: str
    min_separation: float
    scale_bounds: tuple[float, float]
    init: str | ArrayLike
    n_init: int
    fixed_means: bool
    uniform_weights: bool
    family: str = "gaussian"

    @torch.no_grad()
    def mixture(
        self, model: LatentVariableModel, x: Tensor | ModelRows, seed: int
    ) -> tuple[SeparatedMixture, list[Merging]]:
        """The best of the mixtures for the rows x ``(N, P)`` of a model.

        With ``k="auto"`` also how the number of its clusters was found.
        """
        n_rows = max(n_initial_rows(x.shape[1]), 0 if self.k == "auto" else self.k)
        rows = x[torch.randperm(len(x))[:n_rows]].to(next(model.parameters()).device)
        q = model.encode(rows)
        noise = torch.randn(N_DRAWS // 2, len(rows), model.prior.n_components).to(rows)
        w, log_q = model.draw(q, torch.cat([noise, -noise]))  # in pairs, so that a Gaussian's draws average to its mean
        means = _finite(w.mean(0))
        decoded = _finite(model.likelihood.mean(model.natural_parameters(w.mean(0))))  # no exposure makes a cluster
        start, mergings, layout = self, [], Layout(means, seed)
        if self.k == "auto":
            n_clusters, mergings = found_clusters(layout)
            start = replace(self, k=n_clusters)
        candidates = [start._mixture(means, *initial).to(rows) for initial in start._initial(layout, decoded, seed)]
        best = min(candidates, key=lambda prior: prior.divergences(q, w, log_q).sum(-1).mean().item())
        return best, mergings

    def _initial(self, latents: Layout, decoded: NDArray, seed: int) -> Iterator[tuple[NDArray, NDArray]]:
        """Centres ``(C, K)`` and each row's shares in them ``(N, C)``.

        Of a Gaussian mixture, k-means or random points, one such pair is from the reconstructions, one from the
        latents, and so on.
        """
        means = latents.points
        if not isinstance(self.init, str):
            centres = np.asarray(self.init, dtype=np.float64)
            yield centres, np.eye(self.k)[pairwise_distances_argmin(means, centres)]
            return
        if self.init == "graph":
            shares = np.eye(self.k)[best_partition(Layout(decoded, seed), latents, self.k, self.n_init)]
            yield _centres(means, shares), shares
            return
        for number in range(self.n_init):
            shares = np.eye(self.k)[self._partition((decoded, means)[number % 2], seed + number)]
            if self.init == "gmm":
                shares = self._refined(means, shares)
            yield _centres(means, shares), shares

    def _partition(self, points: NDArray, state: int) -> NDArray[np.integer]:
        """A cluster for each point: by k-means, or by the nearest of k random points."""
        if self.init == "random":
            return pairwise_distances_argmin(
                points, points[np.random.default_rng(state).permutation(len(points))[: self.k]]
            )
        return k_means(points, self.k, state)

    def _refined(self, means: NDArray, shares: NDArray) -> NDArray[np.float64]:
        """The shares after expectation-maximisation of a Gaussian mixture from where they are."""
        centres, kind = _centres(means, shares), self.covariance_type
        scales, axes = _principal_scales(*_covariances(means, centres, shares), kind)
        least = self.scale_bounds[0]
        precisions = scales.clip(min=least) ** -2
        if axes is not None:
            precisions = (axes * precisions[:, None]) @ axes.transpose(0, 2, 1)
        shaped = {"full": precisions, "tied": precisions[0], "diag": precisions, "spherical": precisions.ravel()}[kind]
        initial = {
            "weights_init": (shares.sum(axis=0) + 1) / (len(means) + self.k),
            "means_init": centres,
            "precisions_init": shaped,
        }
        settings = {
            "max_iter": _clipped(ITERATION_NUMBERS // (self.k * means.size)),
            "covariance_type": kind,
            "reg_covar": least**2,
            "init_params": "random_from_data",
            "random_state": 0,
        }
        return stopping_mixture(self.k, **settings, **initial).fit(means).predict_proba(means)

    def _mixture(self, means: NDArray, centres: NDArray, shares: NDArray) -> SeparatedMixture:
        """A mixture with the moments of the rows around each centre."""
        scales, axes = _principal_scales(*_covariances(means, centres, shares), self.covariance_type)
        weights = np.ones(self.k) if self.uniform_weights else shares.sum(axis=0) + 1
        family, bounds = FAMILIES[self.family], self.scale_bounds
        least_code = family.least_code(bounds, is_given=not isinstance(self.init, str))
        codes = separated(_single(centres), self.min_separation, least_code)
        clusters = family.clusters(_single(scales), codes, None if axes is None else _single(axes), bounds)
        return SeparatedMixture(
            codes,
            clusters,
            _single(weights / weights.sum()),
            separation=self.min_separation,
            fixed_means=self.fixed_means,
            fixed_weights=self.uniform_weights,
            least_mean=family.least_mean(bounds),
        )


def _clipped(n_iterations: int) -> int:
    return min(max(n_iterations, FEWEST_ITERATIONS), MOST_ITERATIONS)


def _centres(means: NDArray, shares: NDArray) -> NDArray[np.float64]:
    """The average of each cluster's rows ``(C, K)``, and of all rows where a cluster has next to none."""
    sizes = shares.sum(axis=0)[:, None]
    return (shares.T @ means + 1e-6 * means.mean(axis=0)) / (sizes + 1e-6)


def _covariances(means: NDArray, centres: NDArray, shares: NDArray) -> tuple[NDArray, NDArray]:
    """Covariances ``(C, K, K)`` of the rows around each centre, and their average.

    Each has one pseudo-row of the average covariance.
    """
    scatters = np.stack(
        [
            (share[:, None] * (means - centre)).T @ (means - centre)
            for share, centre in zip(shares.T, centres, strict=True)
        ]
    )
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
