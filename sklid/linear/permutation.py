r"""Parallel analysis: which components exceed what columns without any relation between them would show.

Permuting each column by itself destroys all that columns share, and keeps their variances and tails (Horn, "A rationale
and test for the number of factors in factor analysis", 1965; Buja & Eyuboglu, "Remarks on parallel analysis", 1992;
Dobriban & Owen, "Deterministic parallel analysis", JRSS B 2019). Component k counts as long as its variance, and those
of all before it, exceed

.. math:: q_{95\,\%}\big( \lambda_k(X^\pi) \big), \qquad \pi \text{ an independent permutation of each column.}

Of rows of which only mean and covariance are known, normal columns of the same variances take the place of permuted
ones, as in Horn's own simulations. Nothing is assumed about the noise but that its columns do not depend on each other.
Strong components raise the variance of permuted columns, too, and so may hide weak ones.
"""

import itertools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from .covariance import FIRST_LEADING, Moments, WeightedRows, spectrum_of_rows
from .spectrum import Judgement, Spectrum

__all__ = ["normal_columns", "permuted"]

N_PERMUTATIONS = 50
QUANTILE = 0.95


def normal_columns(spectrum: Spectrum, moments: Moments, random_state: np.random.RandomState) -> Judgement:
    """Which leading components of the spectrum of moments exceed those of independent normal columns."""
    degrees, n_features = math.floor(moments.weight - 1), len(moments.mean)
    scales = np.sqrt(moments.scatter.diagonal() / (moments.weight - 1) / degrees)

    def variances(n_variances: int) -> NDArray[np.float64]:
        if degrees < n_features:
            factor = random_state.standard_normal((n_features, degrees))
        else:  # the lower triangle of a Wishart matrix (Bartlett 1933)
            factor = np.tril(random_state.standard_normal((n_features, n_features)), -1)
            np.fill_diagonal(factor, np.sqrt(random_state.chisquare(degrees - np.arange(n_features))))
        return np.linalg.svd(scales[:, None] * factor, compute_uv=False)[:n_variances] ** 2

    return _exceeding(spectrum, variances)


def permuted(rows: WeightedRows, spectrum: Spectrum, random_state: np.random.RandomState) -> Judgement:
    """Which leading components of the spectrum of complete rows exceed those of permuted columns.

    Raises
    ------
    ValueError
        If weights are no whole numbers, since only repetitions can be permuted.
    """
    X = _repeated(rows)
    return _exceeding(spectrum, lambda n_variances: _variances(X, n_variances, random_state))


def _exceeding(spectrum: Spectrum, noise_variances: Callable[[int], NDArray]) -> Judgement:
    """The judgement by quantiles of draws of the leading variances, so many of them, of columns without relation."""
    most = min(len(spectrum.variances), spectrum.n_spanned)
    n_variances = min(FIRST_LEADING, most)
    while True:
        noise = [noise_variances(n_variances) for _ in range(N_PERMUTATIONS)]
        limits = np.quantile(noise, QUANTILE, axis=0)
        within = np.flatnonzero(spectrum.variances[:n_variances] <= limits)
        if len(within):
            k = int(within[0])
            return Judgement(k, float(spectrum.variances[k]), float(limits[k]))
        if n_variances == most:
            return Judgement(most)
        n_variances = min(2 * n_variances, most)


def _variances(X: Any, n_variances: int, random_state: np.random.RandomState) -> NDArray[np.float64]:
    """The leading principal variances of rows whose columns are permuted."""
    return spectrum_of_rows(WeightedRows.of(_shuffled(X, random_state)), n_variances, None, random_state).variances[
        :n_variances
    ]


def _shuffled(X: Any, random_state: np.random.RandomState) -> Any:
    """Rows whose columns are permuted, each by itself."""
    if not sparse.issparse(X):
        return np.stack([random_state.permutation(column) for column in X.T]).T
    columns = X.tocsc(copy=True)
    for start, stop in itertools.pairwise(columns.indptr):
        columns.indices[start:stop] = random_state.permutation(X.shape[0])[columns.indices[start:stop]]
    return columns.tocsr()


def _repeated(rows: WeightedRows) -> Any:
    """Each row as often as its weight says."""
    if rows.weights is None:
        return rows.X
    if not rows.repeated:
        raise ValueError(
            'n_components="parallel" permutes rows, so that sample_weight must hold whole numbers, the repetitions of '
            f'each row; got {rows.weights[rows.weights % 1 != 0][0]:g}. n_components="identifiable" takes any weights.'
        )
    return rows.X[np.repeat(np.arange(len(rows.weights)), rows.weights.astype(np.intp))]
