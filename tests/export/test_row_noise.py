"""The draws of a row in a graph are those of the estimator, bit for bit."""

import numpy as np
import pytest
import torch

from sklid.export.row_noise import GraphNoise, bits_of
from sklid.randomness import RowNoise

EDGES = np.float32([0.0, -0.0, 1.0, -1.0, 2.0**-126, 2.0**-149, -(2.0**-140), 3.4e38, np.nan])


def any_bytes(n):
    x = np.random.default_rng(0).integers(0, 2**32, size=n, dtype=np.uint64).astype(np.uint32).view(np.float32)
    return x[np.isfinite(x)]


def test_whole_numbers_of_bytes_are_those_of_numpy():
    x = np.concatenate([any_bytes(20_000), EDGES])
    expected = np.where(x == 0, np.float32(0.0), x).view(np.uint32)
    assert np.array_equal(bits_of(torch.from_numpy(x)).numpy(), expected)


@pytest.mark.parametrize("n_features", [1, 3])
def test_each_row_names_the_set_that_its_estimator_draws_from(n_features):
    noise = RowNoise(seed=1, n_draws=3, n_components=2)
    x = any_bytes(10_000)[: 3_000 * n_features].reshape(-1, n_features)
    x[::7, 0] = np.nan
    found = GraphNoise(noise, n_features)(torch.from_numpy(x))
    assert torch.equal(found, noise(torch.from_numpy(x)))
    assert len(np.unique(noise.set_of_rows(torch.from_numpy(x)))) == noise.N_SETS
