r"""How far neighbours share a label: a measure of a partition that needs no classes.

For an edge (i, j) drawn from the graph that joins each row with its nearest neighbours, the labels at its two ends
have the mutual information

.. math:: I(y_i, y_j) = \sum_{a, b} P(a, b) \log \frac{P(a, b)}{P(a) P(b)},

which is 0 for labels that say nothing of where a row lies, and reaches the entropy of the labels where no edge joins
two clusters. Of partitions into the same number of clusters it prefers the one that cuts where rows are sparse, and
sizes that are alike: both raise it. It grows with the number of clusters, so it does not tell how many there are.

Rows that are equal are one point of the graph: they are no neighbours of each other, which would say nothing of where
clusters part. An edge counts once for each pair of rows at its two ends.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_array
from scipy.special import entr
from sklearn.neighbors import NearestNeighbors
from sklearn.utils import check_array, check_consistent_length

from ..surroundings import ordinary_settings
from ..validation import checked_size
from .labels import label_codes

__all__ = ["Distinct", "NeighbourGraph", "distinct_points", "neighbour_information"]

N_DIGITS = 6


class Distinct(NamedTuple):
    """Which rows are equal.

    Attributes
    ----------
    first : int array of shape (n_distinct,)
        The first of each kind, in increasing order.
    place : int array of shape (n_samples,)
        Where in `first` the row is that each row is equal to.
    """

    first: NDArray[np.integer]
    place: NDArray[np.integer]


def distinct_points(points: NDArray) -> Distinct:
    """Rows that are equal to 6 digits of the largest deviation from the mean."""
    centred = points - points.mean(axis=0)
    span = np.abs(centred).max()
    keys = np.round(centred / (span or 1.0), N_DIGITS) + 0.0  # no zero is negative
    _, first, place = np.unique(keys, axis=0, return_index=True, return_inverse=True)
    order = np.argsort(first)
    return Distinct(first[order], np.argsort(order)[place.ravel()])


class NeighbourGraph:
    """The graph that joins each point with its nearest neighbours, an edge for each pair of which either is one.

    Parameters
    ----------
    X : array of shape (n_samples, n_features)
        At least two rows.
    n_neighbors : int, default=15
        At most one less than the number of distinct rows is taken.
    distinct : Distinct, optional
        That of the rows, where it is known.

    Attributes
    ----------
    place : int array of shape (n_samples,)
        The point of each row.
    edges : sparse array of shape (n_points, n_points)
        1 where two points are joined, symmetric.
    """

    def __init__(self, X: NDArray, n_neighbors: int = 15, distinct: Distinct | None = None) -> None:
        first, self.place = distinct_points(X) if distinct is None else distinct
        points = _of_ordinary_size(X if len(first) == len(X) else X[first])
        if len(points) == 1:
            self.edges = csr_array((1, 1))
            return
        nearest = NearestNeighbors(n_neighbors=min(n_neighbors, len(points) - 1)).fit(points).kneighbors_graph()
        self.edges = csr_array(nearest.maximum(nearest.T))

    def information(self, labels: NDArray[np.integer]) -> float:
        """Mutual information, in nats, of labels of the rows, from 0 on, at the ends of an edge."""
        counts = csr_array((np.ones(len(labels)), (self.place, labels)), shape=(self.edges.shape[0], labels.max() + 1))
        joint = counts.T @ self.edges @ counts
        total = joint.sum()
        if total == 0:
            return 0.0
        return max(0.0, float(2 * entr(joint.sum(axis=0) / total).sum() - entr(joint.tocsr().data / total).sum()))


def _of_ordinary_size(points: NDArray) -> NDArray:
    """The points times a power of two, which rounds nothing, so that no squared distance overflows or vanishes."""
    return np.ldexp(points, -int(np.frexp(np.abs(points).max())[1]))


@ordinary_settings()
def neighbour_information(X: ArrayLike, labels: ArrayLike, n_neighbors: int = 15) -> float:
    """Mutual information of the labels of two rows that are neighbours: 0 to the entropy of the labels, in nats.

    Compare partitions of the same rows into the same number of clusters by it, where no classes are known. Equal rows
    are one point of the graph and no neighbours of each other.

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
        If there are fewer than two rows, or not as many labels as rows, or `labels` is no list of single labels.

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
    return graph.information(label_codes(labels))
