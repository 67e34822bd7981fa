"""The mixture of a fitted clustering: how many clusters, their weights, means and covariances."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import pdist
from sklearn.utils.validation import check_is_fitted

from ..surroundings import without_gradients
from .valleys import DEEPEST, ROWS_PER_CLUSTER, Merging

__all__ = ["MixtureAttributes"]


class MixtureAttributes:
    """What a clustering says of its clusters."""

    k: int | str
    covariance_type: str
    net_: Any
    _mergings: list[Merging]

    @property
    def n_clusters_(self) -> int:
        check_is_fitted(self)
        return self.net_.module_.prior.n_labels

    @property
    def n_clusters_reason_(self) -> str:
        check_is_fitted(self)
        if self.k != "auto":
            return f"k={self.k} was given."
        if not self._mergings:
            return f"There are fewer than {2 * ROWS_PER_CLUSTER} different rows, too few to tell clusters apart."
        first, last = self._mergings[0], self._mergings[-1]
        if last.valley >= DEEPEST:
            return (
                f"All {first.n_clusters} clusters of the start were merged: the deepest valley, between the last two, "
                f"has {last.valley:.2f} of their density, and one less than {DEEPEST} would keep them apart."
            )
        merged = f"{first.n_clusters} clusters of the start were merged to {last.n_clusters}"
        if first is last:
            merged = f"None of the {first.n_clusters} clusters of the start was merged, so there may be more: pass k"
        else:
            merged += f", where the last valley that was none had {self._mergings[-2].valley:.2f} of the density around"
        return f"{merged}; the shallowest that is left has {last.valley:.2f}, less than {DEEPEST}."

    @property
    def weights_(self) -> NDArray[np.floating]:
        return self.mixture()[0]

    @property
    def means_(self) -> NDArray[np.floating]:
        return self.mixture()[1]

    @property
    def covariances_(self) -> NDArray[np.floating]:
        covariances = self.mixture()[2]
        if self.covariance_type == "tied":
            return covariances[0]
        if self.covariance_type == "full":
            return covariances
        variances = np.diagonal(covariances, axis1=1, axis2=2)
        return variances if self.covariance_type == "diag" else variances[:, 0]

    @property
    def precisions_(self) -> NDArray[np.floating]:
        covariances = self.covariances_
        return np.linalg.inv(covariances) if self.covariance_type in ("full", "tied") else 1 / covariances

    @property
    def cluster_separation_(self) -> float:
        return float(pdist(self.means_).min(initial=np.inf))

    @without_gradients()
    def mixture(self) -> tuple[NDArray[np.floating], NDArray[np.floating], NDArray[np.floating]]:
        """The clusters in the order of the labels, whatever the covariance type.

        Returns
        -------
        weights, means, covariances : arrays of shape (k,), (k, n_components) and (k, n_components, n_components)
        """
        check_is_fitted(self)
        prior = self.net_.module_.prior
        return tuple(part.cpu().numpy() for part in (prior.weights(), prior.means(), prior.covariances()))
