"""A fit is the same in every unit and under every offset."""

import numpy as np
import pytest

from sklid import IdentifiablePPCA

from .tables import planted, with_gaps

quiet = pytest.mark.filterwarnings("ignore::sklid.CollapseWarning")


@pytest.mark.parametrize("unit", [1e-150, 1e-13, 1e150])
@pytest.mark.parametrize(("solver", "rows"), [("eig", planted()), ("em", planted()), ("auto", with_gaps(planted()))])
def test_a_change_of_the_unit_changes_units_alone(unit, solver, rows):
    n_values = np.sum(~np.isnan(rows)) / len(rows)
    for noise in (None, 0.4):
        one = IdentifiablePPCA(2, solver=solver, noise_variance=noise, random_state=0).fit(rows)
        other = IdentifiablePPCA(2, solver=solver, noise_variance=noise and noise * unit * unit, random_state=0)
        np.testing.assert_allclose(other.fit_transform(rows * unit), one.transform(rows), atol=1e-7)
        np.testing.assert_allclose(other.mutual_information_, one.mutual_information_, rtol=1e-7)
        assert other.score(rows * unit) == pytest.approx(one.score(rows) - n_values * np.log(unit), rel=1e-9)


@pytest.mark.parametrize("offset", [1e8, 1e15])
def test_an_offset_costs_no_digit_that_the_rows_have(offset):
    moved = with_gaps(planted() + offset)
    near = moved - offset
    one, other = IdentifiablePPCA(3).fit(near), IdentifiablePPCA(3).fit(moved)
    assert other.noise_variance_ == pytest.approx(one.noise_variance_, rel=1e-9)
    np.testing.assert_allclose(np.abs(other.loadings_), np.abs(one.loadings_), rtol=1e-6, atol=1e-9)
    complete = IdentifiablePPCA(3).fit(planted() + offset)
    assert complete.noise_variance_ == pytest.approx(
        IdentifiablePPCA(3).fit(planted() + offset - offset).noise_variance_
    )


def test_batches_far_from_zero_or_in_small_units_are_fitted_as_if_they_were_not():
    X = planted() - 5
    for unit, offset in ((1.0, 1e9), (1e-150, 0.0), (1e150, 0.0)):
        parts = IdentifiablePPCA(3)
        for batch in np.array_split(X, 3):
            parts.partial_fit(batch * unit + offset)
        expected = IdentifiablePPCA(3).fit(X).noise_variance_
        assert parts.noise_variance_ / unit / unit == pytest.approx(expected, rel=1e-6)


@quiet
@pytest.mark.parametrize("value", [0.0, 0.1, 1e9])
def test_equal_rows_are_answered_by_their_value_with_and_without_gaps(value):
    rows = np.full((12, 3), value)
    gaps = with_gaps(rows)
    for X in (rows, gaps):
        model = IdentifiablePPCA(2).fit(X)
        assert model.n_identifiable_ == 0
        np.testing.assert_array_equal(model.predict(gaps), rows)
        assert model.score(rows) == pytest.approx(-1.5 * np.log(2 * np.pi * 1e-24), rel=1e-2)


def test_values_whose_variance_overflows_are_refused():
    rows = planted()
    with pytest.raises(ValueError, match="Column . holds values .* beyond double precision. Divide"):
        IdentifiablePPCA(2).fit(rows * 1e155)


def test_number_of_identifiable_components_is_the_same_in_large_units():
    """The correction of the noise squares variances, which are squares themselves."""
    rows = planted()
    assert IdentifiablePPCA().fit(rows * 1e100).n_identifiable_ == IdentifiablePPCA().fit(rows).n_identifiable_


def test_values_whose_variance_is_below_double_precision_are_refused():
    with pytest.raises(ValueError, match="so near that their variance is below double precision"):
        IdentifiablePPCA().fit(np.random.default_rng(0).standard_normal((40, 3)) * 1e-200)
