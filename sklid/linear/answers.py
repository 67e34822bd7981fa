r"""What a fitted linear Gaussian model answers about rows, complete or with gaps, all of it exact.

.. math:: p(z \mid x), \qquad E[x \mid x_O] = m + W E[z \mid x_O], \qquad \log p(x_O)

with O the observed features of a row.
"""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import check_array
from sklearn.utils.validation import check_is_fitted, validate_data
from torch.distributions import Distribution, Independent, MultivariateNormal, Normal

from ..data.blocks import tensor_of
from ..data.plain_values import with_plain_values
from ..metrics.sources import View, linear_gaussian
from ..surroundings import ordinary_settings
from ..validation import weighted_mean
from .dense_blocks import dense
from .factor_model import FactorModel
from .incomplete import IncompleteRows, Posteriors, has_gaps, posteriors
from .rows import DTYPES, check_complete
from .solver import Model

__all__ = ["LinearInferenceMixin"]


class LinearInferenceMixin(ClassNamePrefixFeaturesOutMixin, TransformerMixin):
    """Posteriors, reconstructions and scores by an estimator with a fitted `Model` as its ``model_``."""

    model_: Model

    @ordinary_settings()
    def transform(self, X: ArrayLike) -> NDArray[np.floating]:
        """Posterior mean of the latent, E[z | x], from what is observed of each row.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        Z : array of shape (n_samples, n_components)
            In standard deviations of the prior; in the floating-point type of X.
        """
        X = self._validated(X)
        means = self._posteriors(X).means if has_gaps(X) else self.model_.posterior_means(X)
        return means.astype(X.dtype, copy=False)

    @ordinary_settings()
    def posterior(self, X: ArrayLike) -> Distribution:
        """The exact posterior p(z | x) of every row.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        p : torch.distributions.Distribution
            Of batch shape ``(n_samples,)`` and event shape ``(n_components,)``: independent normals, or a
            `MultivariateNormal` where values are missing, since gaps make the latents depend on each other.
        """
        X = self._validated(X).astype(np.float64, copy=False)
        if has_gaps(X):
            found = self._posteriors(X)
            return MultivariateNormal(tensor_of(found.means), covariance_matrix=tensor_of(found.covariances))
        scales = tensor_of(self.model_.posterior_scales)
        return Independent(Normal(tensor_of(self.model_.posterior_means(X)), scales.expand(X.shape[0], -1)), 1)

    def encode(self, X: ArrayLike) -> Distribution:
        """The same as `posterior`, under the name that it has in the other estimators."""
        return self.posterior(X)

    def predict(self, X: ArrayLike) -> NDArray[np.floating]:
        """Reconstruction m + W E[z | x]: where a value is missing, its expectation given the rest of the row.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        X_hat : array of shape (n_samples, n_features)
            ``numpy.where(numpy.isnan(X), X_hat, X)`` fills the gaps and keeps what was observed.

        Raises
        ------
        TypeError
            If X is sparse, which its reconstruction is not.
        """
        if sparse.issparse(X):
            raise TypeError(
                "Sparse rows have reconstructions that are dense, as large as the table without its zeros left out. "
                "Where these fit into memory, use inverse_transform(transform(X))."
            )
        return self.inverse_transform(self.transform(X))

    @ordinary_settings()
    def inverse_transform(self, Z: ArrayLike) -> NDArray[np.floating]:
        """E[x | z] = m + W z.

        Parameters
        ----------
        Z : array-like of shape (n_samples, n_components)

        Returns
        -------
        X : array of shape (n_samples, n_features)

        Raises
        ------
        ValueError
            If Z has another number of columns than `n_components_`.
        """
        check_is_fitted(self)
        Z = check_array(Z, dtype=[np.float64, np.float32])
        n_components = len(self.model_.amplitudes)
        if Z.shape[1] != n_components:
            raise ValueError(
                f"Z has {Z.shape[1]} columns, but {type(self).__name__} has n_components_={n_components} latents."
            )
        return self.model_.decoded(Z).astype(Z.dtype, copy=False)

    @ordinary_settings()
    def invert(self, X: ArrayLike) -> NDArray[np.floating]:
        """Left inverse of the decoder: the latent whose reconstruction is nearest to each row.

        It is exact for rows that the decoder gives.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Complete rows.

        Returns
        -------
        Z : array of shape (n_samples, n_components)

        Raises
        ------
        ValueError
            If a loading is zero, as the decoder is then not injective.
        """
        X = self._validated(X, complete=True)
        zero = np.flatnonzero(self.model_.amplitudes == 0)
        if len(zero):
            raise ValueError(
                f"Component {zero[0]} has loading zero, so no inverse exists; lower n_components to at most {zero[0]}."
            )
        model = self.model_
        return (model.posterior_means(X) * (model.variances / model.amplitudes**2)).astype(X.dtype, copy=False)

    @ordinary_settings()
    def score_samples(self, X: ArrayLike) -> NDArray[np.floating]:
        """Exact log-density of what is observed of each row, in nats; 0 for a row without any value.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        log_likelihood : array of shape (n_samples,)
        """
        X = self._validated(X)
        scores = self._posteriors(X).log_likelihoods if has_gaps(X) else self.model_.log_likelihoods(X)
        return scores.astype(X.dtype, copy=False)

    def score(self, X: ArrayLike, y: object = None, sample_weight: ArrayLike | None = None) -> float:
        """Mean log-density of the rows, in nats.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : ignored
        sample_weight : array-like of shape (n_samples,), optional

        Returns
        -------
        score : float
        """
        return weighted_mean(self.score_samples(X), sample_weight)

    def aic(self, X: ArrayLike) -> float:
        """Akaike's information criterion, twice the parameters less twice the log-likelihood in nats: less is better.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        aic : float
        """
        scores = self.score_samples(X).astype(np.float64)
        return 2 * self._n_parameters - 2 * float(scores.sum())

    def bic(self, X: ArrayLike) -> float:
        """Bayesian information criterion, log N for each parameter less twice the log-likelihood: less is better.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        bic : float
        """
        scores = self.score_samples(X).astype(np.float64)
        return self._n_parameters * float(np.log(len(scores))) - 2 * float(scores.sum())

    @ordinary_settings()
    def view(self, X: ArrayLike) -> View:
        """The fitted model as encoder and decoder, and complete rows: what `sklid.metrics` measures.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        view : sklid.metrics.View
        """
        X = dense(self._validated(X, complete=True))
        model = self.model_
        if isinstance(model, FactorModel):
            white = model.white
            seen = linear_gaussian(white.mean, white.directions, white.amplitudes, 1.0, model.whitened(X))
            return replace(seen, log_volume=model.log_volume)
        return linear_gaussian(model.mean, model.directions, model.amplitudes, model.noise_variance, X)

    def _posteriors(self, X: NDArray) -> Posteriors:
        """In the order of the rows, with a covariance for each."""
        model = self.model_
        rows = IncompleteRows.of(X.astype(np.float64, copy=False))
        found = posteriors(rows, model.mean, model.loadings, model.noise_variance)
        places = np.argsort(rows.order)
        return Posteriors(found.means[places], rows.by_row(found.covariances)[places], found.log_likelihoods[places])

    def _validated(self, X: ArrayLike, complete: bool = False) -> NDArray[np.floating]:
        check_is_fitted(self)
        X = with_plain_values(X)
        X = validate_data(self, X, reset=False, dtype=DTYPES, accept_sparse="csr", ensure_all_finite=False)
        check_complete(
            self,
            X,
            "only complete rows have an answer to this. Fill gaps by `predict`, or leave rows with gaps out."
            if complete
            else self._takers_of_gaps,
        )
        return X

    @property
    def _n_parameters(self) -> int:
        """Free ones of mean, loadings up to a rotation, and noise unless it is known."""
        model = self.model_
        n_components, n_features = model.directions.shape
        n_noises = np.size(model.noise_variance) if self.noise_variance is None else 0
        rotations = n_components * (n_components - 1) // 2
        return n_features + n_features * n_components - rotations + n_noises

    @property
    def _takers_of_gaps(self) -> str:
        """What takes missing values, where the parameters chosen do not."""
        if self.noise == "feature":
            return 'noise="feature" needs complete rows; noise="global" takes gaps, and its predict fills them.'
        if self.n_components == "parallel":
            return 'n_components="parallel" permutes complete rows; "identifiable" takes gaps.'
        if self.solver in ("auto", "em"):
            return ""
        return f'solver="{self.solver}" needs complete rows, solver="em" and "auto" take gaps.'

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "model_")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        tags.input_tags.sparse = True
        tags.input_tags.allow_nan = not self._takers_of_gaps
        return tags
