r"""What a fitted linear Gaussian model is: all of it follows from the mean, the loadings and the noise.

.. math:: x \sim N(m, W W^\top + \sigma^2 I), \qquad I(z_k; x) = \tfrac12 \log(1 + s_k^2 / \sigma^2)
"""

import math

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from ..nn import mutual_information_floor
from ..validation import checked_size
from .solver import Model

__all__ = ["LinearAttributesMixin"]


class LinearAttributesMixin:
    """Fitted attributes of an estimator that follow from its ``model_`` and from the variances of the data."""

    model_: Model
    explained_variance_: NDArray[np.float64]
    total_variance_: float
    n_identifiable_: int
    n_samples_: float
    _dtype: np.dtype

    @property
    def mean_(self) -> NDArray[np.floating]:
        """Mean m of the rows: ``(n_features_in_,)``."""
        return self._in_precision_of_rows(self._fitted.mean)

    @property
    def components_(self) -> NDArray[np.floating]:
        """Directions of length 1: ``(n_components_, n_features_in_)``; orthogonal, with one noise for all columns."""
        return self._in_precision_of_rows(self._fitted.directions)

    @property
    def loadings_(self) -> NDArray[np.floating]:
        """W in units of the data: ``(n_features_in_, n_components_)``."""
        return self._in_precision_of_rows(self._fitted.loadings)

    @property
    def noise_variance_(self) -> float | NDArray[np.float64]:
        """Variance of the noise, or of that of each column, in squared units of the data."""
        return self._fitted.noise_variance

    @property
    def n_components_(self) -> int:
        """Number K of components kept."""
        return len(self._fitted.amplitudes)

    @property
    def collapsed_components_(self) -> NDArray[np.integer]:
        """Components kept that do not stand out from the noise."""
        return np.arange(self.n_identifiable_, self.n_components_)

    @property
    def explained_variance_ratio_(self) -> NDArray[np.float64]:
        """Share of each component in the variance of the data: ``(n_components_,)``."""
        check_is_fitted(self)
        return self.explained_variance_ / max(self.total_variance_, np.finfo(float).tiny)

    @property
    def singular_values_(self) -> NDArray[np.float64]:
        """Singular values of the centred rows along the components: ``(n_components_,)``."""
        check_is_fitted(self)
        return np.sqrt(self.explained_variance_) * math.sqrt(self.n_samples_ - 1)

    @property
    def mutual_information_(self) -> NDArray[np.float64]:
        """Exact I(z_k; x) in nats: ``(n_components_,)``."""
        return self._fitted.mutual_information

    @property
    def inverse_lipschitz_(self) -> float:
        """Least distance of the means of two latents at distance 1, in noise standard deviations."""
        return self._fitted.inverse_lipschitz

    @property
    def mutual_information_lower_bound_(self) -> float:
        """Floor of I(z; x) that follows from r, (K/2) log(1 + r^2) nats; `mutual_information_` is exact."""
        return mutual_information_floor(self.n_components_, self.inverse_lipschitz_)

    def get_covariance(self) -> NDArray[np.float64]:
        """Covariance of the model, W W' + s^2 I.

        Returns
        -------
        covariance : array of shape (n_features, n_features)
        """
        return self._fitted.covariance()

    def get_precision(self) -> NDArray[np.float64]:
        """Inverse of the covariance of the model, in closed form.

        Returns
        -------
        precision : array of shape (n_features, n_features)
        """
        return self._fitted.precision()

    def sample(self, n_samples: int = 1) -> NDArray[np.float64]:
        """Rows drawn from the model; the same at each call when `random_state` is an integer.

        Parameters
        ----------
        n_samples : int, default=1

        Returns
        -------
        X : array of shape (n_samples, n_features)

        Raises
        ------
        ValueError
            If `n_samples` is not a whole number of at least 1.
        """
        return self._fitted.sample(checked_size(n_samples), check_random_state(self.random_state))

    def _in_precision_of_rows(self, values: NDArray) -> NDArray[np.floating]:
        """Single where the rows of the fit were; the model itself is in double precision."""
        return values.astype(self._dtype, copy=False)

    @property
    def _n_features_out(self) -> int:
        return self.n_components_

    @property
    def _fitted(self) -> Model:
        """The model, once there is one."""
        check_is_fitted(self)
        return self.model_
