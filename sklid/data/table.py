r"""The border between a user's table and a model: what is let in, in which units a model sees it, and the way back.

A likelihood that asks for standardised rows sees :math:`(x - m) / a` with m the mean and a the scale of each column, so
densities of rows exceed those of the data by :math:`\sum_j \log a_j` nats.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator
from sklearn.preprocessing import StandardScaler
from sklearn.utils.validation import validate_data
from torch import Tensor

from ..nn import LIKELIHOODS, Likelihood, Support
from .blocks import row_blocks, tensor_of
from .column_reader import index_of
from .column_writer import Container, container_of_numbers, numbers_in, whole_numbers
from .memory_map import MappedRows
from .scale import fitted_scaler
from .sparse_rows import Rows, SparseRows
from .support import advice_on, all_in
from .validated_rows import validated_rows

__all__ = ["ModelRows", "TableAdapter"]

LARGEST_VALUE = 1e18
"""In the units of a model, and in single precision, which then holds its square."""
LARGEST_MEAN = 1e4
"""Of a column in its standard deviations, for rows that are given back in single precision: about a thousandth of a
standard deviation is then what rounding takes away."""


class TableAdapter:
    """A table's checks, its scale, and the rows that a model makes of it.

    Parameters
    ----------
    likelihood : str
        A key of `sklid.nn.LIKELIHOODS`.
    scale : {"auto", "column", "table"} or None, default="auto"
        Of a likelihood that asks for standardised rows, see `sklid.data.scale`; None leaves rows as they are.

    Attributes
    ----------
    support : Support
        Values that are let in: those of the family, and once `learn` has seen data those of the likelihood.
    scaler : StandardScaler or None
        From the units of the data to those of the model; None where they are the same.
    learned_scale : {"column", "table"} or None
        Which scale the scaler has; None where there is none.
    shares_seen : array of shape (n_features,)
        Of each column, the share of values that were not missing, as nan is, in the rows that were to be learned.
    container : Container
        What the table of the fit came in, with the labels and types of its columns.
    numbers : sequence of int or None
        What messages call the columns, where these have no names and are some of a larger table.
    names : sequence of str or None
        What messages call them otherwise: those of the rows checked last.

    Raises
    ------
    ValueError
        For another scale than "auto", of a likelihood that sees the data as they are.
    """

    container = Container("array")  # of models that were pickled before it was remembered

    def __init__(self, likelihood: str, scale: str | None = "auto") -> None:
        if scale != "auto" and not LIKELIHOODS[likelihood].standardised:
            raise ValueError(
                f'scale={scale!r} belongs to likelihood="gaussian"; likelihood="{likelihood}" sees the data as they '
                'are. Leave scale="auto".'
            )
        self.likelihood = likelihood
        self.support: Support = LIKELIHOODS[likelihood].support
        self.scale = scale
        self.scaler: StandardScaler | None = None
        self.learned_scale: str | None = None
        self.shares_seen: NDArray[np.floating] = np.ones(())
        self.container = Container("array")
        self.numbers: Sequence[int] | None = None
        self.names: Sequence[str] | None = None

    def checked(self, estimator: BaseEstimator, X: ArrayLike, **checks: Any) -> Rows:
        """Rows after scikit-learn's checks and that of the support; of a large memory map or sparse matrix as they are.

        Parameters
        ----------
        estimator : BaseEstimator
            Remembers the number and the names of the columns with ``reset=True``, and is held to them without.
        X : array-like or sparse matrix of shape (n_samples, n_features)
        **checks
            Of `sklearn.utils.validation.validate_data`.

        Raises
        ------
        ValueError
            In scikit-learn's words; with ``reset=True`` for a column without any value; or for a value outside the
            support: the value, its column, and the likelihoods that take the table.
        """
        rows = validated_rows(estimator, X, **checks)
        self.names = names = getattr(estimator, "feature_names_in_", None)
        if checks.get("reset", True):
            self.shares_seen = _shares_seen(rows, names, self.numbers)
            self.container = container_of_numbers(X)
        self._check_support(rows, names, is_fitted=not checks.get("reset", True))
        if not checks.get("reset", True):
            self._check_size(rows)
        return rows

    def checked_means(self, estimator: BaseEstimator, X: ArrayLike) -> NDArray[np.float64]:
        """Rows of means in double precision, which need not be values of the likelihood."""
        return validate_data(estimator, X, reset=False, dtype=np.float64)

    def key(self, column: int) -> str:
        """What an error calls a column."""
        return _title(column, self.names, self.numbers).removeprefix("column ")

    def features(self, X: Rows) -> Rows:
        """The columns of checked rows that are modelled."""
        return X

    def learn(self, X: Rows, noise: str) -> tuple["Tensor | ModelRows", Likelihood]:
        """Learn scale and support from checked rows; the rows as training sees them, and the likelihood for them."""
        family = LIKELIHOODS[self.likelihood]
        if family.standardised and self.scale is not None:
            self.scaler, self.learned_scale = fitted_scaler(
                X, self.scale, [self.key(column) for column in range(X.shape[1])]
            )
        rows = self.training_rows(X)
        likelihood = family.from_data(row_blocks(rows), noise)
        self.support = likelihood.support
        return rows, likelihood

    def rows(self, X: NDArray, first: int | None = None) -> Tensor:
        """Rows as the model sees them, in the precision of the data; the first of them has this number, if it is known.

        Raises
        ------
        ValueError
            If a value in the units of the model is beyond single precision.
        """
        with np.errstate(over="ignore", invalid="ignore"):
            rows = X if self.scaler is None else self.scaler.transform(X)
        extremes = np.fmin.reduce(rows, axis=None, initial=0), np.fmax.reduce(rows, axis=None, initial=0)
        if max(-extremes[0], extremes[1]) > LARGEST_VALUE:
            row, column = np.argwhere(abs(rows) > LARGEST_VALUE)[0]
            place = f"column {self.key(column)}," + ("" if first is None else f" row {first + row},")
            raise ValueError(
                f"X holds the value {X[row, column]:g} in {place} which in the units of the model is beyond "
                "single precision. Divide the table by a constant, or look for what is wrong with that row."
            )
        return tensor_of(rows)

    def training_rows(self, X: Rows) -> "Tensor | ModelRows":
        """Rows as the model sees them in training, in single precision, read as they are needed but for an array."""
        self._check_size(X)
        return self.rows(X, 0).float() if isinstance(X, np.ndarray) else ModelRows(X, self)

    def seen(self, X: Rows) -> NDArray[np.bool_] | None:
        """Which values of checked rows are no gaps; None of rows that are read in parts."""
        return ~np.isnan(X) if isinstance(X, np.ndarray) else None

    def restored(self, x: NDArray[np.floating]) -> NDArray[np.floating]:
        """Rows of the model in the units of the data.

        They are in double precision where single is too short for these, or too coarse beside their means.
        """
        if self.scaler is None:
            return x
        means, scales = abs(self.scaler.mean_), self.scaler.scale_
        needs_double = max(means.max(), scales.max()) >= LARGEST_VALUE or (means > LARGEST_MEAN * scales).any()
        return self.scaler.inverse_transform(x.astype(np.float64) if needs_double else x)

    @property
    def families(self) -> Any:
        """The likelihood of all columns; of a mixed table that of each."""
        return self.likelihood

    def given_back(
        self, rows: NDArray[np.floating], container: str, names: Sequence[str], like: Any = None, rounded: bool = False
    ) -> Any:
        """Rows in the units of the data as a user gets them.

        Parameters
        ----------
        rows : array of shape (n_samples, n_features)
        container : {"default", "pandas", "polars"}
            The default is an array.
        names : sequence of str
            Of the columns of a frame.
        like : array-like or DataFrame of shape (n_samples, *), optional
            The rows that these are answers to, whose index a frame of pandas has.
        rounded : bool, default=False
            Whether columns of whole numbers and truth values are to hold such again, where their types are known.
        """
        if container == "default":
            return whole_numbers(rows, self.container) if rounded else rows
        return numbers_in(container, rows, names, self.container, index_of(like), rounded)

    @property
    def log_volume(self) -> float:
        """Log of the volume of a unit of the model's rows in units of the data, in nats; on average over gaps."""
        return 0.0 if self.scaler is None else float((self.shares_seen * np.log(self.scaler.scale_)).sum())

    def log_volumes(self, X: Rows) -> float | NDArray[np.floating]:
        """The same of the columns that each row has: one number, or ``(N,)`` where there are gaps."""
        if self.scaler is None:
            return 0.0
        each = np.log(self.scaler.scale_)
        whole = each.sum()
        if isinstance(X, SparseRows) and not X.n_missing.any():
            return float(whole)
        missing = (np.isnan(block) for block in row_blocks(X))
        volumes = np.concatenate([np.where(gaps.any(axis=1), ~gaps @ each, whole) for gaps in missing])
        return volumes if (volumes != whole).any() else float(whole)

    def _holds_all(self, X: SparseRows) -> bool:
        """Whether the support of the family, one for all columns, is that of the model and holds all numbers."""
        family = LIKELIHOODS[self.likelihood].support
        return self.support is family and all(all_in(family, tensor_of(values)) for values in X.values())

    def _check_size(self, X: Rows) -> None:
        """ValueError for a value of a sparse table that is too large; of other tables it is found as rows are made."""
        if not isinstance(X, SparseRows):
            return
        largest = max(np.nanmax(abs(values), initial=0) for values in X.values())
        if self.scaler is not None:
            largest = (largest + abs(self.scaler.mean_).max()) / self.scaler.scale_.min()
        n_earlier = 0
        for block in row_blocks(X) if largest > LARGEST_VALUE else ():
            self.rows(block, n_earlier)
            n_earlier += len(block)

    def _check_support(self, X: Rows, names: Sequence[str] | None, is_fitted: bool) -> None:
        if isinstance(X, SparseRows) and self._holds_all(X):
            return
        n_earlier = 0
        for block in row_blocks(X):
            if not all_in(self.support, tensor_of(block)):
                break
            n_earlier += len(block)
        else:
            return
        row, column = np.argwhere(~self.support.constraint.check(tensor_of(block)).numpy() & ~np.isnan(block))[0]
        raise ValueError(
            f'likelihood="{self.likelihood}" cannot take the value {block[row, column]:g} in '
            f"{_title(column, names, self.numbers)}, row {n_earlier + row}: it is outside "
            f"{self.support.describe(column)}. {advice_on(X, self.likelihood, is_fitted)}"
        )


class ModelRows:
    """Rows of a memory map or a sparse matrix as a model sees them; indexed like a tensor they give one.

    Parameters
    ----------
    rows : MappedRows or SparseRows
    table : TableAdapter
    device : str, default="cpu"
        Where they are given.
    """

    def __init__(self, rows: MappedRows | SparseRows, table: TableAdapter, device: str = "cpu") -> None:
        self.shape = rows.shape
        self.device = torch.device(device)
        self._rows = rows
        self._table = table

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, chosen: slice | NDArray | Tensor) -> Tensor:
        return self._table.rows(self._rows[chosen]).float().to(self.device)


def _shares_seen(X: Rows, names: Sequence[str] | None, numbers: Sequence[int] | None) -> NDArray[np.floating]:
    """The share of values that each column has; ValueError for none, of which there is nothing to learn."""
    if isinstance(X, SparseRows):
        n_missing = X.n_missing
    else:
        n_missing = sum(np.isnan(block).sum(axis=0) for block in row_blocks(X))
    if (n_missing == len(X)).any():
        column = int(np.argmax(n_missing == len(X)))
        raise ValueError(
            f"All values of {_title(column, names, numbers)} are missing (nan), so there is nothing to learn. "
            "Leave it out."
        )
    return 1 - n_missing / len(X)


def _title(column: int, names: Sequence[str] | None, numbers: Sequence[int] | None = None) -> str:
    number = column if numbers is None else numbers[column]
    return f"column {number}" if names is None else f"column {number} ({names[column]!r})"
