r"""The border between a user's table and a model: what is let in, in which units a model sees it, and the way back.

A likelihood that asks for standardised rows sees :math:`(x - m) / a` with m the mean and a the scale of each column, so
densities of rows exceed those of the data by :math:`\sum_j \log a_j` nats.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
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
            In scikit-learn's words; or for a value outside the support: the value, its column, and the likelihoods that
            take the table.
        """
        rows = _validated(estimator, X, **checks)
        self._check_support(rows, getattr(estimator, "feature_names_in_", None))
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
        if len(rows) and not max(abs(rows.min()), abs(rows.max())) <= LARGEST_VALUE:
            row, column = np.argwhere(~(abs(rows) <= LARGEST_VALUE))[0]
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
    def log_volume(self) -> float:
        """Log of the volume of a unit of the model's rows in units of the data, in nats."""
        return 0.0 if self.scaler is None else float(np.log(self.scaler.scale_).sum())

    def _check_support(self, X: NDArray | MappedRows, names: Sequence[str] | None) -> None:
        n_earlier = 0
        for block in row_blocks(X):
            if not _all_in(self.support, tensor_of(block)):
                break
            n_earlier += len(block)
        else:
            return
        row, column = np.argwhere(~self.support.constraint.check(tensor_of(block)).numpy())[0]
        others = [name for name in fitting_likelihoods(X) if name != self.likelihood]
        title = f"column {column}" if names is None else f"column {column} ({names[column]!r})"
        raise ValueError(
            f'likelihood="{self.likelihood}" cannot take the value {block[row, column]:g} in {title}, '
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
            f"X is a masked array with {np.ma.count_masked(X)} values masked, and {type(estimator).__name__} needs "
            "all of them. Fill them, or take sklid.IdentifiablePPCA, to which gaps are X.filled(numpy.nan)."
        )
    with _missing_values_explained():
        if not is_large_map(X):
            return validate_data(estimator, X, dtype=[np.float64, np.float32], **checks)
        rows = MappedRows(validate_data(estimator, X, dtype=None, ensure_all_finite=False, **checks))
        for block in row_blocks(rows):
            assert_all_finite(block, estimator_name=type(estimator).__name__, input_name="X")
        return rows


@contextmanager
def _missing_values_explained() -> Iterator[None]:
    """Adds to scikit-learn's error for missing values which model of this package takes them."""
    try:
        yield
    except ValueError as error:
        if "contains NaN" in str(error):
            raise ValueError(
                f"{str(error).splitlines()[0]}\nOf the models of sklid, IdentifiablePPCA takes missing values."
            ) from None
        raise


def _all_in(support: Support, rows: Tensor) -> bool:
    """Whether all values are in the support; of an interval the least and the greatest of each column tell."""
    if support.is_interval:
        rows = torch.stack(torch.aminmax(rows, dim=0))
    return bool(support.constraint.check(rows).all())
