"""Settings at their defaults for one block, and a default type of one thread."""

from contextlib import contextmanager

import numpy as np
import torch

from sklid.surroundings import SinglePrecision, ordinary_settings


@contextmanager
def double_by_default():
    torch.set_default_dtype(torch.float64)
    try:
        yield
    finally:
        torch.set_default_dtype(torch.float32)


def test_ordinary_settings_end_with_their_block():
    with torch.inference_mode(), np.errstate(all="raise"), torch.device("meta"):
        with ordinary_settings():
            assert torch.is_grad_enabled()
            assert not torch.is_inference(torch.empty(1))
            assert torch.empty(1).device.type == "cpu"
            assert np.geterr()["under"] == "ignore"
        assert torch.is_inference_mode_enabled()
        assert np.geterr()["under"] == "raise"
        assert torch.empty(1).device.type == "meta"


def test_single_precision_stands_in_for_the_default_type_alone():
    with double_by_default(), SinglePrecision():
        for made in (torch.zeros(2), torch.full((2,), 0.5), torch.tensor(0.5), torch.nn.Linear(2, 2).weight):
            assert made.dtype == torch.float32
        assert torch.tensor(np.ones(2)).dtype == torch.ones(2, dtype=torch.float64).dtype == torch.float64
        assert torch.full((2,), 3).dtype == torch.tensor([1]).dtype == torch.int64
        assert torch.full((2,), True).dtype == torch.bool
