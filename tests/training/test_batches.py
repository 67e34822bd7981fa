"""Documents go in batches of like lengths, in random order."""

import numpy as np
import pytest
import torch
from skorch.dataset import Dataset
from torch.utils.data import Subset

from sklid.training.batches import BatchIterator, smallest_type


class Lengths:
    """Rows that are documents, so far as the iterator knows."""

    device = torch.device("cpu")

    def __init__(self, lengths):
        self.lengths = lengths

    def __len__(self):
        return len(self.lengths)

    def __getitem__(self, chosen):
        return torch.as_tensor(self.lengths)[chosen]


def test_documents_of_a_batch_have_like_lengths_and_each_comes_once():
    lengths = np.random.default_rng(0).permutation(np.arange(1003)) + 1
    batches = [rows for rows, _ in BatchIterator(Dataset(Lengths(lengths)), batch_size=50, shuffle=True)]
    assert sorted(torch.cat(batches).tolist()) == sorted(lengths.tolist())
    assert [len(rows) for rows in batches] == [50] * 20 + [3]
    assert all(rows.max() - rows.min() < 60 for rows in batches)
    middles = [rows.double().median().item() for rows in batches]
    assert middles != sorted(middles)


def test_the_order_of_documents_differs_from_epoch_to_epoch():
    iterator = BatchIterator(Dataset(Lengths(np.arange(200))), batch_size=20, shuffle=True)
    first, second = ([rows.tolist() for rows, _ in iterator] for _ in range(2))
    assert first != second


@pytest.mark.parametrize(("n_rows", "expected"), [(1, torch.int32), (2**31 - 1, torch.int32), (2**31, torch.int64)])
def test_the_numbers_of_rows_take_no_more_memory_than_they_need(n_rows, expected):
    assert smallest_type(n_rows) == expected


def test_a_shuffled_part_of_the_rows_gives_each_of_them_once():
    part = Subset(Dataset(torch.arange(1_000.0).unsqueeze(1)), np.arange(100, 400))
    rows = torch.cat([batch for batch, _ in BatchIterator(part, batch_size=64, shuffle=True)])
    assert rows.squeeze(1).tolist() != list(range(100, 400))
    assert sorted(rows.squeeze(1).tolist()) == list(range(100, 400))
