"""Batches give the model of all rows."""

import numpy as np
import pytest

from sklid import IdentifiablePPCA

from .tables import planted, with_gaps


def test_partial_fit_is_fit_on_all_rows():
    X = planted()
    whole, parts = IdentifiablePPCA(3).fit(X), IdentifiablePPCA(3)
    for batch in np.array_split(X, 7):
        parts.partial_fit(batch)
    np.testing.assert_allclose(parts.transform(X), whole.transform(X), atol=1e-10)
    assert parts.n_samples_ == len(X)


def test_partial_fit_goes_on_with_signs_weights_and_every_solver():
    X, weights = planted(), np.random.default_rng(0).integers(0, 3, 300)
    whole = IdentifiablePPCA(2).fit(X, sample_weight=weights)
    parts = IdentifiablePPCA(2)
    for rows, w in zip(np.array_split(X, 3), np.array_split(weights, 3), strict=True):
        parts.partial_fit(rows, sample_weight=w)
    np.testing.assert_allclose(parts.loadings_, whole.loadings_, atol=1e-8)
    for solver in ("em", "gradient"):
        found = IdentifiablePPCA(2, solver=solver, random_state=0).partial_fit(X[:150]).partial_fit(X[150:])
        np.testing.assert_allclose(found.loadings_, IdentifiablePPCA(2).fit(X).loadings_, atol=1e-3)
    with pytest.raises(ValueError, match="contains NaN"):
        parts.partial_fit(with_gaps(X))


@pytest.mark.parametrize("n_features", [8, 40])
def test_partial_fit_after_fit_goes_on_from_its_rows(n_features):
    X = planted(60, n_features)
    whole, parts = IdentifiablePPCA(2).fit(X), IdentifiablePPCA(2).fit(X[:30]).partial_fit(X[30:])
    np.testing.assert_allclose(parts.transform(X), whole.transform(X), atol=1e-10)
    assert parts.n_samples_ == 60


def test_partial_fit_after_a_fit_with_gaps_is_refused_and_the_model_stays():
    X = planted()
    model = IdentifiablePPCA(2).fit(with_gaps(X))
    before = model.transform(X)
    with pytest.raises(ValueError, match="fitted to rows with gaps.*begin with partial_fit"):
        model.partial_fit(X)
    np.testing.assert_array_equal(model.transform(X), before)
