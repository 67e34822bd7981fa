"""The clusters of a fitted estimator: rows, and the clusters of its mixture, in a plane of the latent space."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator
from sklearn.utils import check_consistent_length

from .style import AxesDisplay, scatter

__all__ = ["ClusterDisplay"]


@dataclass(eq=False, repr=False)
class ClusterDisplay(AxesDisplay):
    """Rows, and the clusters of the mixture, in the plane of latent space that best separates the clusters' means.

    Parameters
    ----------
    points : array of shape (n_samples, 2)
        Posterior means.
    means, covariances : arrays of shape (k, 2) and (k, 2, 2)
        Of the clusters.
    n_used : int
        Clusters that are the most probable of some row.
    labels : array of shape (n_samples,), optional
        Colours the points.
    """

    points: NDArray
    means: NDArray
    covariances: NDArray
    n_used: int
    labels: ArrayLike | None = None

    @classmethod
    def from_estimator(cls, estimator: BaseEstimator, X: ArrayLike, labels: ArrayLike | None = None) -> Self:
        """Project the rows X and the clusters of a fitted clustering estimator.

        Without labels its own colour the points.
        """
        if not hasattr(estimator, "mixture"):
            raise TypeError(
                "ClusterDisplay shows the mixture of a clustering of this package, and a "
                f"{type(estimator).__name__} has none."
            )
        clusters = estimator.predict(X)
        if labels is not None:
            check_consistent_length(X, labels)
        _, means, covariances = estimator.mixture()
        centre = estimator.weights_ @ means
        plane = np.linalg.svd(np.sqrt(estimator.weights_)[:, None] * (means - centre), full_matrices=False)[2][:2].T
        if plane.shape[1] == 1:
            plane = np.hstack([plane, np.zeros_like(plane)])
        used = clusters if labels is None else labels
        points, places = (estimator.transform(X) - centre) @ plane, (means - centre) @ plane
        return cls(points, places, plane.T @ covariances @ plane, len(np.unique(clusters)), used)

    def plot(self, ax: Any = None) -> Self:
        """Draw the points, and each cluster as an ellipse of two standard deviations."""
        from matplotlib.patches import Ellipse

        ax = self._take_axes(ax, (5, 5))
        for mean, covariance in zip(self.means, self.covariances, strict=True):
            variances, directions = np.linalg.eigh(covariance)
            angle = np.degrees(np.arctan2(directions[1, 1], directions[0, 1]))
            width, height = 4 * np.sqrt(variances[::-1].clip(min=0))
            ax.add_patch(Ellipse(mean, width, height, angle=angle, facecolor="none", edgecolor="0.45", linewidth=1))
        scatter(ax, *self.points.T, self.labels)
        ax.set(
            xlabel="plane of the means, first axis",
            ylabel="second axis",
            aspect="equal",
            title=f"{self.n_used} of {len(self.means)} clusters used",
        )
        return self
