"""The largest variance of white noise stays under its limit as often as the level says."""

import numpy as np
import pytest

from sklid.linear.edge import largest_noise


def largest_over_mean(n_tables, n_features, degrees, seed=0):
    X = np.random.default_rng(seed).standard_normal((n_tables, degrees, n_features))
    variances = np.linalg.eigvalsh(X @ X.mT if degrees < n_features else X.mT @ X)
    return variances[:, -1] * n_features / variances.sum(axis=1)


@pytest.mark.parametrize(
    ("n_features", "degrees"), [(2, 9), (2, 49), (3, 49), (4, 99), (8, 1000), (20, 100), (50, 7), (2, 2), (3, 4)]
)
def test_levels_are_those_of_simulated_noise(n_features, degrees):
    found = largest_over_mean(8000, n_features, degrees)
    for level in (0.005, 0.025):
        share = np.mean(found > largest_noise(n_features, degrees, level))
        assert share == pytest.approx(level, abs=3.3 * np.sqrt(level / 8000) + 0.1 * level)


@pytest.mark.parametrize(("n_features", "degrees"), [(400, 900), (30, 500)])
def test_limits_of_many_features_are_those_of_the_tracy_widom_law(n_features, degrees):
    """Johnstone (2001) with the corrections of Ma (2012); quantiles 2.4224 and 1.4538 of 99.5 and 97.5 %."""
    root, other = np.sqrt(degrees - 0.5), np.sqrt(n_features - 0.5)
    scale = (root + other) * (1 / root + 1 / other) ** (1 / 3) / degrees
    for level, quantile in ((0.005, 2.4224), (0.025, 1.4538)):
        expected = (root + other) ** 2 / degrees + quantile * scale
        assert largest_noise(n_features, degrees, level) == pytest.approx(expected, abs=0.35 * scale)
        assert largest_noise(n_features, degrees, level) < expected


def test_few_features_of_many_more_rows_have_limits_near_one():
    assert largest_noise(2, 1e8, 0.005) == pytest.approx(1, abs=1e-3)
    assert largest_noise(5, 1, 0.005) == np.inf
