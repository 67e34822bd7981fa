"""Rows in blocks that fit into memory."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

__all__ = ["chunks", "n_initial_rows", "row_blocks", "tensor_of"]

CHUNK_NUMBERS = 1 << 24
"""Numbers held at once for a chunk of rows: 64 MB in single precision."""
MORE_ON_GPU = 8
"""Times as many are held on a GPU, where few rows at a time leave most of it idle."""
MOST_INITIAL_ROWS, LEAST_INITIAL_ROWS = 10_000, 1_000
INITIAL_NUMBERS = 1 << 25
"""Numbers that a model is initialised at, of tables so wide that they are fewer than those of the most rows."""


def chunks(X: Any, numbers_per_row: int) -> Iterator[Any]:
    """Consecutive blocks of rows that need at most `CHUNK_NUMBERS` numbers each, and more of them on a GPU."""
    room = CHUNK_NUMBERS * (MORE_ON_GPU if getattr(X, "is_cuda", False) else 1)
    step = max(1, room // max(1, numbers_per_row))
    return (X[start : start + step] for start in range(0, X.shape[0], step))


def tensor_of(array: NDArray) -> Tensor:
    """A tensor that shares the array's memory, or a copy of it when torch could not write to it."""
    return torch.from_numpy(np.require(array, requirements=["C", "W"]))


def n_initial_rows(n_features: int) -> int:
    """How many rows of so many features a model is initialised at."""
    return max(LEAST_INITIAL_ROWS, min(MOST_INITIAL_ROWS, INITIAL_NUMBERS // n_features))


def row_blocks(X: Any) -> Iterator[Any]:
    """Consecutive rows of an array, a tensor or a table that is read in parts, with room for a few temporaries."""
    return chunks(X, 4 * X.shape[1])
