"""Mini-batches cut out of one table: slices of a tensor, where a data loader would collate row by row.

Documents of like length go together, since a batch is as long as its longest: within each pool of a hundred batches of
a random order they are sorted by length, and the batches come in random order.
"""

import math
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from ..nn.draws import drawing

__all__ = ["BatchIterator"]

POOL = 100
"""Batches within which documents are sorted by length."""


class BatchIterator:
    """Mini-batches cut out of one table of rows, in a new random order each time when shuffled.

    Parameters
    ----------
    dataset : skorch Dataset or a Subset of one
        Holds the rows as a tensor, or as what is indexed like one.
    batch_size : int
    shuffle : bool, default=False
    """

    def __init__(self, dataset: Any, batch_size: int, shuffle: bool = False) -> None:
        subset = hasattr(dataset, "indices")
        self.rows: Any = dataset.dataset.X if subset else dataset.X
        numbers = torch.as_tensor(dataset.indices, device=self.rows.device) if subset else None
        self.indices = None if numbers is None else numbers.to(smallest_type(len(self.rows)))
        self.n_rows = len(dataset)
        self.batch_size = batch_size
        self.shuffle = shuffle

    def __len__(self) -> int:
        return math.ceil(self.n_rows / self.batch_size)

    def __iter__(self) -> Iterator[tuple[Tensor, None]]:
        order = self.indices
        if self.shuffle:
            with drawing():
                order = torch.randperm(self.n_rows, dtype=smallest_type(self.n_rows), device=self.rows.device)
                order = order if self.indices is None else self.indices.index_select(0, order)
                if hasattr(self.rows, "lengths"):
                    order = self.by_length(order)
        for start in range(0, self.n_rows, self.batch_size):
            batch = slice(start, start + self.batch_size)
            yield self.rows[batch if order is None else order[batch].long()], None

    def by_length(self, order: Tensor) -> Tensor:
        """The same rows, such that batches hold rows of like length; the last, short batch stays the last."""
        lengths = torch.from_numpy(self.rows.lengths)
        pools = [pool[lengths[pool.long()].argsort()] for pool in order.split(POOL * self.batch_size)]
        batches = torch.cat(pools).split(self.batch_size)
        n_whole = self.n_rows // self.batch_size
        places = [*torch.randperm(n_whole).tolist(), *range(n_whole, len(batches))]
        return torch.cat([batches[place] for place in places])


def smallest_type(n_rows: int) -> torch.dtype:
    """Of the numbers of rows: their random order is the largest thing that a training from a file keeps in memory."""
    return torch.int32 if n_rows <= torch.iinfo(torch.int32).max else torch.int64
