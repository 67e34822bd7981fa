"""Draws are as wide as hidden values say that they must be."""

import numpy as np
import pytest

from sklid import LIDVAEImputer
from sklid.imputation.calibration import spread_of_draws


class Sure:
    """Draws around zero, of a standard deviation that is its own."""

    def __init__(self, scale):
        self.scale = scale

    def impute(self, X):
        return np.where(np.isnan(X), 0.0, X)

    def sample_posterior_predictive(self, X, n):
        return np.where(np.isnan(X), self.scale * np.random.default_rng(0).standard_normal((n, *X.shape)), X)


@pytest.mark.parametrize("scale", [0.25, 1.0, 3.0])
def test_the_factor_is_the_ratio_of_the_true_spread_to_that_of_the_model(scale):
    truth = np.random.default_rng(1).standard_normal((2_500, 4))
    known = np.where(np.random.default_rng(2).random(truth.shape) < 0.5, np.nan, truth)
    assert spread_of_draws(Sure(scale), known, truth) * scale == pytest.approx(1.0, rel=0.05)


def test_what_is_unknown_either_way_and_rows_without_gaps_tell_nothing():
    truth = np.random.default_rng(1).standard_normal((400, 3))
    known = truth.copy()
    known[:200, 0] = np.nan
    with_others = truth.copy(), known.copy()
    for rows in with_others:
        rows[:, 1] = np.nan
    assert spread_of_draws(Sure(1.0), known, truth) == pytest.approx(
        spread_of_draws(Sure(1.0), with_others[1], with_others[0]), rel=0.1
    )


def test_one_hidden_value_is_enough_and_a_model_that_is_right_keeps_some_width():
    assert spread_of_draws(Sure(1.0), np.array([[np.nan, 1.0]]), np.array([[0.0, 1.0]])) > 0


def test_intervals_of_the_imputer_hold_what_they_say_where_those_of_its_model_do_not():
    """Over five tables of which a fifth is hidden, with outliers that widen a Gaussian."""
    inside, inside_of_model = [], []
    for seed in range(5):
        random = np.random.default_rng(seed)
        X = random.standard_normal((200, 3)) @ random.standard_normal((3, 12)) + 0.5 * random.standard_t(2, (200, 12))
        gaps = np.where(random.random(X.shape) < 0.2, np.nan, X)
        imputer = LIDVAEImputer("linear", sample_posterior=True, random_state=0).fit(gaps)
        inside.append(covered(imputer, gaps, X))
        imputer.spread_ = 1.0
        inside_of_model.append(covered(imputer, gaps, X))
    assert abs(np.concatenate(inside).mean() - 0.9) < 0.03
    assert np.concatenate(inside_of_model).mean() > 0.92


def covered(imputer, gaps, truth):
    low, high = np.quantile(imputer.sample_posterior_predictive(gaps, 200), [0.05, 0.95], axis=0)[:, np.isnan(gaps)]
    return np.clip(truth[np.isnan(gaps)], low, high) == truth[np.isnan(gaps)]


def test_draws_have_the_shape_that_is_asked_for_and_keep_what_was_seen():
    X = np.random.default_rng(0).standard_normal((40, 3)) * [1, 10, 100] + 5
    X[::3, 1] = np.nan
    imputer = LIDVAEImputer("linear", random_state=0).fit(X)
    assert imputer.spread_ == 1.0
    tables = imputer.sample_posterior_predictive(X, 7)
    assert tables.shape == (7, 40, 3)
    seen = ~np.isnan(X)
    np.testing.assert_array_equal(tables[:, seen], np.broadcast_to(X[seen], (7, seen.sum())))
    assert tables[:, ~seen].std(axis=0).min() > 0
    with pytest.raises(ValueError, match="n_samples=0 must be a whole number of draws, at least 1"):
        imputer.sample_posterior_predictive(X, 0)
