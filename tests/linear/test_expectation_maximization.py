"""Rows with missing values, fitted by what is observed of them."""

import numpy as np
import pytest

from sklid import IdentifiablePPCA
from sklid.linear.expectation_maximization import expected_moments
from sklid.linear.incomplete import IncompleteRows

from .tables import planted, with_gaps


def test_estimates_with_gaps_come_near_those_without():
    X = planted(3000)
    whole, gaps = IdentifiablePPCA(3).fit(X), IdentifiablePPCA(3).fit(with_gaps(X))
    np.testing.assert_allclose(gaps.loadings_, whole.loadings_, atol=0.15)
    assert gaps.noise_variance_ == pytest.approx(whole.noise_variance_, rel=0.05)
    likelihood = [IdentifiablePPCA(3, tol=tol).fit(with_gaps(X)).score(with_gaps(X)) for tol in (1e-2, 1e-6)]
    assert likelihood[1] > likelihood[0]


def test_expected_covariance_holds_what_the_gaps_leave_open():
    """By conditioning the normal distribution of each row on what is observed of it."""
    rng = np.random.default_rng(0)
    mean, W, noise, weights = rng.standard_normal(4), rng.standard_normal((4, 2)), 0.3, rng.uniform(0.5, 2, 30)
    X, C = with_gaps(rng.standard_normal((30, 4)), 0.4), W @ W.T + noise * np.eye(4)
    expected = np.zeros((4, 4))
    for x, weight in zip(X, weights, strict=True):
        gap = np.isnan(x)
        gain = C[np.ix_(gap, ~gap)] @ np.linalg.inv(C[np.ix_(~gap, ~gap)])
        centred = np.where(gap, 0, x - mean)
        centred[gap] = gain @ centred[~gap]
        expected += weight * np.outer(centred, centred)
        expected[np.ix_(gap, gap)] += weight * (C[np.ix_(gap, gap)] - gain @ C[np.ix_(~gap, gap)])
    found = expected_moments(IncompleteRows.of(X, weights), mean, W, noise)
    np.testing.assert_allclose(found.scatter / (found.weight - 1), expected / (weights.sum() - 1), rtol=1e-10)


def test_rows_with_gaps_weigh_as_many_rows_as_show_an_average_pair_of_features():
    X, weights = with_gaps(np.zeros((30, 4)), 0.4), np.random.default_rng(0).uniform(0.5, 2, 30)
    together = [
        weights @ ~np.isnan(X[:, pair]).any(axis=1) for pair in ([0, 1], [0, 2], [0, 3], [1, 2], [1, 3], [2, 3])
    ]
    assert expected_moments(IncompleteRows.of(X, weights), np.zeros(4), np.ones((4, 1)), 1.0).weight == pytest.approx(
        np.mean(together)
    )
