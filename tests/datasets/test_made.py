"""Made data sets have the distribution that their documentation gives."""

import numpy as np
import pytest

from sklid.datasets import make_pinwheel


def test_arms_turned_back_are_gaussian_with_the_given_spread():
    X, y = make_pinwheel(40_000, n_arms=3, radial_std=0.2, tangential_std=0.1, rate=0.4, random_state=0)
    rho = np.linalg.norm(X, axis=1)
    angle = np.arctan2(X[:, 1], X[:, 0]) - 2 * np.pi * y / 3
    # the radius of a point is not its distance from the origin, which the offset lengthens: solve for both
    radius = rho.copy()
    for _ in range(50):
        turned = angle - 0.4 * np.exp(radius)
        radius = rho * np.cos(turned)
    across = rho * np.sin(turned)
    assert abs(radius.mean() - 1) < 0.005
    np.testing.assert_allclose([radius.std(), across.std()], [0.2, 0.1], rtol=0.02)
    assert abs(np.corrcoef(radius, across)[0, 1]) < 0.02


def test_arms_are_as_equal_as_can_be_and_rows_in_random_order():
    X, y = make_pinwheel(502, random_state=0)
    assert sorted(np.bincount(y)) == [100, 100, 100, 101, 101]
    assert abs(np.corrcoef(np.arange(502), y)[0, 1]) < 0.2
    assert X.shape == (502, 2)


def test_a_seed_says_what_is_drawn():
    first, second = make_pinwheel(50, random_state=3), make_pinwheel(50, random_state=3)
    np.testing.assert_array_equal(first[0], second[0])


@pytest.mark.parametrize("sizes", [{"n_samples": 0}, {"n_samples": 2.5}, {"n_arms": 0}])
def test_sizes_that_are_no_whole_numbers_of_at_least_one_are_refused(sizes):
    (name,) = sizes
    with pytest.raises(ValueError, match=f"{name}=.* must be a whole number of .*, at least 1"):
        make_pinwheel(**sizes)


@pytest.mark.parametrize("name", ["radial_std", "tangential_std", "rate"])
@pytest.mark.parametrize(
    ("value", "error", "message"),
    [
        (np.nan, ValueError, "must be a finite number"),
        (np.inf, ValueError, "must be a finite number"),
        ("a", TypeError, "must be an instance of"),
        (-1, ValueError, "must be >= 0"),
    ],
)
def test_shapes_that_are_no_numbers_or_negative_spreads_are_refused(name, value, error, message):
    if (name, value) == ("rate", -1):
        assert np.isfinite(make_pinwheel(10, rate=-1)[0]).all()
        return
    with pytest.raises(error, match=f"{name}.*{message}"):
        make_pinwheel(**{name: value})
