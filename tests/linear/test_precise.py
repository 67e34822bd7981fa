"""Variances keep their digits however small they are beside others."""

import numpy as np
import pytest

from sklid import IdentifiablePPCA

from .tables import planted


@pytest.mark.parametrize("noise", [1e-5, 1e-7, 1e-9, 1e-12])
def test_noise_far_below_the_signal_is_measured_and_told_from_it(noise):
    X = planted(noise=noise) - 5
    model = IdentifiablePPCA().fit(X)
    assert model.n_identifiable_ == 3
    assert model.noise_variance_ == pytest.approx(noise**2, rel=0.1)
    expected = 0.5 * np.log1p((model.loadings_**2).sum(axis=0) / model.noise_variance_)
    np.testing.assert_allclose(model.mutual_information_, expected, rtol=1e-6)
    residuals = X - model.inverse_transform(model.transform(X))
    np.testing.assert_allclose(residuals.var(), model.noise_variance_ * 5 / 8, rtol=0.1)


@pytest.mark.parametrize("ratio", [1e7, 1e9, 1e12])
def test_columns_of_other_scales_keep_the_variances_of_the_small_ones(ratio):
    """A large column without relation to the others changes nothing but its own component."""
    X = planted() - 5
    large = ratio * np.random.default_rng(5).uniform(-1.7, 1.7, 300)
    large -= np.column_stack([np.ones(300), X]) @ np.linalg.lstsq(np.column_stack([np.ones(300), X]), large)[0]
    one, other = IdentifiablePPCA(3).fit(X), IdentifiablePPCA(4).fit(np.column_stack([large, X]))
    np.testing.assert_allclose(other.explained_variance_[1:], one.explained_variance_, rtol=1e-6)
    assert other.noise_variance_ == pytest.approx(one.noise_variance_, rel=1e-6)
    assert IdentifiablePPCA().fit(np.column_stack([large, X])).n_identifiable_ == 4


@pytest.mark.parametrize("unit", [1e5, 3e6, 1e9])
def test_a_copy_in_a_large_unit_hides_no_component(unit):
    for seed in range(3):
        X = planted(seed=seed)
        found = [IdentifiablePPCA().fit(table) for table in (X, np.column_stack([X, unit * X[:, 0]]))]
        assert found[0].n_identifiable_ == found[1].n_identifiable_


@pytest.mark.parametrize("unit", [1e-150, 1e-5, 1e150])
def test_small_noise_is_measured_in_every_unit(unit):
    X = (planted(noise=1e-7) - 5) * unit
    assert IdentifiablePPCA().fit(X).noise_variance_ / unit / unit == pytest.approx(1e-14, rel=0.1)


def test_a_lone_huge_value_is_found_wherever_it_stands():
    X = planted()
    X[137, 3] = 1e200
    with pytest.raises(ValueError, match="Column 3 holds values .* beyond double precision"):
        IdentifiablePPCA(2).fit(X)
    X[137, 3] = 1e120
    model = IdentifiablePPCA(1).fit(X)
    assert model.explained_variance_[0] == pytest.approx(1e240 / 300, rel=1e-6)


@pytest.mark.filterwarnings("ignore::sklid.CollapseWarning")
def test_few_rows_that_weigh_much_are_as_many_repetitions():
    X, weights = planted()[:2, :3], np.array([3.0, 3.0])
    weighted, repeated = IdentifiablePPCA(1).fit(X, sample_weight=weights), IdentifiablePPCA(1).fit(np.repeat(X, 3, 0))
    assert weighted.n_identifiable_ == repeated.n_identifiable_
    np.testing.assert_allclose(weighted.explained_variance_, repeated.explained_variance_)
