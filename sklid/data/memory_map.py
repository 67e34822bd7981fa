"""Rows of a memory map, read from the file as needed: in the order of an array in memory, and with its numbers.

A page of a mapped file counts as memory of the process from the first touch until the kernel takes it back, so one pass
over the file would count the whole of it. Pages are therefore given back after a few of them; the file, or the kernel's
cache of it, still has what they held.
"""

import mmap
import os
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

__all__ = ["MappedRows", "is_large_map"]

LARGEST_LOADED = 1 << 24
"""Numbers up to which a memory map is read into memory, where training is faster."""
MOST_RESIDENT = 1 << 24
"""Bytes of mapped pages after which they are given back."""
N_SCATTERED = 32
"""Rows from anywhere read at a time: the touch of one page may make 2 MB resident, of neighbours that are in the
kernel's cache."""
MEMORY_IN_USE = "/proc/self/statm"


class MappedRows:
    """Rows of a memory map as an array has them; indexed by a slice or by numbers they give an array in memory.

    Parameters
    ----------
    X : array of shape (n_samples, n_features)
        A `numpy.memmap`, or a view of one. Numbers of another type than float32 are given as float64, as scikit-learn's
        validation does.
    """

    def __init__(self, X: NDArray) -> None:
        self.shape = X.shape
        self.dtype = np.dtype(np.float32 if X.dtype == np.float32 else np.float64)
        self._X = np.asarray(X)
        self._map = _returnable_map(X)
        self._resident = _resident_pages() if self._map else 0

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, chosen: slice | NDArray | Tensor) -> NDArray[np.floating]:
        if isinstance(chosen, slice):
            block = np.array(self._X[chosen], dtype=self.dtype, order="C")
            self._give_back()
            return block
        return self._scattered(np.asarray(chosen))

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray:
        if copy is False:
            raise ValueError("Rows of a memory map are copied into memory; leave copy=False out.")
        return self._scattered(np.arange(len(self))).astype(dtype or self.dtype, copy=False)

    def _scattered(self, numbers: NDArray[np.integer]) -> NDArray[np.floating]:
        """Rows in the order of their numbers, read in that of the file: neighbours then share the touch of a page."""
        rows = np.empty((len(numbers), self.shape[1]), self.dtype)
        order = np.argsort(numbers)
        for start in range(0, len(numbers), N_SCATTERED):
            some = order[start : start + N_SCATTERED]
            rows[some] = self._X[numbers[some]]
            self._give_back()
        return rows

    def _give_back(self) -> None:
        """Give the pages back when they are many."""
        if self._map and _resident_pages() - self._resident > MOST_RESIDENT // mmap.PAGESIZE:
            self._map.madvise(mmap.MADV_DONTNEED)
            self._resident = _resident_pages()


def is_large_map(X: Any) -> bool:
    """Whether X is a table of numbers in a memory map that is not to be loaded.

    Where a row lies scattered over the file, there is no other way than to load it.
    """
    if not isinstance(X, np.ndarray) or X.ndim != 2 or X.dtype.kind not in "biuf":
        return False
    return X.size > LARGEST_LOADED and X.strides[1] == X.itemsize and _memory_map(X) is not None


def _memory_map(X: NDArray) -> np.memmap | None:
    """The memory map that holds an array; scikit-learn's validation gives a plain array with the map at its base."""
    while X is not None and not (isinstance(X, np.memmap) and X._mmap is not None):
        X = getattr(X, "base", None)
    return X


def _returnable_map(X: NDArray) -> mmap.mmap | None:
    """The map whose pages can be given back.

    None where they hold changes that the file lacks, or where the system cannot.
    """
    holder = _memory_map(X)
    returnable = (
        holder is not None and holder.mode != "c" and hasattr(mmap, "MADV_DONTNEED") and os.path.exists(MEMORY_IN_USE)
    )
    return holder._mmap if returnable else None


def _resident_pages() -> int:
    """Pages of files that count as memory of this process."""
    with open(MEMORY_IN_USE, "rb", buffering=0) as file:
        return int(file.read().split()[2])
