"""Sparse rows are fitted and answered as dense ones are, without being made dense."""

import tracemalloc

import numpy as np
import pytest
from scipy import sparse

from sklid import IdentifiablePPCA

from .tables import planted


def sparse_rows(n_rows=300, n_features=12, seed=0):
    X = planted(n_rows, n_features, seed=seed)
    X[np.random.default_rng(seed).random(X.shape) < 0.7] = 0
    return X


@pytest.mark.parametrize("shape", [(300, 12), (30, 80)])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("parameters", [{}, {"noise": "feature"}, {"solver": "em", "random_state": 0}])
@pytest.mark.filterwarnings("ignore::sklid.CollapseWarning")
def test_sparse_rows_give_the_fit_and_the_answers_of_dense_ones(shape, weighted, parameters):
    X = sparse_rows(*shape)
    weights = np.random.default_rng(0).uniform(0, 2, len(X)).round() if weighted else None
    one = IdentifiablePPCA(2, **parameters).fit(X, sample_weight=weights)
    for kind in (sparse.csr_array, sparse.csc_matrix):
        other = IdentifiablePPCA(2, **parameters).fit(kind(X), sample_weight=weights)
        tolerance = 1e-8 if "noise" not in parameters else 1e-5
        np.testing.assert_allclose(other.get_covariance(), one.get_covariance(), atol=tolerance)
        for method in ("transform", "score_samples", "invert"):
            np.testing.assert_allclose(getattr(other, method)(kind(X)), getattr(one, method)(X), atol=10 * tolerance)
        np.testing.assert_allclose(other.posterior(kind(X)).mean, one.posterior(X).mean, atol=10 * tolerance)


def test_many_sparse_rows_and_features_are_decomposed_without_being_made_dense(monkeypatch):
    monkeypatch.setattr("sklid.linear.covariance.LARGEST_MATRIX", 50)
    X, weights = sparse_rows(120, 200), np.random.default_rng(0).integers(1, 3, 120)
    other = IdentifiablePPCA(3, random_state=0).fit(sparse.csr_array(X), sample_weight=weights)
    monkeypatch.setattr("sklid.linear.covariance.LARGEST_MATRIX", 2000)
    exact = IdentifiablePPCA(3).fit(X, sample_weight=weights)
    np.testing.assert_allclose(other.loadings_, exact.loadings_, atol=1e-8)
    assert other.noise_variance_ == pytest.approx(exact.noise_variance_, rel=1e-8)


def test_memory_of_a_sparse_fit_is_not_that_of_the_dense_rows(monkeypatch):
    monkeypatch.setattr("sklid.data.blocks.CHUNK_NUMBERS", 1 << 20)
    X = sparse.random(20_000, 600, 0.005, format="csr", random_state=0)
    tracemalloc.start()
    try:
        IdentifiablePPCA(3).fit(X).transform(X)
        assert tracemalloc.get_traced_memory()[1] < 8 * 20_000 * 600 / 2
    finally:
        tracemalloc.stop()


def test_missing_values_in_sparse_rows_are_refused():
    X = sparse.csr_array(sparse_rows())
    X.data[0] = np.nan
    with pytest.raises(ValueError, match="contains NaN"):
        IdentifiablePPCA(2).fit(X)


def test_partial_fit_takes_sparse_rows():
    X = sparse_rows()
    parts = IdentifiablePPCA(2).partial_fit(sparse.csr_array(X[:100])).partial_fit(sparse.csr_array(X[100:]))
    np.testing.assert_allclose(parts.get_covariance(), IdentifiablePPCA(2).fit(X).get_covariance(), atol=1e-10)


def test_reconstructions_of_sparse_rows_are_refused_as_they_are_dense():
    X = sparse.csr_array(sparse_rows())
    with pytest.raises(TypeError, match=r"use inverse_transform\(transform\(X\)\)"):
        IdentifiablePPCA(2).fit(X).predict(X)
