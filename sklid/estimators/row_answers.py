r"""What a fitted estimator of a table gives back: reconstructions, decoded latents and draws, in the units of the data.

.. math:: E[x \mid z], \qquad x \sim p(x)
"""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

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
        """
        X = self._checked(X)
        return self._inference(X.dtype).reconstructions(X)

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
        return self._inference(Z.dtype).decoded(Z)

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
        return self._drawn(Inference.sample, n_samples)

    @property
    def scaler_(self) -> Any:
        return self._table.scaler

    @property
    def scale_(self) -> str | None:
        return self._table.learned_scale
