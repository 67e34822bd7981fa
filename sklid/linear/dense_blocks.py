"""Rows, dense or sparse, in dense blocks that fit into memory: a sparse table is never made dense as a whole."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from ..data.blocks import chunks

__all__ = ["column_range", "dense", "dense_blocks", "n_constant", "n_different"]


def dense(X: Any) -> NDArray:
    """An array of what may be sparse."""
    return X.toarray() if sparse.issparse(X) else X


def dense_blocks(X: Any, numbers_per_row: int) -> Iterator[NDArray]:
    """Consecutive blocks of rows ``(n, D)``, each of so many rows that their work fits into memory."""
    return map(dense, chunks(X, numbers_per_row))


def column_range(X: Any) -> tuple[NDArray, NDArray]:
    """Least and greatest value of each column, gaps left out: ``(D,)`` each."""
    if sparse.issparse(X):
        return X.min(axis=0).toarray().ravel(), X.max(axis=0).toarray().ravel()
    return np.fmin.reduce(X), np.fmax.reduce(X)


def n_constant(X: Any) -> int:
    """How many columns hold one value alone, of tables without gaps."""
    if sparse.issparse(X):
        least, most = column_range(X)
        return int(np.count_nonzero(least == most))
    alike = np.flatnonzero(X[0] == X[-1])
    return int(np.count_nonzero((X[:1, alike] == X[:, alike]).all(axis=0)))


def n_different(X: Any) -> int:
    """How many different rows there are."""
    if not sparse.issparse(X):
        return len(np.unique(X, axis=0))
    X = X.copy()
    X.sum_duplicates()
    X.eliminate_zeros()
    parts = [slice(*ends) for ends in zip(X.indptr[:-1], X.indptr[1:], strict=True)]
    return len({(X.indices[part].tobytes(), X.data[part].tobytes()) for part in parts})
