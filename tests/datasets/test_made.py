"""Made data sets have the distribution that their documentation gives."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import LinearRegression

from sklid.datasets import make_gmm, make_pinwheel, make_ppca, make_sequential_vae


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


def test_covariance_of_ppca_is_that_of_its_loadings_and_noise():
    X, Z, W = make_ppca(100_000, 4, 2, noise_variance=0.3, random_state=0)
    np.testing.assert_allclose(np.cov(X.T), W.T @ W + 0.3 * np.eye(4), atol=0.06)
    np.testing.assert_allclose((X - Z @ W).std(axis=0), np.sqrt(0.3), rtol=0.02)
    given = [[1.0, 2.0, 3.0]]
    X, Z, W = make_ppca(10, loadings=given, noise_variance=0, random_state=0)
    np.testing.assert_allclose(X, Z @ given)
    assert Z.shape == (10, 1)


def test_clusters_of_a_mixture_have_their_shares_places_and_width():
    X, y = make_gmm(100_000, means=[[0.0, 0.0], [5.0, -5.0]], scale=0.5, weights=[0.15, 0.85], random_state=0)
    assert abs(y.mean() - 0.85) < 0.01
    for label, centre in enumerate([[0, 0], [5, -5]]):
        np.testing.assert_allclose(X[y == label].mean(axis=0), centre, atol=0.02)
        np.testing.assert_allclose(np.cov(X[y == label].T), 0.25 * np.eye(2), atol=0.02)
    assert make_gmm(10)[0].shape == (10, 1)


def test_words_depend_on_the_latents_and_on_the_words_before():
    """With sentences alike in both, the next word is the same more often than with either alike alone."""
    settings = {"length": 2, "n_words": 6, "n_components": 1, "width": 10, "random_state": 0}
    X, Z = make_sequential_vae(40_000, **settings)
    low, high = X[Z[:, 0] < -1], X[Z[:, 0] > 1]
    first = [np.bincount(part[:, 0], minlength=6) / len(part) for part in (low, high)]
    assert np.abs(first[0] - first[1]).sum() > 0.1
    common = np.argsort(np.bincount(X[:, 0], minlength=6))[-2:]
    second = [np.bincount(part[:, 1], minlength=6) / len(part) for part in (X[X[:, 0] == word] for word in common)]
    assert np.abs(second[0] - second[1]).sum() > 0.1
    np.testing.assert_allclose([Z.mean(), Z.std()], [0, 1], atol=0.02)


def test_latents_make_words_likely_throughout_a_sentence_as_far_as_they_are_strong():
    told = []
    for strength in (0.0, 3.0):
        X, Z = make_sequential_vae(4_000, n_words=30, n_components=2, strength=strength, random_state=0)
        counts = np.stack([np.bincount(row, minlength=30) for row in X])
        told.append(LinearRegression().fit(counts, Z).score(counts, Z))
    assert told[0] < 0.4
    assert told[1] > 0.6


@pytest.mark.parametrize("make", [make_gmm, make_ppca, make_sequential_vae])
def test_the_same_seed_makes_the_same_rows_and_leaves_the_generators_alone(make):
    torch_state, numpy_state = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    one, other, third = make(50, random_state=0), make(50, random_state=0), make(50, random_state=1)
    for first, second in zip(one, other, strict=True):
        np.testing.assert_array_equal(first, second)
    assert not np.array_equal(one[0], third[0])
    assert torch.equal(torch.get_rng_state(), torch_state)
    np.testing.assert_array_equal(np.random.get_state()[1], numpy_state)  # noqa: NPY002


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: make_ppca(0), "must be a whole number"),
        (lambda: make_ppca(5, n_features=0), "n_features=0 must be a whole number"),
        (lambda: make_ppca(5, noise_variance=-1), "noise_variance == -1, must be >= 0"),
        (lambda: make_ppca(5, noise_variance=np.inf), "must be a finite number"),
        (lambda: make_ppca(5, loadings=[[np.nan]]), "loadings contains NaN"),
        (lambda: make_gmm(5, weights=[0.5, 0.4]), "must be probabilities with sum 1, one for each of 2 means"),
        (lambda: make_gmm(5, weights=[1.0]), "one for each of 2 means"),
        (lambda: make_gmm(5, means=[0.0, 1.0]), "Expected 2D array"),
        (lambda: make_gmm(5, scale=-1.0), "scale == -1.0, must be >= 0"),
        (lambda: make_sequential_vae(5, n_words=0), "n_words=0 must be a whole number"),
        (lambda: make_sequential_vae(5, strength=-1.0), "strength == -1.0, must be >= 0"),
    ],
)
def test_numbers_that_make_no_data_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_sentences_take_numpys_whole_numbers_and_do_not_depend_on_torchs_default_type():
    settings = {"length": 4, "n_words": 9, "random_state": 0}
    X, Z = make_sequential_vae(20, n_components=3, **settings)
    default = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        again = make_sequential_vae(np.int64(20), n_components=np.int64(3), **settings)
    finally:
        torch.set_default_dtype(default)
    np.testing.assert_array_equal(again[0], X)
    np.testing.assert_array_equal(again[1], Z)
