"""Rows of a sparse matrix, made dense a batch or a block at a time: a model gets the numbers of the dense table.

What is not stored is the number zero, and nan that is stored is a gap. Means, variances and extremes of columns are
those of the stored numbers and of as many zeros as are left, so no pass over all rows needs them dense.
"""

from collections.abc import Iterator
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.utils.sparsefuncs import min_max_axis
from torch import Tensor

from .blocks import chunks
from .memory_map import MappedRows

__all__ = ["Rows", "SparseRows", "is_sparse_numbers", "of_sparse"]

LARGEST_DENSE = 1 << 24
"""Numbers up to which a sparse matrix is made dense as a whole, where training is faster: those of one block."""
VALUES_AT_A_TIME = 1 << 22


class SparseRows:
    """Rows of a sparse matrix as an array has them; indexed by a slice or by numbers they give a dense array.

    Parameters
    ----------
    X : sparse matrix or array in CSR format, of shape (n_samples, n_features)
        Numbers of another type than float32 are given as float64, as scikit-learn's validation does. Entries that are
        stored more than once are summed, in a copy.

    Examples
    --------
    >>> from scipy.sparse import csr_array
    >>> from sklid.data.sparse_rows import SparseRows
    >>> rows = SparseRows(csr_array([[0.0, 2.0], [1.0, 0.0], [0.0, 0.0]]))
    >>> rows[1:]
    array([[1., 0.],
           [0., 0.]])
    """

    def __init__(self, X: Any) -> None:
        if not X.has_canonical_format:
            X = X.copy()
            X.sum_duplicates()
        self.shape = X.shape
        self.dtype = np.dtype(np.float32 if X.dtype == np.float32 else np.float64)
        self._X = X

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, chosen: slice | NDArray | Tensor) -> NDArray[np.floating]:
        rows = self._X[chosen if isinstance(chosen, slice) else np.asarray(chosen)]
        return rows.astype(self.dtype, copy=False).toarray()

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray:
        if copy is False:
            raise ValueError("Rows of a sparse matrix are made dense in a copy; leave copy=False out.")
        return self[:].astype(dtype or self.dtype, copy=False)

    def parts(self) -> Iterator[Any]:
        """Consecutive rows, still sparse, in double precision."""
        return (part.astype(np.float64) for part in chunks(self._X, 4 * self.shape[1]))

    def values(self) -> Iterator[NDArray[np.floating]]:
        """Every number of the table, zero once, in columns of shape ``(n, 1)``."""
        for start in range(0, self._X.nnz, VALUES_AT_A_TIME):
            yield self._X.data[start : start + VALUES_AT_A_TIME, None].astype(self.dtype)
        if self._X.nnz < self.shape[0] * self.shape[1]:
            yield np.zeros((1, 1), self.dtype)

    def bounds(self) -> Iterator[tuple[NDArray[np.float64], NDArray[np.float64]]]:
        """Least and greatest value of each column, gaps left out, of consecutive rows."""
        return (min_max_axis(part, axis=0, ignore_nan=True) for part in self.parts())

    @cached_property
    def n_missing(self) -> NDArray[np.integer]:
        """How many values each column lacks: ``(P,)``."""
        return np.bincount(self._X.indices[np.isnan(self._X.data)], minlength=self.shape[1])


Rows = NDArray[np.floating] | MappedRows | SparseRows
"""A checked table: in an array, in a memory map, or sparse; the last two are read as they are needed."""


def is_sparse_numbers(X: Any) -> bool:
    """Whether X is a sparse matrix or array of real numbers or truth values."""
    return sparse.issparse(X) and X.dtype.kind in "biuf"


def of_sparse(X: Any) -> NDArray[np.floating] | SparseRows:
    """Rows of a matrix in CSR format; a small one is a dense array."""
    rows = SparseRows(X)
    return rows[:] if rows.shape[0] * rows.shape[1] <= LARGEST_DENSE else rows
