"""Documents as numbers, one after the other in one array, which is a file once they are many."""

import tempfile
from collections.abc import Iterable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..nn.sequences import PADDING

__all__ = ["DocumentWriter", "Documents"]

MOST_IN_MEMORY = 1 << 26
"""Bytes of numbers beyond which they go to a temporary file."""


class Documents:
    """Rows of whole numbers of different lengths; indexed like an array they give a padded one, of its longest.

    Parameters
    ----------
    numbers : int32 array of shape (n_words,)
        Of all documents, one after the other; may be a memory map.
    ends : int64 array of shape (n_documents,)
        Where each of them ends.
    renumbered : int32 array, optional
        What a number stands for, if it is another.
    """

    device = torch.device("cpu")

    def __init__(self, numbers: NDArray[np.int32], ends: NDArray[np.int64], renumbered: NDArray | None = None) -> None:
        self._numbers = numbers
        self._ends = ends
        self._renumbered = renumbered

    def __len__(self) -> int:
        return len(self._ends)

    @property
    def shape(self) -> tuple[int, int]:
        """Number of documents, and words of the longest."""
        return len(self), int(self.lengths.max(initial=1))

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Words of each document."""
        return np.diff(self._ends, prepend=0)

    def __getitem__(self, chosen: Any) -> Tensor:
        """Some documents, padded: ``(n, T)`` in single precision."""
        if isinstance(chosen, tuple):  # as scikit-learn's indexing asks: rows, and all of each
            chosen = chosen[0]
        chosen = np.arange(len(self))[chosen] if isinstance(chosen, slice) else np.asarray(chosen)
        ends, lengths = self._ends[chosen], self.lengths_of(chosen)
        rows = np.full((len(chosen), int(lengths.max(initial=1))), PADDING, np.float32)
        for row, end, length in zip(rows, ends, lengths, strict=True):
            row[:length] = self.stands_for(self._numbers[end - length : end])
        return torch.from_numpy(rows)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray:
        return self[:].numpy().astype(dtype or np.float32, copy=False)

    def lengths_of(self, chosen: NDArray) -> NDArray[np.int64]:
        starts = np.where(chosen > 0, self._ends[chosen - 1], 0)
        return self._ends[chosen] - starts

    def stands_for(self, numbers: NDArray[np.int32]) -> NDArray[np.int32]:
        return numbers if self._renumbered is None else self._renumbered[numbers]

    def renumbered(self, by: NDArray[np.int32]) -> "Documents":
        """The same documents with other numbers."""
        return Documents(self._numbers, self._ends, by)


class DocumentWriter:
    """Takes documents one by one, and gives all of them; what is beyond the memory it may use is in a file.

    The file is there while it is a context; a map of it outlives that.
    """

    def __enter__(self) -> "DocumentWriter":
        self._file = tempfile.SpooledTemporaryFile(max_size=MOST_IN_MEMORY)
        self._ends: list[int] = []
        self._length = 0
        return self

    def __exit__(self, *error: Any) -> None:
        self._file.close()

    def add(self, numbers: Iterable[int]) -> None:
        words = np.fromiter(numbers, np.int32)
        self._file.write(words.tobytes())
        self._length += len(words)
        self._ends.append(self._length)

    def documents(self) -> Documents:
        """All that came."""
        ends = np.array(self._ends, np.int64)
        if self._length * 4 <= MOST_IN_MEMORY:
            self._file.seek(0)
            return Documents(np.frombuffer(self._file.read(), np.int32), ends)
        self._file.flush()
        return Documents(np.memmap(self._file, np.int32, "r"), ends)
