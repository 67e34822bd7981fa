"""Images moved at random: the moves themselves, the units of rows, and the draws."""

import numpy as np
import pytest
import torch
from scipy.ndimage import shift as scipy_shift

from sklid.nn import (
    GaussianLikelihood,
    GaussianPosterior,
    InjectiveDecoder,
    LatentVariableModel,
    RandomShift,
    StandardNormal,
)
from sklid.nn.draws import generators_of

SHAPES = [(1, 8, 8), (3, 5, 4), (1, 1, 7), (2, 6, 1), (1, 1, 1)]


def expected(images, shifts, image_shape):
    moved = [
        [scipy_shift(channel, shift, order=0, mode="nearest") for channel in image.reshape(image_shape)]
        for image, shift in zip(images, shifts, strict=True)
    ]
    return np.array(moved).reshape(len(images), -1)


@pytest.mark.parametrize("image_shape", SHAPES)
def test_moved_image_is_that_of_scipy(image_shape):
    rng = np.random.default_rng(0)
    images, shifts = rng.standard_normal((9, np.prod(image_shape))), rng.integers(-3, 4, (9, 2))
    found = RandomShift(image_shape).moved(torch.from_numpy(images), torch.from_numpy(shifts))
    assert np.array_equal(found, expected(images, shifts, image_shape))


@pytest.mark.parametrize("unit", [1e-6, 1.0, 1e9])
def test_what_moves_is_the_image_in_the_units_of_the_data_and_not_its_mean(unit):
    rng = np.random.default_rng(1)
    images, means = unit * rng.standard_normal((6, 12)), unit * (50 + rng.standard_normal(12))
    shifts, scales = rng.integers(-2, 3, (6, 2)), np.full(12, 0.3 * unit)
    shift = RandomShift((1, 3, 4), torch.from_numpy(means), torch.from_numpy(scales)).double()
    found = shift.moved(torch.from_numpy((images - means) / scales), torch.from_numpy(shifts))
    assert np.allclose(found, (expected(images, shifts, (1, 3, 4)) - means) / scales, atol=1e-4)


def test_pixel_of_small_scale_counts_the_change_in_that_of_the_table():
    scales = [2.0, 1e-3, 0.0, 1.0]
    unit = np.sqrt(np.mean(np.square(scales)))
    shift = RandomShift((1, 1, 4), torch.zeros(4), torch.tensor(scales))
    rows = torch.tensor([[3.0, 0.0, 0.0, 1.0]])
    moved = shift.moved(rows, torch.tensor([[0, 1]]))
    assert np.allclose(moved, [[3, 6 / unit, 0, 1 - 1 / unit]])
    assert torch.equal(shift.moved(rows, torch.zeros(1, 2, dtype=torch.long)), rows)


def test_image_of_columns_that_do_not_vary_stays_finite():
    shift = RandomShift((1, 2, 2), torch.arange(4.0), torch.zeros(4))
    assert torch.isfinite(shift(torch.zeros(5, 4))).all()


@pytest.mark.parametrize(("image_shape", "reaches"), [((1, 28, 28), (1, 1)), ((1, 8, 8), (1, 1)), ((3, 40, 5), (2, 1))])
def test_shifts_are_uniform_up_to_a_twentieth_of_each_side(image_shape, reaches):
    with generators_of(0):
        drawn = RandomShift(image_shape).drawn(torch.zeros(20_000, 1)).numpy()
    for shifts, reach in zip(drawn.T, reaches, strict=True):
        values, counts = np.unique(shifts, return_counts=True)
        assert list(values) == list(range(-reach, reach + 1))
        share = 1 / len(values)
        assert np.abs(counts / 20_000 - share).max() < 5 * np.sqrt(share * (1 - share) / 20_000)
    assert abs(np.corrcoef(drawn.T)[0, 1]) < 5 / np.sqrt(20_000)


def test_shifts_are_of_the_thread_and_not_of_torch():
    shift, before = RandomShift((1, 8, 8)), torch.get_rng_state()
    rows = torch.randn(30, 64, generator=torch.Generator().manual_seed(0))
    with generators_of(3):
        first = shift(rows)
    with generators_of(3):
        assert torch.equal(shift(rows), first)
    assert not torch.equal(first, rows)
    assert torch.equal(torch.get_rng_state(), before)


def small_model():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        posterior = GaussianPosterior(16, 2, width=8)
        return LatentVariableModel(
            StandardNormal(2), InjectiveDecoder(2, 16, width=8), GaussianLikelihood(16), posterior
        ).double()


def test_bound_in_training_has_the_posterior_of_the_moved_image_and_the_likelihood_of_the_row():
    model, x = small_model(), torch.randn(7, 16, dtype=torch.float64)
    noise = torch.randn(1, 7, 2, dtype=torch.float64)
    model.augmentation = RandomShift((1, 4, 4))
    with generators_of(5):
        found = model(x, noise)
    with generators_of(5):
        q = model.posterior(model.augmentation(x))
    z = q.mean + q.stddev * noise
    torch.testing.assert_close(found.reconstruction, model.decode(z).log_prob(x)[0])
    divergence = (q.variance + q.mean.square() - 1 - q.variance.log()).sum(-1) / 2
    torch.testing.assert_close(found.kl, divergence)


def test_bound_in_evaluation_is_that_of_the_model_without_shifts():
    model, x = small_model(), torch.randn(7, 16, dtype=torch.float64)
    noise = torch.randn(1, 7, 2, dtype=torch.float64)
    plain = model(x, noise).elbo()
    model.augmentation = RandomShift((1, 4, 4))
    assert not torch.equal(model(x, noise).elbo(), plain)
    assert torch.equal(model.eval()(x, noise).elbo(), plain)
