r"""Measures of posterior collapse on arrays, from any model.

For q(z | x_n) = N(loc_n, diag scale_n^2) and the prior N(0, I_K):

.. math::
    KL = \frac1N \sum_n KL(q(z|x_n) \| p(z)), \quad AU = \#\{d : Var_n(E_q[z_d | x_n]) \ge 0.01\}, \quad
    I_q(x, z) = \frac1N \sum_n E_{q(z|x_n)} \log \frac{q(z | x_n)}{q(z)}

A discrete latent y with probabilities q(y | x_n) can fail in two ways, q(y | x) uniform or the same for every x; the information
:math:`I_q(x, y) = H(\frac1N \sum_n q(y | x_n)) - \frac1N \sum_n H(q(y | x_n))` is 0 in both.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import linear_sum_assignment
from scipy.special import entr, logsumexp
from sklearn.metrics.cluster import contingency_matrix
from sklearn.utils import check_array, check_consistent_length, check_random_state, gen_batches

__all__ = [
    "ActiveUnits",
    "MutualInformation",
    "active_units",
    "cluster_mutual_information",
    "clustering_accuracy",
    "kl_divergence",
    "mutual_information",
]


class ActiveUnits(NamedTuple):
    """Active units: their share of the latents, their count, and the variance of each latent's posterior mean."""

    fraction: float
    count: int
    variances: NDArray[np.floating]


class MutualInformation(NamedTuple):
    """Mutual information in nats with its bracket; `capped` when the lower estimate is near its ceiling log N."""

    value: float
    lower: float
    upper: float
    standard_error: float
    capped: bool


def active_units(loc: ArrayLike, threshold: float = 0.01) -> ActiveUnits:
    """Latents whose posterior mean varies over the data.

    Parameters
    ----------
    loc : array-like of shape (n_samples, n_components)
        Posterior means.
    threshold : float, default=0.01
        Least variance of an active latent, in units of the prior's variance.

    References
    ----------
    Burda, Grosse & Salakhutdinov, "Importance Weighted Autoencoders", ICLR 2016, section 5.2.

    Examples
    --------
    >>> from sklid.metrics import active_units
    >>> active_units([[1.0, 0.0], [-1.0, 0.01]]).count
    1
    """
    variances = check_array(loc, dtype=[np.float64, np.float32]).var(axis=0, dtype=np.float64)
    active = variances >= threshold
    return ActiveUnits(float(active.mean()), int(active.sum()), variances)


def kl_divergence(loc: ArrayLike, scale: ArrayLike) -> NDArray[np.floating]:
    """Mean KL(q(z | x) || N(0, 1)) of each latent, in nats; the total is their sum.

    Parameters
    ----------
    loc, scale : array-like of shape (n_samples, n_components)
        Posterior means and standard deviations.

    Examples
    --------
    >>> from sklid.metrics import kl_divergence
    >>> kl_divergence([[1.0, 0.0]], [[1.0, 1.0]]).tolist()
    [0.5, 0.0]
    """
    loc, scale = _moments(loc, scale)
    return (0.5 * (loc**2 + scale**2 - 1) - np.log(scale)).mean(axis=0)


def mutual_information(loc: ArrayLike, scale: ArrayLike, random_state: int | np.random.RandomState | None = 0) -> MutualInformation:
    """Mutual information of x and z under q, over the whole set of rows, bracketed.

    The aggregate posterior q(z) is the average of all rows' posteriors. With the row itself among them the estimate is at most log N and errs
    low; without it, it errs high, as the mean divergence does. The value is the middle of the bracket.

    Parameters
    ----------
    loc, scale : array-like of shape (n_samples, n_components)
        Posterior means and standard deviations.
    random_state : int, RandomState instance or None, default=0
        For the one draw of z per row.

    References
    ----------
    Hoffman & Johnson, "ELBO surgery", 2016. Poole et al., "On variational bounds of mutual information", ICML 2019, section 2.

    Examples
    --------
    >>> import numpy as np
    >>> from sklid.metrics import mutual_information
    >>> mutual_information(np.zeros((100, 2)), np.ones((100, 2))).upper
    0.0
    """
    loc, scale = _moments(loc, scale)
    z = loc + scale * check_random_state(random_state).standard_normal(loc.shape)
    own, total = _aggregate_log_densities(z, loc, scale)
    n_rows = len(loc)
    with_itself = own - (total - np.log(n_rows))
    others = total + np.log1p(-np.exp(np.minimum(own - total, -1e-12)))
    without = own - (others - np.log(max(n_rows - 1, 1)))
    divergence = float(kl_divergence(loc, scale).sum())
    lower = max(0.0, float(with_itself.mean()))
    upper = max(lower, min(float(without.mean()), divergence))
    error = float(with_itself.std(ddof=1) / np.sqrt(n_rows)) if n_rows > 1 else np.nan
    return MutualInformation((lower + upper) / 2, lower, upper, error, bool(lower > 0.9 * np.log(n_rows)))


def cluster_mutual_information(probabilities: ArrayLike) -> float:
    """Mutual information of x and a discrete latent y, exact on the rows: 0 to log C nats.

    Parameters
    ----------
    probabilities : array-like of shape (n_samples, n_clusters)
        q(y | x) of every row, such as `predict_proba` gives.

    Raises
    ------
    ValueError
        If a row is no distribution.

    Examples
    --------
    >>> from sklid.metrics import cluster_mutual_information
    >>> round(cluster_mutual_information([[1.0, 0.0], [0.0, 1.0]]), 3), cluster_mutual_information([[0.5, 0.5], [0.5, 0.5]])
    (0.693, 0.0)
    """
    probabilities = check_array(probabilities, dtype=np.float64)
    if (probabilities < 0).any() or not np.allclose(probabilities.sum(axis=1), 1.0, atol=1e-4):
        raise ValueError("Every row of probabilities must be non-negative with sum 1, as predict_proba gives them.")
    return max(0.0, float(entr(probabilities.mean(axis=0)).sum() - entr(probabilities).sum(axis=1).mean()))


def clustering_accuracy(labels_true: ArrayLike, labels_pred: ArrayLike) -> float:
    """Share of the rows whose cluster is matched to their class by the best one-to-one matching.

    Parameters
    ----------
    labels_true, labels_pred : array-like of shape (n_samples,)
        Labels of any kind; clusters beyond the number of classes, and classes beyond the number of clusters, stay without a match.

    References
    ----------
    Kuhn, "The Hungarian method for the assignment problem", 1955.

    Examples
    --------
    >>> from sklid.metrics import clustering_accuracy
    >>> clustering_accuracy(["a", "a", "b", "b"], [1, 1, 0, 1])
    0.75
    """
    check_consistent_length(labels_true, labels_pred)
    table = contingency_matrix(labels_true, labels_pred)
    matched = linear_sum_assignment(table, maximize=True)
    return float(table[matched].sum() / table.sum())


def _moments(loc: ArrayLike, scale: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    loc, scale = check_array(loc, dtype=np.float64), check_array(scale, dtype=np.float64)
    check_consistent_length(loc, scale)
    if loc.shape != scale.shape or not (scale > 0).all():
        raise ValueError(f"loc and scale need one shape and positive scales; got {loc.shape}, {scale.shape}, least scale {scale.min():.3g}.")
    return loc, scale


def _aggregate_log_densities(z: NDArray, loc: NDArray, scale: NDArray) -> tuple[NDArray, NDArray]:
    """Log q(z_i | x_i) and log sum_j q(z_i | x_j), in blocks of rows: each ``(N,)``."""
    own = np.empty(len(z))
    total = np.empty(len(z))
    precision = 1 / scale**2
    constant = -(np.log(scale).sum(axis=1) + 0.5 * loc.shape[1] * np.log(2 * np.pi) + 0.5 * (loc**2 * precision).sum(axis=1))
    for block in gen_batches(len(z), max(1, 4_000_000 // len(z))):
        table = constant + z[block] @ (loc * precision).T - 0.5 * z[block] ** 2 @ precision.T
        own[block] = table[np.arange(len(table)), np.arange(len(z))[block]]
        total[block] = logsumexp(table, axis=1)
    return own, total
