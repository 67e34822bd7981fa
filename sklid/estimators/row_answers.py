r"""What a fitted estimator of a table gives back: reconstructions, decoded latents and draws, in the units of the data.

.. math:: E[x \mid z], \qquad x \sim p(x)
"""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse
from sklearn.utils.validation import check_is_fitted

from ..data.seen import with_seen
from ..validation import output_container
from .answers import AnswersMixin
from .inference import Inference

__all__ = ["RowAnswersMixin"]


class RowAnswersMixin(AnswersMixin):
    """Rows of an estimator of a table."""

    def predict(self, X: ArrayLike) -> NDArray[np.floating]:
        """Reconstruction: E[x | z] at the posterior mean of z; for categories the most probable code.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        X_hat : array of shape (n_samples, n_features)
            In the units and the floating-point type of X.

        Raises
        ------
        TypeError
            For a sparse matrix, whose reconstruction is dense.
        """
        if sparse.issparse(X):
            raise TypeError(
                "Reconstructions of sparse rows are dense, for means are nowhere 0: for some rows at a time, use "
                "inverse_transform(transform(X))."
            )
        rows = self._checked(X)
        return self._given_back(self._inference(rows.dtype).reconstructions(rows), X)

    def impute(self, X: ArrayLike) -> NDArray[np.floating]:
        """The rows with their gaps filled, each by its mean given what was seen, or its most probable code.

        The mean is over `n_importance_samples` draws of the posterior, weighted by what they are off it.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            nan is a gap.

        Returns
        -------
        X : array of shape (n_samples, n_features)
            In the floating-point type of X, dense. What was seen is as it came.

        References
        ----------
        Mattei & Frellsen, "MIWAE: Deep Generative Modelling and Imputation of Incomplete Data Sets", ICML 2019.
        """
        rows = self._checked(X)
        return self._filled(self._inference(rows.dtype).imputed(rows), X, rows)

    def sample_posterior_predictive(self, X: ArrayLike, n_samples: int = 1) -> NDArray[np.floating]:
        """The rows with their gaps filled by draws given what was seen: multiple imputation.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            nan is a gap.
        n_samples : int, default=1
            Draws of each row.

        Returns
        -------
        X : array of shape (n, n_samples, n_features), or list of n frames where `set_output` wants these
            What was seen is as it came, in every draw; the same draws at each call when `random_state` is an integer.

        Raises
        ------
        ValueError
            If `n_samples` is not a whole number of at least 1.

        References
        ----------
        Rubin, "Multiple Imputation for Nonresponse in Surveys", 1987, for the resampling of weighted draws.
        """
        rows = self._checked(X)
        draws = self._drawn(lambda inference, n: inference.completed(rows, n), n_samples)
        tables = [self._filled(each, X, rows) for each in draws]
        return np.stack(tables) if isinstance(tables[0], np.ndarray) else tables

    def inverse_transform(self, Z: ArrayLike) -> NDArray[np.floating]:
        """E[x | z]; for categories the most probable code.

        Parameters
        ----------
        Z : array-like of shape (n_samples, n_components)

        Returns
        -------
        X : array of shape (n_samples, n_features)
            In the units of the data, computed in the floating-point type of Z; in double precision where single is too
            coarse for these.

        Raises
        ------
        ValueError
            If Z has another number of columns than `n_components_`.
        """
        Z = self._checked_latents(Z)
        return self._given_back(self._inference(Z.dtype).decoded(Z))

    def sample(self, n_samples: int = 1) -> NDArray[np.floating]:
        """Rows drawn from the model.

        Parameters
        ----------
        n_samples : int, default=1

        Returns
        -------
        X : array of shape (n_samples, n_features)
            In the units of the data; the same rows at each call when `random_state` is an integer.

        Raises
        ------
        ValueError
            If `n_samples` is not a whole number of at least 1.
        """
        return self._given_back(self._drawn(Inference.sample, n_samples), rounded=True)

    def _filled(self, found: NDArray[np.floating], X: Any, rows: Any) -> Any:
        """The checked rows of X with their gaps filled, in its types."""
        return with_seen(self._given_back(found, X, rounded=True), X, self._table.seen(rows))

    def _given_back(self, rows: NDArray[np.floating], like: Any = None, rounded: bool = False) -> Any:
        """Rows as `set_output` wants them, with the index and the conditions of the rows that they are answers to."""
        names = getattr(self, "feature_names_in_", [f"x{column}" for column in range(self.n_features_in_)])
        return self._table.given_back(rows, output_container(self), names, like, rounded)

    @property
    def likelihood_(self) -> Any:
        check_is_fitted(self)
        return self._table.families

    @property
    def scaler_(self) -> Any:
        return self._table.scaler

    @property
    def scale_(self) -> str | None:
        return self._table.learned_scale
