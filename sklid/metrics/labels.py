r"""Measures of a discrete latent y: its information about x, and its agreement with known classes.

A discrete latent can fail in two ways, q(y | x) uniform or the same for every x. The information

.. math:: I_q(x, y) = H\Big( \frac1N \sum_n q(y | x_n) \Big) - \frac1N \sum_n H(q(y | x_n))

is 0 in both. Accuracy need not show either: the argmax of an almost uniform q(y | x) can agree with the classes all the
same.
"""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse
from scipy.optimize import linear_sum_assignment
from scipy.special import entr
from sklearn.metrics.cluster import contingency_matrix
from sklearn.utils import check_array, check_consistent_length

from ..data.blocks import row_blocks
from ..surroundings import ordinary_settings
from .sources import last_step

__all__ = [
    "cluster_mutual_information",
    "clustering_accuracy",
    "label_codes",
    "label_probabilities",
    "majority_vote_accuracy",
]


@ordinary_settings()
def cluster_mutual_information(first: Any, second: Any = None) -> float:
    """Mutual information of x and a discrete latent y, exact on the rows: 0 to log C nats.

    Parameters
    ----------
    first, second
        Probabilities q(y | x) of shape (n_samples, n_clusters) alone, such as `predict_proba` gives; or a fitted
        estimator with that method, such as `LIDGMVAEClustering`, `sklearn.mixture.GaussianMixture` or a `Pipeline` that
        ends in one, and rows X.

    Returns
    -------
    information : float

    Raises
    ------
    ValueError
        If a row of probabilities is no distribution.

    Examples
    --------
    >>> from sklid.metrics import cluster_mutual_information
    >>> round(cluster_mutual_information([[1.0, 0.0], [0.0, 1.0]]), 3)
    0.693
    >>> cluster_mutual_information([[0.5, 0.5], [0.5, 0.5]])
    0.0
    """
    probabilities = label_probabilities(first, second)
    return max(0.0, float(entr(probabilities.mean(axis=0)).sum() - entr(probabilities).sum(axis=1).mean()))


def label_probabilities(first: Any, second: Any = None) -> NDArray[np.float64]:
    """q(y | x) as checked rows that sum to one, from probabilities or from an estimator and its rows."""
    if hasattr(first, "predict_proba"):
        first = _probabilities(first, second)
    given = np.asarray(first)
    probabilities = check_array(given, dtype=np.float64, input_name="probabilities")
    rounding = np.finfo(given.dtype).eps * given.shape[1] if np.issubdtype(given.dtype, np.floating) else 0.0
    if (probabilities < 0).any() or not np.allclose(probabilities.sum(axis=1), 1.0, atol=max(1e-4, rounding)):
        raise ValueError("Every row of probabilities must be non-negative with sum 1, as predict_proba gives them.")
    return probabilities


def _probabilities(model: Any, X: Any) -> NDArray:
    """What a model says of rows; of sparse ones in dense blocks."""
    if not sparse.issparse(X):
        return model.predict_proba(X)
    model, X = last_step(model, X)
    if not sparse.issparse(X):
        return model.predict_proba(X)
    return np.concatenate([model.predict_proba(block.toarray()) for block in row_blocks(X.tocsr())])


@ordinary_settings()
def clustering_accuracy(labels_true: ArrayLike, labels_pred: ArrayLike) -> float:
    """Share of the rows whose cluster is matched to their class by the best one-to-one matching.

    Parameters
    ----------
    labels_true, labels_pred : array-like of shape (n_samples,)
        Labels of any kind; clusters beyond the number of classes, and classes beyond the number of clusters, stay
        without a match.

    Returns
    -------
    accuracy : float
        0 to 1.

    See Also
    --------
    majority_vote_accuracy : Many clusters may stand for one class, so that it grows with the number of clusters.

    References
    ----------
    Kuhn, "The Hungarian method for the assignment problem", 1955.

    Examples
    --------
    >>> from sklid.metrics import clustering_accuracy
    >>> clustering_accuracy(["a", "a", "b", "b"], [1, 1, 0, 1])
    0.75
    """
    table = _contingency(labels_true, labels_pred)
    matched = linear_sum_assignment(table, maximize=True)
    return float(table[matched].sum() / table.sum())


@ordinary_settings()
def majority_vote_accuracy(labels_true: ArrayLike, labels_pred: ArrayLike) -> float:
    """Share of the rows that are of the most frequent class of their cluster, also called purity.

    Many clusters may stand for one class: with one cluster per row it is 1. It is never below `clustering_accuracy`.

    Parameters
    ----------
    labels_true, labels_pred : array-like of shape (n_samples,)

    Returns
    -------
    accuracy : float
        0 to 1.

    References
    ----------
    Manning, Raghavan & Schütze, "Introduction to Information Retrieval", 2008, section 16.3.

    Examples
    --------
    >>> from sklid.metrics import majority_vote_accuracy
    >>> majority_vote_accuracy(["a", "a", "b", "b"], [0, 1, 2, 2])
    1.0
    """
    table = _contingency(labels_true, labels_pred)
    return float(table.max(axis=0).sum() / table.sum())


def _contingency(labels_true: ArrayLike, labels_pred: ArrayLike) -> NDArray[np.int64]:
    check_consistent_length(labels_true, labels_pred)
    if len(labels_true) == 0:
        raise ValueError("labels_true and labels_pred are empty; pass one label for each row, of at least one row.")
    return contingency_matrix(label_codes(labels_true), label_codes(labels_pred))


def label_codes(labels: ArrayLike) -> NDArray[np.integer]:
    """A number from 0 on for each label, of whatever kind; ValueError where a row has not one label."""
    given = np.asarray(labels)
    if given.ndim != 1:
        raise ValueError(f"Labels must be a list with one for each row, and they have the shape {given.shape}.")
    try:
        return np.unique(given, return_inverse=True)[1]
    except TypeError:  # such as None among strings, which have no order
        codes: dict[Any, int] = {}
        return np.array([codes.setdefault(label, len(codes)) for label in given])
