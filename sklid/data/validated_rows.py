"""What scikit-learn's checks let in: tables in arrays, frames and parts, large maps and sparse matrices as they are."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse
from sklearn.base import BaseEstimator
from sklearn.utils import assert_all_finite, check_array
from sklearn.utils.validation import validate_data

from .blocks import row_blocks
from .memory_map import MappedRows, is_large_map
from .plain_values import with_plain_values
from .sparse_rows import Rows, is_sparse_numbers, of_sparse
from .spooled import in_parts

__all__ = ["NamedRows", "refuse_columns", "validated_rows"]

ACCEPTED = {"dtype": [np.float64, np.float32], "ensure_all_finite": "allow-nan", "accept_sparse": "csr"}
LIKELIHOOD_OF_TEXT = 'this likelihood takes numbers. Set likelihood="auto", which finds a likelihood for each column'


@dataclass(frozen=True)
class NamedRows:
    """Rows without names, such as a sparse matrix, and the names of their columns.

    Attributes
    ----------
    matrix : sparse matrix, array or memory map of shape (n_samples, n_features)
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
    X : array-like, sparse matrix or NamedRows of shape (n_samples, n_features), or a table in parts
        See `sklid.data.spooled`.
    **checks
        Of `sklearn.utils.validation.validate_data`.

    Raises
    ------
    TypeError
        For an AnnData, whose matrix is in one of several places, and for a column in files that holds no numbers.
    ValueError
        In scikit-learn's words, or for a masked array, or a frame with a column of text or dates.
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
    parts = in_parts(X)
    if parts is not None:
        X = parts.rows if parts.names is None else NamedRows(parts.rows, np.asarray(parts.names, dtype=object))
    if isinstance(X, NamedRows):
        return _rows(X.matrix, _held_to_names(estimator, X, **checks))
    X = with_plain_values(X)
    try:
        return _rows(X, partial(validate_data, estimator, **checks))
    except (ValueError, TypeError) as error:
        if checks.get("reset", True):
            refuse_columns(X, error, LIKELIHOOD_OF_TEXT)
        raise


def refuse_columns(X: Any, error: Exception, remedy: str) -> None:
    """An error with the name of the first column that holds no numbers: what an error of scikit-learn may be about.

    ValueError for text and categories, which have a remedy; TypeError for other objects.
    """
    X = with_plain_values(X)
    if hasattr(X, "columns") and hasattr(X, "dtypes"):
        columns = [(name, X.iloc[:, place] if hasattr(X, "iloc") else X[name]) for place, name in enumerate(X.columns)]
    elif isinstance(X, np.ndarray) and X.ndim == 2 and X.dtype.kind in "OUS":
        columns = list(enumerate(X.T))
    else:
        return
    for name, column in columns:
        values = np.asarray(column)
        try:
            values.astype(np.float64)
        except (TypeError, ValueError) as reason:
            if any(isinstance(value, str | bytes) for value in values):
                raise ValueError(
                    f"Column {name!r} holds text or categories, and {remedy}, or leave the column out."
                ) from error
            raise TypeError(
                f"Column {name!r} holds objects that are no numbers: {str(reason).rstrip('.')}. Leave it out."
            ) from error


def _rows(X: Any, check: Callable[..., Any]) -> Rows:
    """Rows that a check of scikit-learn has let in; of a large memory map each number is looked at here."""
    if is_sparse_numbers(X):
        return of_sparse(check(X, **{**ACCEPTED, "dtype": None}))  # whole numbers in less memory
    if not is_large_map(X):
        rows = check(X, **ACCEPTED)
        return of_sparse(rows) if sparse.issparse(rows) else rows
    rows = MappedRows(check(X, dtype=None, ensure_all_finite=False))
    for block in row_blocks(rows):
        assert_all_finite(block, allow_nan=True, input_name="X")
    return rows


def _held_to_names(estimator: BaseEstimator, X: NamedRows, reset: bool = True, **checks: Any) -> Callable[..., Any]:
    """A check of numbers; the names are checked here as those of a frame without rows, in scikit-learn's words."""
    import pandas

    validate_data(estimator, pandas.DataFrame(columns=X.names), reset=reset, skip_check_array=True)
    return partial(check_array, estimator=estimator, input_name="X", **checks)
