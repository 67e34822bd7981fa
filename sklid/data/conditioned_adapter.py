"""The border between a table with exposures or covariates and a model of its other columns; beside `TableAdapter`.

Checked rows and those of the model are the modelled columns, the *features*, with the numbers that conditions are to a
model after them; the features have an adapter of their own.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, clone
from sklearn.utils import check_array
from sklearn.utils.validation import validate_data
from torch import Tensor

from ..nn import ConditionedLikelihood, Likelihood
from ..nn.likelihoods.conditioned import library_of
from .blocks import row_blocks
from .chosen_columns import as_table, columns_of, dense_columns_of, labels_of
from .column_families import families_beside
from .column_reader import is_frame_of
from .conditions import Conditions
from .memory_map import MappedRows, is_large_map
from .mixed_adapter import MixedAdapter
from .sparse_rows import SparseRows
from .table import ModelRows, TableAdapter

__all__ = ["ConditionedAdapter"]


class RowsBeside:
    """Rows of a memory map or of a sparse matrix with more columns beside them; indexed like it, they give an array.

    Parameters
    ----------
    features : MappedRows or SparseRows
    codes : array of shape (n_samples, C)
    """

    def __init__(self, features: MappedRows | SparseRows, codes: NDArray) -> None:
        self.features, self.codes, self.dtype = features, codes, features.dtype
        self.shape = (features.shape[0], features.shape[1] + codes.shape[1])

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, chosen: Any) -> NDArray:
        return np.concatenate(
            [
                self.features[chosen],
                self.codes[np.asarray(chosen) if isinstance(chosen, Tensor) else chosen].astype(self.dtype),
            ],
            axis=1,
        )


class ConditionedAdapter(TableAdapter):
    """A table's checks and the rows that a model makes of it, where these are conditioned on something.

    Parameters
    ----------
    own : TableAdapter
        Of the features, not yet used.
    offset, covariates : str, int, list of these, or None
        As in `sklid.LIDVAE`.
    """

    def __init__(self, own: TableAdapter, offset: Any, covariates: Any) -> None:
        self.own = own
        self.conditions = Conditions(offset, covariates)
        self.n_features = 0
        self.typical_library: float | None = None
        self._of_features: BaseEstimator | None = None

    def checked(self, estimator: BaseEstimator, X: ArrayLike, **checks: Any) -> Any:
        """Features after the checks of their own adapter, and the numbers that conditions are to a model.

        Parameters
        ----------
        estimator : BaseEstimator
            Remembers the number and the names of all columns with ``reset=True``, and is held to them without.
        X : DataFrame of pandas or polars, or array-like of shape (n_samples, n_features)
        **checks
            Of `sklearn.utils.validation.validate_data`.

        Raises
        ------
        ValueError
            As the adapter of the features, and as `Conditions`.
        """
        if not self.conditions.has_columns:
            rows = self.own.checked(estimator, X, **checks)
            self.n_features = rows.shape[1]
            return rows
        X, codes = self._split(estimator, X, checks.get("reset", True), checks.get("ensure_min_samples", 1))
        features = self.own.checked(self._of_features, X, **checks)
        self.n_features = features.shape[1]
        if isinstance(features, MappedRows | SparseRows):
            return RowsBeside(features, codes)
        return np.concatenate([features, codes.astype(features.dtype)], axis=1)

    def checked_means(self, estimator: BaseEstimator, X: ArrayLike) -> Any:
        if not self.conditions.has_columns:
            return self.own.checked_means(estimator, X)
        X, codes = self._split(estimator, X, reset=False)
        return np.concatenate([self.own.checked_means(self._of_features, X), codes], axis=1)

    def learn(self, X: Any, noise: str) -> tuple["Tensor | ModelRows", Likelihood]:
        """Learn what the features' adapter does, and typical exposures; the likelihood given the conditions."""
        features, whole = self.own.learn(self.features(X), noise)
        counts = whole.takes_exposure()
        if (self.conditions.uses_library or self.conditions.exposures) and not counts.any():
            raise ValueError(
                "offset is the exposure of counts, and no column has a likelihood of counts. Take one, such as "
                'likelihood="poisson" or "negative_binomial", or leave offset at None.'
            )
        library = library_of(_Blocks(features), counts) if self.conditions.uses_library else None
        self.typical_library = None if library is None else library.typical
        usual = self.conditions.usual_codes if self.conditions.has_columns else np.zeros(0)
        has_exposure = bool(self.conditions.exposures)
        likelihood = ConditionedLikelihood(whole, torch.from_numpy(usual).float(), has_exposure, library)
        return self.training_rows(X) if self.conditions.has_columns else features, likelihood

    def rows(self, X: NDArray, first: int | None = None) -> Tensor:
        features = self.own.rows(self.features(X), first)
        if not self.conditions.has_columns:
            return features
        return torch.cat([features, torch.from_numpy(X[:, self.n_features :]).to(features)], dim=1)

    def training_rows(self, X: Any) -> "Tensor | ModelRows":
        return super().training_rows(X) if self.conditions.has_columns else self.own.training_rows(X)

    def features(self, X: Any) -> Any:
        if isinstance(X, RowsBeside):
            return X.features
        return X[:, : self.n_features] if self.conditions.has_columns else X

    def seen(self, X: Any) -> NDArray[np.bool_] | None:
        features = self.own.seen(self.features(X))
        if features is None or not self.conditions.has_columns:
            return features
        every = np.ones((len(features), features.shape[1] + len(self.conditions.columns)), dtype=bool)
        every[:, self.conditions.rest] = features
        return every

    def restored(self, x: NDArray[np.floating]) -> NDArray[np.floating]:
        return self.own.restored(x)

    def given_back(
        self, rows: NDArray[np.floating], container: str, names: Sequence[str], like: Any = None, rounded: bool = False
    ) -> Any:
        """Features as their adapter gives them back, with the conditions at their places among them.

        They are as they came in `like`, and without it the usual ones.
        """
        if not self.conditions.has_columns:
            return self.own.given_back(rows, container, names, like, rounded)
        own_names = [names[column] for column in self.conditions.rest]
        features = self.own.given_back(rows, container, own_names, like, rounded)
        columns = self.conditions.columns
        beside = self.conditions.usual(len(rows)) if like is None else dense_columns_of(as_table(like), columns)
        if container == "default":
            return self._array(features, np.asarray(beside))
        labels = list(names) if self.conditions._labels is None else self.conditions._labels
        for column in sorted(columns):
            values = _column(beside, columns.index(column), names[column], container)
            if container == "pandas":
                features.insert(column, labels[column], getattr(values, "values", values))
            else:
                features.insert_column(column, values)
        return features

    @property
    def families(self) -> Any:
        return self.own.families

    @property
    def log_volume(self) -> float:
        return self.own.log_volume

    def log_volumes(self, X: Any) -> float | NDArray[np.floating]:
        return self.own.log_volumes(self.features(X))

    @property
    def scaler(self) -> Any:  # type: ignore[override]
        return self.own.scaler

    @property
    def learned_scale(self) -> str | None:  # type: ignore[override]
        return self.own.learned_scale

    @property
    def shares_seen(self) -> NDArray[np.floating]:  # type: ignore[override]
        return self.own.shares_seen

    def keep_to(self, estimator: BaseEstimator, has_labels: bool) -> None:
        """Let an estimator of one's own remember the features' names, and messages number features as in X.

        Parameters
        ----------
        estimator : BaseEstimator
            Is copied.
        has_labels : bool
            Whether columns have labels, by which messages name them then.
        """
        self._of_features = clone(estimator)
        self.own.numbers = None if has_labels else self.conditions.rest

    def _split(self, estimator: BaseEstimator, X: Any, reset: bool, least: int = 1) -> tuple[Any, NDArray]:
        """The features of a table, and the numbers that its conditions are to a model."""
        X = as_table(X)
        if not hasattr(X, "columns"):  # a frame is a table already
            check_array(
                X,
                accept_sparse=True,
                dtype=None,
                ensure_all_finite=False,
                ensure_min_samples=least,
                estimator=estimator,
            )
        validate_data(estimator, X, reset=reset, skip_check_array=True)
        codes = self.conditions.learn(X) if reset else self.conditions.encode(X)
        if reset:
            self.keep_to(estimator, has_labels=hasattr(X, "columns"))
            if isinstance(self.own, MixedAdapter):
                self.own.asked = families_beside(self.own.asked, labels_of(X), self.conditions.columns)
        features = columns_of(X, self.conditions.rest)
        if is_large_map(X) and not is_large_map(features):
            raise ValueError(
                "The columns of offset and covariates stand among the others of a memory map, which would have to be "
                "loaded without them. Write them before all others, or after these."
            )
        return features, codes

    def _array(self, features: NDArray, beside: NDArray) -> NDArray:
        """All columns in an array: of the features' type, or of objects."""
        numbers = features.dtype.kind == "f" and beside.dtype.kind in "biuf"
        joined = np.empty(
            (len(features), len(self.conditions.rest) + beside.shape[1]), features.dtype if numbers else object
        )
        joined[:, self.conditions.rest], joined[:, self.conditions.columns] = features, beside
        return joined


class _Blocks:
    """The rows of a table block by block, as often as is asked."""

    def __init__(self, rows: "Tensor | ModelRows") -> None:
        self._rows = rows

    def __iter__(self) -> Any:
        return iter(row_blocks(self._rows))


def _column(table: Any, place: int, name: str, container: str) -> Any:
    """A column of a frame or an array, as a frame of another kind can hold it."""
    if container == "pandas":
        return table.iloc[:, place] if is_frame_of("pandas", table) else np.asarray(table)[:, place]
    import polars

    values = table[:, place] if is_frame_of("polars", table) else np.asarray(table)[:, place].tolist()
    return polars.Series(name, values)
