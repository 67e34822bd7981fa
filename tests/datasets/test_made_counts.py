"""Made counts have the distribution that their documentation gives."""

import numpy as np
import pytest
from scipy import stats

from sklid.datasets import make_cells


def test_counts_given_their_means_are_negative_binomial():
    X, _, means = make_cells(4_000, 30, dispersion=1.5, random_state=0)
    uniform = np.random.default_rng(0).random(X.shape)
    law = stats.nbinom(1.5, 1.5 / (1.5 + means))
    # a discrete variable has a uniform distribution function where its steps are filled at random
    spread = law.cdf(X - 1) + uniform * law.pmf(X)
    assert stats.kstest(spread.ravel(), "uniform").pvalue > 1e-3


def test_cells_of_a_type_differ_in_depth_alone_and_types_in_their_markers():
    _, y, means = make_cells(500, 400, 3, marker_share=0.2, marker_std=2.0, random_state=1)
    shares = means / means.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(shares, np.stack([shares[y == c][0] for c in range(3)])[y])
    ratios = np.log(shares[y == 0][0] / shares[y == 1][0])
    common = np.median(ratios)  # most genes are no marker of either
    assert abs(np.isclose(ratios, common).mean() - 0.8**2) < 0.1


def test_depths_have_the_mean_and_spread_that_are_named():
    _, _, means = make_cells(20_000, 5, library=300.0, random_state=0)
    depths = means.sum(axis=1)
    assert abs(depths.mean() / 300 - 1) < 0.02
    assert abs(np.log(depths).std() / 0.5 - 1) < 0.02


def test_without_markers_all_types_are_alike():
    _, _, means = make_cells(50, 10, marker_share=0, random_state=0)
    assert np.ptp(means / means.sum(axis=1, keepdims=True), axis=0).max() < 1e-12


def test_a_seed_says_what_is_drawn():
    for first, second in zip(make_cells(20, random_state=3), make_cells(20, random_state=3), strict=True):
        np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize(
    ("told", "message"),
    [
        ({"n_samples": 0}, "n_samples=0 must be a whole number of .*, at least 1"),
        ({"n_features": 2.5}, "n_features=2.5 must be a whole number of genes, at least 1"),
        ({"n_types": 0}, "n_types=0 must be a whole number of types, at least 1"),
        ({"library": 0}, "library == 0, must be > 0"),
        ({"dispersion": -1.0}, "dispersion == -1.0, must be > 0"),
        ({"dispersion": np.inf}, "dispersion=inf must be a finite number"),
        ({"marker_share": 1.5}, "marker_share == 1.5, must be <= 1"),
        ({"marker_std": np.nan}, "marker_std=nan must be a finite number"),
    ],
)
def test_what_makes_no_cells_is_refused(told, message):
    with pytest.raises(ValueError, match=message):
        make_cells(**told)
