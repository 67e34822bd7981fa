"""Rows with missing values, fitted by what is observed of them."""

import tracemalloc

import numpy as np
import pytest

from sklid import IdentifiablePPCA
from sklid.linear.expected import ExpectedScatter
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
    found = ExpectedScatter.of(IncompleteRows.of(X, weights), mean, W, noise)
    np.testing.assert_allclose(found.times(np.eye(4)), expected, rtol=1e-10)
    assert found.trace == pytest.approx(np.trace(expected))


def test_rows_with_gaps_weigh_as_many_rows_as_show_an_average_pair_of_features():
    X, weights = with_gaps(np.zeros((30, 4)), 0.4), np.random.default_rng(0).uniform(0.5, 2, 30)
    together = [
        weights @ ~np.isnan(X[:, pair]).any(axis=1) for pair in ([0, 1], [0, 2], [0, 3], [1, 2], [1, 3], [2, 3])
    ]
    assert IncompleteRows.of(X, weights).pair_weight == pytest.approx(np.mean(together))


@pytest.mark.parametrize("ratio", [1.0, 1e4, 1e6])
def test_the_maximum_is_reached_when_columns_differ_in_scale(ratio):
    """The fit of the rows before they had gaps is no maximum, so its likelihood is less."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((300, 2)) @ rng.standard_normal((2, 6)) + 0.3 * rng.standard_normal((300, 6))
    X = np.column_stack([ratio * rng.uniform(-1.7, 1.7, 300), X])
    gaps = with_gaps(X, 0.1)
    found, whole = IdentifiablePPCA(3).fit(gaps), IdentifiablePPCA(3).fit(X)
    assert whole.score(gaps) < found.score(gaps) < whole.score(gaps) + 0.05
    assert found.converged_


def test_known_noise_and_dead_components_leave_the_fit_at_its_maximum():
    """No small change of the loadings or of the mean raises the likelihood."""
    gaps = with_gaps(planted())
    model = IdentifiablePPCA(2, noise_variance=0.5).fit(gaps)
    best, fitted = model.score(gaps), model.model_
    rng = np.random.default_rng(0)
    for _ in range(5):
        change = 1e-2 * rng.standard_normal(fitted.loadings.shape)
        model.model_ = fitted.of_loadings(fitted.mean, fitted.loadings + change, fitted.noise_variance)
        assert model.score(gaps) < best


def test_time_and_memory_of_wide_rows_with_gaps_do_not_grow_with_the_square_of_the_features():
    X = planted(40, 6000, (60.0, 40.0, 30.0))
    tracemalloc.start()
    try:
        model = IdentifiablePPCA(3).fit(with_gaps(X, 0.02))
        assert tracemalloc.get_traced_memory()[1] < 6000**2
    finally:
        tracemalloc.stop()
    np.testing.assert_allclose(
        np.abs(model.components_ @ IdentifiablePPCA(3).fit(X).components_.T), np.eye(3), atol=0.05
    )
