r"""How far neighbours share a label: a measure of a partition that needs no classes.

For an edge (i, j) drawn from the graph that joins each row with its nearest neighbours, the labels at its two ends
have the mutual information

.. math:: I(y_i, y_j) = \sum_{a, b} P(a, b) \log \frac{P(a, b)}{P(a) P(b)},

which is 0 for labels that say nothing of where a row lies, and reaches the entropy of the labels where no edge joins
two clusters. Of partitions into the same number of clusters it prefers the one that cuts where rows are sparse, and
sizes that are alike: both raise it. It grows with the number of clusters, so it does not tell how many there are.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import entr
from sklearn.neighbors import NearestNeighbors
from sklearn.utils import check_array, check_consistent_length

from ..surroundings import ordinary_settings
from ..validation import checked_size

__all__ = ["NeighbourGraph", "neighbour_information"]


class NeighbourGraph:
    """The graph that joins each row with its nearest neighbours, an edge for each pair of which either is one.

    Parameters
    ----------
    X : array of shape (n_samples, n_features)
        At least two rows.
    n_neighbors : int, default=15
        At most one less than the number of rows is taken.

    Attributes
    ----------
    edges : int array of shape (n_edges, 2)
        Rows at the two ends, the lesser first.
    """

    def __init__(self, X: NDArray, n_neighbors: int = 15) -> None:
        nearest = NearestNeighbors(n_neighbors=min(n_neighbors, len(X) - 1)).fit(X).kneighbors_graph()
        either = nearest.maximum(nearest.T).tocoo()
        once = either.row < either.col
        self.edges = np.column_stack([either.row[once], either.col[once]])

    def information(self, labels: NDArray[np.integer]) -> float:
        """Mutual information, in nats, of labels from 0 on at the ends of an edge."""
        n_labels = labels.max() + 1
        first, second = labels[self.edges].T
        joint = np.bincount(first * n_labels + second, minlength=n_labels**2).reshape(n_labels, n_labels).astype(float)
        joint = (joint + joint.T) / (2 * len(self.edges))
        return max(0.0, float(2 * entr(joint.sum(axis=0)).sum() - entr(joint).sum()))


@ordinary_settings()
def neighbour_information(X: ArrayLike, labels: ArrayLike, n_neighbors: int = 15) -> float:
    """Mutual information of the labels of two rows that are neighbours: 0 to the entropy of the labels, in nats.

    Compare partitions of the same rows into the same number of clusters by it, where no classes are known.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features)
        At least two rows, with Euclidean distances that mean something: latents, reconstructions, scaled columns.
    labels : array-like of shape (n_samples,)
        Of any kind.
    n_neighbors : int, default=15

    Returns
    -------
    information : float

    Raises
    ------
    ValueError
        If there are fewer than two rows, or as many labels as rows are missing.

    Examples
    --------
    >>> from sklid.metrics import neighbour_information
    >>> X = [[0.0], [0.1], [0.2], [9.0], [9.1], [9.2]]
    >>> round(neighbour_information(X, [0, 0, 0, 1, 1, 1], n_neighbors=2), 3)
    0.693
    >>> round(neighbour_information(X, [0, 1, 1, 0, 1, 1], n_neighbors=2), 3)
    0.174
    """
    X = check_array(X, ensure_min_samples=2)
    check_consistent_length(X, labels)
    graph = NeighbourGraph(X, checked_size(n_neighbors, "n_neighbors", "neighbours"))
    return graph.information(np.unique(np.asarray(labels), return_inverse=True)[1])
