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
from sklearn.utils import assert_all_finite
from sklearn.utils.validation import validate_data
from torch import Tensor

from ..nn import LIKELIHOODS, Likelihood, Support
from .blocks import row_blocks, tensor_of
from .memory_map import MappedRows, is_large_map
from .scale import fitted_scaler

__all__ = ["ModelRows", "TableAdapter", "fitting_likelihoods"]

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

    Raises
    ------
    ValueError
        For another scale than "auto", of a likelihood that sees the data as they are.
    """

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

    def checked(self, estimator: BaseEstimator, X: ArrayLike, **checks: Any) -> NDArray[np.floating] | MappedRows:
        """Rows after scikit-learn's checks and that of the support: in an array, or in a memory map too large to load.

        Parameters
        ----------
        estimator : BaseEstimator
            Remembers the number and the names of the columns with ``reset=True``, and is held to them without.
        X : array-like of shape (n_samples, n_features)
        **checks
            Of `sklearn.utils.validation.validate_data`.

        Raises
        ------
        ValueError
            In scikit-learn's words; with ``reset=True`` for a column without any value; or for a value outside the
            support: the value, its column, and the likelihoods that take the table.
        """
        rows = _validated(estimator, X, **checks)
        names = getattr(estimator, "feature_names_in_", None)
        if checks.get("reset", True):
            self.shares_seen = _shares_seen(rows, names)
        self._check_support(rows, names)
        return rows

    def learn(self, X: NDArray | MappedRows, noise: str) -> tuple["Tensor | ModelRows", Likelihood]:
        """Learn scale and support from checked rows; the rows as training sees them, and the likelihood for them."""
        family = LIKELIHOODS[self.likelihood]
        if family.standardised and self.scale is not None:
            self.scaler, self.learned_scale = fitted_scaler(X, self.scale)
        rows = self.training_rows(X)
        likelihood = family.from_data(row_blocks(rows), noise)
        self.support = likelihood.support
        return rows, likelihood

    def rows(self, X: NDArray) -> Tensor:
        """Rows as the model sees them, in the precision of the data.

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
            raise ValueError(
                f"X holds the value {X[row, column]:g} in column {column}, which in the units of the model is beyond "
                "single precision. Divide the table by a constant, or look for what is wrong with that row."
            )
        return tensor_of(rows)

    def training_rows(self, X: NDArray | MappedRows) -> "Tensor | ModelRows":
        """Rows as the model sees them in training, in single precision; of a memory map, read as they are needed."""
        return self.rows(X).float() if isinstance(X, np.ndarray) else ModelRows(X, self)

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
        self, rows: NDArray[np.floating], container: str, names: Sequence[str], index: Any = None, rounded: bool = False
    ) -> Any:
        """Rows in the units of the data as a user gets them.

        Parameters
        ----------
        rows : array of shape (n_samples, n_features)
        container : {"default", "pandas", "polars"}
            The default is an array.
        names : sequence of str
            Of the columns of a frame.
        index : Index of pandas, optional
            Of its rows.
        rounded : bool, default=False
            Whether columns of whole numbers are to hold such again, where their types are known.
        """
        if container == "pandas":
            import pandas

            return pandas.DataFrame(rows, columns=list(names), index=index)
        if container == "polars":
            import polars

            return polars.DataFrame(rows, schema=list(names))
        return rows

    @property
    def log_volume(self) -> float:
        """Log of the volume of a unit of the model's rows in units of the data, in nats; on average over gaps."""
        return 0.0 if self.scaler is None else float((self.shares_seen * np.log(self.scaler.scale_)).sum())

    def log_volumes(self, X: NDArray | MappedRows) -> float | NDArray[np.floating]:
        """The same of the columns that each row has: one number, or ``(N,)`` where there are gaps."""
        if self.scaler is None:
            return 0.0
        each = np.log(self.scaler.scale_)
        whole = each.sum()
        missing = (np.isnan(block) for block in row_blocks(X))
        volumes = np.concatenate([np.where(gaps.any(axis=1), ~gaps @ each, whole) for gaps in missing])
        return volumes if (volumes != whole).any() else float(whole)

    def _check_support(self, X: NDArray | MappedRows, names: Sequence[str] | None) -> None:
        n_earlier = 0
        for block in row_blocks(X):
            if not _all_in(self.support, tensor_of(block)):
                break
            n_earlier += len(block)
        else:
            return
        row, column = np.argwhere(~self.support.constraint.check(tensor_of(block)).numpy() & ~np.isnan(block))[0]
        others = [name for name in fitting_likelihoods(X) if name != self.likelihood]
        raise ValueError(
            f'likelihood="{self.likelihood}" cannot take the value {block[row, column]:g} in {_title(column, names)}, '
            f"row {n_earlier + row}: it is outside {self.support.describe(column)}. "
            f"Likelihoods that fit these values: {', '.join(others)}."
        )


class ModelRows:
    """Rows of a memory map as a model sees them in training; indexed like a tensor they give one.

    Parameters
    ----------
    rows : MappedRows
    table : TableAdapter
    """

    device = torch.device("cpu")

    def __init__(self, rows: MappedRows, table: TableAdapter) -> None:
        self.shape = rows.shape
        self._rows = rows
        self._table = table

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, chosen: slice | NDArray | Tensor) -> Tensor:
        return self._table.rows(self._rows[chosen]).float()


def fitting_likelihoods(X: NDArray | MappedRows) -> list[str]:
    """The keys of `sklid.nn.LIKELIHOODS` whose support holds all values of a table."""
    return [
        name
        for name, family in LIKELIHOODS.items()
        if all(_all_in(family.support, tensor_of(rows)) for rows in row_blocks(X))
    ]


def _validated(estimator: BaseEstimator, X: ArrayLike, **checks: Any) -> NDArray[np.floating] | MappedRows:
    if isinstance(X, np.ma.MaskedArray) and np.ma.is_masked(X):
        raise ValueError(
            f"X is a masked array with {np.ma.count_masked(X)} values masked, and numpy forgets masks on the way. Pass "
            "X.astype(float).filled(numpy.nan), in which nan stands for what is missing."
        )
    if not is_large_map(X):
        return validate_data(estimator, X, dtype=[np.float64, np.float32], ensure_all_finite="allow-nan", **checks)
    rows = MappedRows(validate_data(estimator, X, dtype=None, ensure_all_finite=False, **checks))
    for block in row_blocks(rows):
        assert_all_finite(block, allow_nan=True, estimator_name=type(estimator).__name__, input_name="X")
    return rows


def _shares_seen(X: NDArray | MappedRows, names: Sequence[str] | None) -> NDArray[np.floating]:
    """The share of values that each column has; ValueError for none, of which there is nothing to learn."""
    n_missing = sum(np.isnan(block).sum(axis=0) for block in row_blocks(X))
    if (n_missing == len(X)).any():
        column = int(np.argmax(n_missing == len(X)))
        raise ValueError(
            f"All values of {_title(column, names)} are missing (nan), so there is nothing to learn. Leave it out."
        )
    return 1 - n_missing / len(X)


def _title(column: int, names: Sequence[str] | None) -> str:
    return f"column {column}" if names is None else f"column {column} ({names[column]!r})"


def _all_in(support: Support, rows: Tensor) -> bool:
    """Whether all values are in the support; of an interval the least and the greatest of each column tell."""
    if support.is_interval:
        bounds = torch.stack(torch.aminmax(rows, dim=0))
        if bool(support.constraint.check(bounds).all()):
            return True
    return bool((support.constraint.check(rows) | torch.isnan(rows)).all())
