r"""How many clusters there are: as many as stay when those without a valley between them are merged.

Let :math:`f_i` be the density at row i by its nearest neighbours, in a plane that keeps neighbourhoods. Two clusters
meet along the edges (i, j) of the neighbourhood graph that join them, and the valley there is as high as the highest of

.. math:: \min(f_i, f_j), \qquad \text{against the median of } f \text{ in the thinner of the two.}

Rows that are one cluster, cut in two, are as dense at the cut as anywhere. This is the persistence of a mode (Chazal,
Guibas, Oudot & Skraba, "Persistence-based clustering in Riemannian manifolds", J. ACM 2013), measured from the median
of a cluster instead of from its peak, which is the noise of one row.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.neighbors import NearestNeighbors

from .neighbourhoods import Layout, ward

__all__ = ["Merging", "found_clusters", "merged_without_valley"]

N_NEIGHBOURS = 15
N_HIGHEST = 5
"""Edges over which the height of a valley is averaged."""
MOST_CLUSTERS, ROWS_PER_CLUSTER = 30, 10
"""Clusters to begin with, and how many rows there are for each at least."""
DEEPEST = 0.4
"""Clusters are one if the density of the valley between them is at least this share of their own."""


class Merging(NamedTuple):
    """Two clusters that became one, or that would be the next.

    Attributes
    ----------
    n_clusters : int
        Before it.
    valley : float
        Density of the valley between them as a share of that of the thinner; 0 where nothing joins them.
    """

    n_clusters: int
    valley: float


def found_clusters(layout: Layout) -> tuple[int, list[Merging]]:
    """How many clusters the points of a layout have, and how many clusters became so few."""
    n_first = min(MOST_CLUSTERS, layout.n_different // ROWS_PER_CLUSTER)
    if n_first < 2:
        return 1, []
    labels, mergings = merged_without_valley(layout.plane, ward(layout.plane, n_first))
    return int(labels.max()) + 1, mergings


def merged_without_valley(
    plane: NDArray, labels: NDArray[np.integer], deepest: float = DEEPEST
) -> tuple[NDArray[np.integer], list[Merging]]:
    """Labels after merging, the shallowest valley first, and what was merged, with the first that was not at the end.

    Parameters
    ----------
    plane : array of shape (N, 2)
    labels : int array of shape (N,)
        Of more clusters than there may be.
    deepest : float, default=0.4

    Returns
    -------
    labels : int array of shape (N,)
        From 0 on without gaps.
    mergings : list of Merging
    """
    passes, mergings = _Passes(plane), []
    labels = np.unique(labels, return_inverse=True)[1]
    while labels.max() > 0:
        valley, kept, gone = passes.shallowest(labels)
        mergings.append(Merging(int(labels.max()) + 1, valley))
        if valley < deepest:
            break
        labels = np.unique(np.where(labels == gone, kept, labels), return_inverse=True)[1]
    return labels, mergings


class _Passes:
    """Log-densities of points in a plane, and the edges to their nearest neighbours."""

    def __init__(self, plane: NDArray) -> None:
        n_neighbours = min(N_NEIGHBOURS, len(plane) - 1)
        distances, neighbours = NearestNeighbors(n_neighbors=n_neighbours).fit(plane).kneighbors()
        self.log_density = -plane.shape[1] * np.log(distances[:, -1] + 1e-12)
        self.ends = np.column_stack([np.repeat(np.arange(len(plane)), n_neighbours), neighbours.ravel()])
        self.heights = self.log_density[self.ends].min(axis=1)

    def shallowest(self, labels: NDArray[np.integer]) -> tuple[float, int, int]:
        """The shallowest valley between two clusters, as a share of their density, and the two."""
        levels = [np.median(self.log_density[labels == label]) for label in range(labels.max() + 1)]
        pairs = np.sort(labels[self.ends], axis=1)
        crossing = pairs[:, 0] != pairs[:, 1]
        shallowest = (0.0, 0, 1)
        for first, second in np.unique(pairs[crossing], axis=0):
            heights = np.sort(self.heights[(pairs == (first, second)).all(axis=1)])[-N_HIGHEST:]
            share = float(np.exp(heights.mean() - min(levels[first], levels[second])))
            shallowest = max(shallowest, (share, int(first), int(second)))
        return shallowest
