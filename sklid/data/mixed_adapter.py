"""The border between a table of several kinds of columns and a model of them; beside `TableAdapter`.

Categories become codes and gaps nan (`MixedTable`); columns with a Gaussian likelihood are standardised one by one.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse
from sklearn.base import BaseEstimator
from sklearn.preprocessing import StandardScaler
from sklearn.utils import check_array
from sklearn.utils.validation import validate_data
from torch import Tensor

from ..nn import InversionError, Likelihood, MixedLikelihood
from .blocks import row_blocks
from .column_families import OF_CODES
from .column_kinds import key_of
from .column_reader import index_of, refuse_lazy
from .column_writer import frame_of
from .mixed_table import MixedTable
from .scale import fitted_scaler
from .spooled import is_in_parts
from .table import TableAdapter

__all__ = ["MixedAdapter"]


class MixedAdapter(TableAdapter):
    """A mixed table's checks, its codes and scales, and the rows that a model makes of it.

    Parameters
    ----------
    asked : str, dict or sequence of str
        "auto", or the families of columns: see `sklid.data.column_families.asked_families`.
    scale : {"auto", "column", "table"} or None, default="auto"
        Of the columns with a Gaussian likelihood: "auto" is by columns here.

    Attributes
    ----------
    table : MixedTable
        What it has learned of the columns.
    """

    def __init__(self, asked: str | Mapping | Sequence[str], scale: str | None = "auto") -> None:
        super().__init__("gaussian", scale)
        self.asked = asked
        self.table = MixedTable()

    @property
    def families(self) -> dict[Any, str]:
        """The family of each column, by its label or number."""
        labels = range(len(self.table.families)) if self.table.labels is None else self.table.labels
        return dict(zip(labels, self.table.families, strict=True))

    def checked(self, estimator: BaseEstimator, X: Any, **checks: Any) -> NDArray[np.float64]:
        """Rows of numbers and codes, with nan for gaps.

        Parameters
        ----------
        estimator : BaseEstimator
            Remembers the number and the names of the columns with ``reset=True``, and is held to them without.
        X : DataFrame of pandas or polars, or array-like of shape (n_samples, n_features)
        **checks
            ``reset`` and ``ensure_min_samples``.

        Raises
        ------
        TypeError
            For a sparse matrix, a table that comes in parts, and a LazyFrame.
        ValueError
            For columns that no likelihood takes, values outside the family of their column, other columns than those of
            the fit, and too few rows.
        """
        refuse_lazy(X)
        if sparse.issparse(getattr(X, "matrix", X)):
            raise TypeError(
                f"likelihood={self.asked!r} gives each column a family of its own, and X is sparse: numbers of one "
                'kind. Name one family, such as likelihood="negative_binomial" for counts, or pass X.toarray().'
            )
        if is_in_parts(X):
            raise TypeError(
                f"likelihood={self.asked!r} gives each column a family of its own, and X is a table in parts, which is "
                'read as numbers of one kind. Name one family, such as likelihood="gaussian", or pass a frame.'
            )
        reset, least = checks.get("reset", True), checks.get("ensure_min_samples", 1)
        if not hasattr(X, "columns"):  # a frame is a table already
            probe = np.asarray(X, dtype=object) if isinstance(X, list | tuple) else X
            check_array(probe, dtype=None, ensure_all_finite=False, ensure_min_samples=least, estimator=estimator)
        validate_data(estimator, X, reset=reset, skip_check_array=True)
        rows = self.table.learn(X, self.asked, self.numbers) if reset else self.table.encode(X, self.numbers)
        if len(rows) < least:
            name = type(estimator).__name__
            raise ValueError(
                f"Found array with {len(rows)} sample(s) while a minimum of {least} is required by {name}."
            )
        if reset:
            self.shares_seen = 1 - np.isnan(rows).mean(axis=0)
        return rows

    def checked_means(self, estimator: BaseEstimator, X: ArrayLike) -> NDArray[np.float64]:
        """Rows of means in double precision, of which categories have none.

        Raises
        ------
        InversionError
            If a column has categories.
        """
        coded = [column for column, family in enumerate(self.table.families) if family in OF_CODES]
        if coded:
            raise InversionError(
                f"Column {self.key(coded[0])} holds categories, which are no means, so no latent can be told from "
                "them. Ask transform for the posterior."
            )
        return super().checked_means(estimator, X)

    def key(self, column: int) -> str:
        """What an error calls a column."""
        return key_of(self.table.labels, column)

    def learn(self, X: NDArray[np.float64], noise: str) -> tuple[Tensor, Likelihood]:
        """Learn the scales of checked rows; the rows as training sees them, and the likelihood for them."""
        gaussian = [column for column, family in enumerate(self.table.families) if family == "gaussian"]
        if gaussian and self.scale is not None:
            by = "column" if self.scale == "auto" else self.scale
            self.scaler, self.learned_scale = _scaler_of(X, gaussian, by, [self.key(column) for column in gaussian])
        rows = self.rows(X).float()
        likelihood = MixedLikelihood.from_families(row_blocks(rows), self.table.families, noise)
        self.support = likelihood.support
        return rows, likelihood

    def restored(self, x: NDArray[np.floating]) -> NDArray[np.floating]:
        """Rows of the model in the units of the data, codes as codes."""
        return x if self.scaler is None else self.scaler.inverse_transform(x.astype(np.float64))

    def given_back(
        self, rows: NDArray[np.floating], container: str, names: Sequence[str], like: Any = None, rounded: bool = False
    ) -> Any:
        """Rows of numbers and codes as a user gets them: with categories, and in a frame with the types that came."""
        if container in ("default", self.table.container.name):
            target = "array" if container == "default" else container
            return self.table.decode(rows, target, rounded, index_of(like) if container == "pandas" else None)
        columns = self.table.decoded(rows, rounded)
        return frame_of(container, columns, names, index_of(like) if container == "pandas" else None)


def _scaler_of(X: NDArray[np.float64], columns: list[int], scale: str, keys: list[str]) -> tuple[StandardScaler, str]:
    """A scaler that leaves all other columns as they are."""
    own, learned = fitted_scaler(X[:, columns], scale, keys)
    scaler = StandardScaler().fit(np.zeros((1, X.shape[1])))
    scaler.mean_[columns], scaler.scale_[columns], scaler.var_[columns] = own.mean_, own.scale_, own.var_
    return scaler, learned
