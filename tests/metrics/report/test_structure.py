"""What residuals hold: known directions, shapes whose second moments are those of noise, and noise."""

import math

import numpy as np
import pytest
import torch
from scipy.signal import lfilter

from sklid.metrics.report.residuals import Residuals
from sklid.metrics.report.structure import structure_of

N_ROWS = 1000


def structure(table, has_one_scale=True, has_scale=True, seed=0):
    table = torch.from_numpy(np.asarray(table, dtype=float))
    return structure_of(Residuals(table.unsqueeze(-1), table, has_scale, has_one_scale), np.random.default_rng(seed))


def noise(rng, n_rows=N_ROWS, n_columns=2, size=1.0):
    return size * rng.standard_normal((n_rows, n_columns))


def ring(rng):
    angle = rng.uniform(0, 2 * math.pi, N_ROWS)
    return math.sqrt(2) * np.stack([np.cos(angle), np.sin(angle)], 1) + noise(rng, size=0.1)


def triangle(rng):
    angle = rng.integers(3, size=N_ROWS) * 2 * math.pi / 3
    return math.sqrt(2) * np.stack([np.cos(angle), np.sin(angle)], 1) + noise(rng, size=0.1)


def sphere(rng):
    x = noise(rng, n_columns=3)
    return math.sqrt(3) * x / np.linalg.norm(x, axis=1, keepdims=True) + noise(rng, n_columns=3, size=0.1)


def product_of_signs(rng):
    signs = np.sign(noise(rng))
    return np.column_stack([signs, signs.prod(axis=1)]) + noise(rng, n_columns=3, size=0.1)


@pytest.mark.parametrize("shape", [ring, triangle, sphere, product_of_signs])
def test_a_shape_whose_second_moments_are_those_of_noise_is_found(shape):
    table = shape(np.random.default_rng(0))
    np.testing.assert_allclose(np.cov(table.T), np.eye(table.shape[1]), atol=0.15)
    found = structure(table)
    assert found.found
    assert found.direction < 1.05


@pytest.mark.parametrize("axis", [np.eye(8)[3], np.ones(8) / 8**0.5], ids=["of one column", "of all columns"])
def test_a_direction_is_found_wherever_it_points(axis):
    """Of strength theta it is worth (theta - log(1 + theta)) / 2 nats."""
    rng = np.random.default_rng(0)
    found = structure(noise(rng, n_columns=8) + noise(rng, n_columns=1) * axis)
    assert found.direction > 1.1
    assert found.worth == pytest.approx(0.5 * (1 - math.log(2)), rel=0.25)


def test_a_column_with_more_noise_is_no_direction_where_columns_have_noise_of_their_own():
    table = noise(np.random.default_rng(0), n_columns=8) * np.array([3.0, *[1.0] * 7])
    assert structure(table, has_one_scale=True).found
    assert structure(table, has_one_scale=False).excluded


def test_a_direction_below_the_noise_of_the_family_is_none_where_that_noise_has_one_size():
    rng = np.random.default_rng(0)
    table = 0.3 * (noise(rng, n_columns=8) + noise(rng, n_columns=1))
    assert structure(table, has_one_scale=False, has_scale=True).found
    assert structure(table, has_one_scale=False, has_scale=False).excluded


def test_noise_is_called_structure_no_more_often_than_its_level():
    """One direction in forty and one shape in two hundred, of 200 tables: 12 are beyond the 99.5 percentile."""
    tables = (noise(np.random.default_rng(seed), 100, 4) for seed in range(200))
    assert sum(structure(table, seed=seed).found for seed, table in enumerate(tables)) <= 12


def test_columns_that_depend_on_their_own_past_share_no_direction():
    found = [
        structure(lfilter([1], [1, -0.9], noise(np.random.default_rng(seed), n_columns=8), axis=0), seed=seed)
        for seed in range(5)
    ]
    assert sum(each.found for each in found) <= 1
    assert sum(each.excluded for each in found) >= 3


def test_few_rows_exclude_nothing_and_the_rows_that_are_asked_for_do():
    few = structure(noise(np.random.default_rng(0), 30, 20))
    assert not few.excluded
    assert not few.found
    assert structure(noise(np.random.default_rng(0), round(few.rows_needed), 20)).hidden < few.hidden


def test_the_order_of_rows_by_cluster_does_not_hide_the_clusters():
    rng = np.random.default_rng(0)
    table = np.sort(rng.integers(2, size=300))[:, None] * np.full(3, 4.0) + noise(rng, 300, 3)
    assert structure(table).found


def test_values_that_are_always_the_same_hold_nothing():
    assert structure(np.zeros((200, 3))).excluded
    assert not structure(np.zeros((2, 3))).excluded
