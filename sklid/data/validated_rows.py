"""What scikit-learn's checks let in: tables in arrays and frames, and memory maps and sparse matrices as they are."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse
from sklearn.base import BaseEstimator
from sklearn.utils import assert_all_finite, check_array
from sklearn.utils.validation import validate_data

from .blocks import row_blocks
from .memory_map import MappedRows, is_large_map
from .sparse_rows import Rows, is_sparse_numbers, of_sparse

__all__ = ["NamedRows", "validated_rows"]

ACCEPTED = {"dtype": [np.float64, np.float32], "ensure_all_finite": "allow-nan", "accept_sparse": "csr"}


@dataclass(frozen=True)
class NamedRows:
    """A sparse matrix and the names of its columns, which a frame has and a matrix has not.

    Attributes
    ----------
    matrix : sparse matrix or array of shape (n_samples, n_features)
    names : array of str, of shape (n_features,)
    """

    matrix: Any
    names: NDArray


def validated_rows(estimator: BaseEstimator, X: ArrayLike | NamedRows, **checks: Any) -> Rows:
    """A table of real numbers, in which nan is a gap.

    Parameters
    ----------
    estimator : BaseEstimator
        Remembers the number and the names of the columns with ``reset=True``, and is held to them without.
    X : array-like, sparse matrix or NamedRows of shape (n_samples, n_features)
    **checks
        Of `sklearn.utils.validation.validate_data`.

    Raises
    ------
    TypeError
        For an AnnData, whose matrix is in one of several places.
    ValueError
        In scikit-learn's words, or for a masked array.
    """
    if isinstance(X, np.ma.MaskedArray) and np.ma.is_masked(X):
        raise ValueError(
            f"X is a masked array with {np.ma.count_masked(X)} values masked, and numpy forgets masks on the way. Pass "
            "X.astype(float).filled(numpy.nan), in which nan stands for what is missing."
        )
    if hasattr(X, "obsm") and hasattr(X, "layers"):
        raise TypeError(
            "X is an AnnData, of which a model takes the matrix: pass adata.X or one of adata.layers, or let "
            "sklid.embed(adata, model) read it and write the latents into adata.obsm."
        )
    if isinstance(X, NamedRows):
        return _named(estimator, X, **checks)
    if is_sparse_numbers(X):
        rows = validate_data(estimator, X, **{**ACCEPTED, "dtype": None}, **checks)  # whole numbers in less memory
        return of_sparse(rows)
    if not is_large_map(X):
        rows = validate_data(estimator, X, **ACCEPTED, **checks)
        return of_sparse(rows) if sparse.issparse(rows) else rows
    rows = MappedRows(validate_data(estimator, X, dtype=None, ensure_all_finite=False, **checks))
    for block in row_blocks(rows):
        assert_all_finite(block, allow_nan=True, estimator_name=type(estimator).__name__, input_name="X")
    return rows


def _named(estimator: BaseEstimator, X: NamedRows, reset: bool = True, **checks: Any) -> Rows:
    """The names are those of a frame without rows, in scikit-learn's words."""
    import pandas

    validate_data(estimator, pandas.DataFrame(columns=X.names), reset=reset, skip_check_array=True)
    options = {**ACCEPTED, "dtype": None} if is_sparse_numbers(X.matrix) else ACCEPTED
    return of_sparse(check_array(X.matrix, estimator=estimator, input_name="X", **options, **checks))
