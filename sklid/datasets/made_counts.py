"""Counts that are made, with their truth known."""

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import check_random_state

from ..validation import check_finite, checked_size

__all__ = ["make_cells"]


def make_cells(
    n_samples: int = 1000,
    n_features: int = 200,
    n_types: int = 5,
    *,
    library: float = 500.0,
    dispersion: float = 2.0,
    marker_share: float = 0.1,
    marker_std: float = 1.5,
    random_state: int | np.random.RandomState | None = None,
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    r"""Counts of genes in single cells of several types, whose depth differs from cell to cell.

    .. math:: x_{id} \mid y_i \sim NB(\ell_i \rho_{y_i d}, \theta), \qquad
        \rho_c = \operatorname{softmax}(b + m_c), \qquad \log \ell_i \sim N(\log L - 1/8, 1/4)

    where NB has the mean :math:`\mu` and the variance :math:`\mu + \mu^2 / \theta`. The b are standard normal, one for
    each gene; the :math:`m_c` are normal at the markers of a type, a random share of the genes, and 0 elsewhere.

    Parameters
    ----------
    n_samples, n_features, n_types : int, default=1000, 200 and 5
        Cells, genes, and types that are alike in number on average.
    library : float, default=500.0
        L, the mean number of counts of a cell.
    dispersion : float, default=2.0
        :math:`\theta`; the smaller, the more counts vary.
    marker_share : float, default=0.1
        Of the genes, between 0 and 1. With 0 all types are alike.
    marker_std : float, default=1.5
        Standard deviation of the log rate of a marker between types.
    random_state : int, RandomState instance or None, default=None

    Returns
    -------
    X : int array of shape (n_samples, n_features)
        Counts. A cell or a gene may have none.
    y : int array of shape (n_samples,)
        The type of each cell.
    means : array of shape (n_samples, n_features)
        :math:`\ell_i \rho_{y_i d}`, what each count is on average.

    Raises
    ------
    ValueError
        If a size is not a whole number of at least 1, the library or the dispersion is not a finite positive number,
        the share is not between 0 and 1, or the standard deviation is negative or not finite.

    References
    ----------
    Lopez, Regier, Cole, Jordan & Yosef, "Deep generative modeling for single-cell transcriptomics", Nature Methods
    2018, for the distribution of counts given what a cell is.

    Examples
    --------
    >>> from sklid.datasets import make_cells
    >>> X, y, means = make_cells(100, 50, random_state=0)
    >>> X.shape, means.shape, sorted(set(y.tolist()))
    ((100, 50), (100, 50), [0, 1, 2, 3, 4])
    """
    n_samples, n_features = checked_size(n_samples), checked_size(n_features, "n_features", "genes")
    n_types = checked_size(n_types, "n_types", "types")
    check_finite("library", library, least=0, boundaries="neither")
    check_finite("dispersion", dispersion, least=0, boundaries="neither")
    check_finite("marker_share", marker_share, least=0, most=1)
    check_finite("marker_std", marker_std, least=0)
    random = check_random_state(random_state)
    markers = random.random_sample((n_types, n_features)) < marker_share
    log_rates = random.standard_normal(n_features) + marker_std * markers * random.standard_normal(markers.shape)
    rates = np.exp(log_rates - log_rates.max(axis=1, keepdims=True))
    y = random.randint(n_types, size=n_samples)
    depths = library * random.lognormal(-1 / 8, 1 / 2, size=n_samples)
    means = depths[:, None] * (rates / rates.sum(axis=1, keepdims=True))[y]
    X = random.poisson(random.gamma(dispersion, means / dispersion))
    return X, y, means
