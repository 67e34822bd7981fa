"""The border between a user's table and a model: what is let in, and in what units a model sees it."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator
from sklearn.preprocessing import StandardScaler
from sklearn.utils import assert_all_finite
from sklearn.utils.validation import validate_data
from torch import Tensor
from torch.distributions import constraints

from ..nn import LIKELIHOODS
from .blocks import row_blocks, tensor_of
from .memory_map import MappedRows, is_large_map

__all__ = ["ModelRows", "check_support", "fitted_scaler", "model_rows", "standardised", "validated"]


class ModelRows:
    """Rows of a memory map as a model sees them in training; indexed like a tensor they give one.

    Parameters
    ----------
    rows : MappedRows
    scaler : StandardScaler or None
    """

    device = torch.device("cpu")

    def __init__(self, rows: MappedRows, scaler: StandardScaler | None) -> None:
        self.shape = rows.shape
        self._rows = rows
        self._scaler = scaler

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, chosen: slice | NDArray | Tensor) -> Tensor:
        return standardised(self._rows[chosen], self._scaler).float()


def validated(estimator: BaseEstimator, X: ArrayLike, **checks: Any) -> NDArray[np.floating] | MappedRows:
    """Rows after scikit-learn's checks: an array, or those of a memory map that is too large to load."""
    if not is_large_map(X):
        return validate_data(estimator, X, dtype=[np.float64, np.float32], **checks)
    rows = MappedRows(validate_data(estimator, X, dtype=None, ensure_all_finite=False, **checks))
    for block in row_blocks(rows):
        assert_all_finite(block, estimator_name=type(estimator).__name__, input_name="X")
    return rows


def fitted_scaler(X: NDArray | MappedRows) -> StandardScaler:
    """A scaler to mean 0 and variance 1."""
    scaler = StandardScaler()
    if isinstance(X, np.ndarray):
        return scaler.fit(X)
    for block in row_blocks(X):
        scaler.partial_fit(block)
    return scaler


def model_rows(X: NDArray | MappedRows, scaler: StandardScaler | None) -> Tensor | ModelRows:
    """Rows of data as the model sees them in training."""
    return standardised(X, scaler).float() if isinstance(X, np.ndarray) else ModelRows(X, scaler)


def standardised(X: NDArray, scaler: StandardScaler | None) -> Tensor:
    """Rows of data as a model sees them, in the precision of the data."""
    return tensor_of(X if scaler is None else scaler.transform(X))


def check_support(X: NDArray | MappedRows, support: Any, likelihood: str, names: Sequence[str] | None) -> None:
    """ValueError naming the first value outside the support, its column, and the likelihoods that fit the data."""
    n_earlier = 0
    for block in row_blocks(X):
        if not _all_in(support, tensor_of(block)):
            break
        n_earlier += len(block)
    else:
        return
    outside = ~support.check(tensor_of(block)).numpy()
    row, column = np.argwhere(outside)[0]
    title = f"column {column}" if names is None else f"column {column} ({names[column]!r})"
    fitting = [name for name, family in LIKELIHOODS.items() if all(_all_in(family.support, tensor_of(rows)) for rows in row_blocks(X))]
    raise ValueError(
        f'likelihood="{likelihood}" cannot take the value {block[row, column]:g} in {title}, row {n_earlier + row}: '
        f"it is outside {_in_words(support, column)}. Likelihoods that fit these values: {', '.join(fitting)}."
    )


def _all_in(support: Any, rows: Tensor) -> bool:
    """Whether all values are in the support; of an interval the least and the greatest of each column tell."""
    if support is constraints.real or isinstance(support, constraints.interval):
        rows = torch.stack(torch.aminmax(rows, dim=0))
    return bool(support.check(rows).all())


def _in_words(support: Any, column: int) -> str:
    upper = getattr(support, "upper_bound", None)
    if isinstance(upper, Tensor):
        return f"the codes 0 to {int(upper[column])} seen in fit"
    return "[0, 1]" if upper == 1 else "the non-negative whole numbers"
