"""Moments and principal variances of weighted rows of any shape."""

import numpy as np
import pytest

from sklid import IdentifiablePPCA

from .tables import planted, with_gaps


@pytest.mark.parametrize("gaps", [False, True])
def test_weights_are_repetitions(gaps):
    X = with_gaps(planted()) if gaps else planted()
    weights = np.random.default_rng(0).integers(0, 4, len(X))
    weighted, repeated = (
        IdentifiablePPCA(2).fit(X, sample_weight=weights),
        IdentifiablePPCA(2).fit(np.repeat(X, weights, axis=0)),
    )
    np.testing.assert_allclose(weighted.loadings_, repeated.loadings_, rtol=1e-8, atol=1e-8)
    np.testing.assert_allclose(weighted.kl_, repeated.kl_, rtol=1e-8)


def test_randomised_decomposition_of_many_rows_and_features_agrees_with_the_whole(monkeypatch):
    X = planted(300, 120, (8.0, 6.0, 5.0))
    whole = IdentifiablePPCA(random_state=0).fit(X)
    monkeypatch.setattr("sklid.linear.covariance.LARGEST_MATRIX", 50)
    found = IdentifiablePPCA(random_state=0).fit(X)
    assert found.n_components_ == whole.n_components_ == 3
    np.testing.assert_allclose(found.loadings_, whole.loadings_, atol=1e-3)
    assert found.noise_variance_ == pytest.approx(whole.noise_variance_, rel=1e-4)
