"""Randomness and devices: seeds, the noise of a row, and where a model computes."""

import numpy as np
import pytest
import torch

from sklid.randomness import RowNoise, available_device, from_random_state


def test_noise_of_a_row_depends_on_its_values_and_on_nothing_else():
    x = torch.randn(50, 3)
    noise = RowNoise(7, 5, 2)
    whole, order = noise(x), torch.randperm(50)
    assert torch.equal(noise(x[order]), whole[:, order])
    assert torch.equal(RowNoise(7, 5, 2)(x[:1].double()).float(), whole[:, :1])
    assert not torch.equal(RowNoise(8, 5, 2)(x), whole)


def test_rows_spread_evenly_over_the_noise_sets():
    counts = np.bincount(RowNoise.set_of_rows(torch.randint(0, 3, (64_000, 20))), minlength=64)
    assert counts.min() > 800
    assert counts.max() < 1200


def test_negative_zero_is_zero():
    assert RowNoise.set_of_rows(torch.tensor([[-0.0, 1.0]])) == RowNoise.set_of_rows(torch.tensor([[0.0, 1.0]]))


def test_block_of_a_random_state_repeats_and_leaves_the_generator_alone():
    before = torch.get_rng_state()
    draws = []
    for _ in range(2):
        with from_random_state(3):
            draws.append(torch.randn(4))
    assert torch.equal(*draws)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_missing_gpu_says_what_there_is():
    with pytest.raises(ValueError, match=r'device="cuda".*available: "cpu"'):
        available_device("cuda")
    assert available_device("auto") == "cpu"
