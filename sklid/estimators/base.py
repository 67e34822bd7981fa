r"""What the estimators with one continuous latent share: training, and the questions a fitted model answers.

.. math:: z \sim N(0, I_K), \qquad x \mid z \sim EF(x \mid f(z))

A subclass says which decoder f is. A Gaussian model sees standardised columns, :math:`x = m + a\,s\,(f(z) + \varepsilon)` with m and a the mean and
scale of a `StandardScaler`; scores, samples and reconstructions are in the units of the data.
"""

from typing import Any, Self

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import check_array, check_random_state
from sklearn.utils.validation import check_is_fitted
from torch import Tensor, nn
from torch.distributions import Distribution

from ..data.memory_map import MappedRows
from ..data.table import ModelRows, check_support, fitted_scaler, model_rows, validated
from ..metrics import View
from ..nn import LIKELIHOODS, LatentVariableModel
from ..randomness import RowNoise, available_device, seeded
from ..training import BoundNet
from ..training.phases import main_phase, train
from ..validation import fit_context
from .answers import Inference
from .assembly import architecture, assemble, check_same_architecture, warn_if_collapsed
from .parameters import SHARED_PARAMETERS

__all__ = ["LatentVariableEstimator"]


class LatentVariableEstimator(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """Base of `LIDVAE` and `VAE`; not for direct use."""

    _parameter_constraints: dict = SHARED_PARAMETERS

    def _decoder(self, n_components: int, n_outputs: int) -> nn.Module:
        """The decoder, the one part in which the estimators differ."""
        raise TypeError("LatentVariableEstimator has no decoder of its own; use LIDVAE or VAE.")

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: ArrayLike, y: object = None) -> Self:
        """Fit the model by maximising the evidence lower bound.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            At least two rows of finite numbers in the support of the likelihood. A memory map in C order, of `numpy.load` with ``mmap_mode="r"`` or
            `numpy.memmap`, is read as it is needed, so it may be larger than the memory.
        y : ignored

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If a value is outside the support of the likelihood, `n_components` exceeds the number of natural parameters, or the device is missing.

        Warns
        -----
        CollapseWarning
            If the posterior of some latent does not depend on the data.
        ConvergenceWarning
            If the loss becomes non-finite twice.
        """
        if not self.warm_start:
            self.net_ = None
        rows = self._train(X, incremental=False, least_rows=2)
        warn_if_collapsed(self, X if hasattr(X, "shape") else rows)  # a table keeps the names of its columns
        return self

    @fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X: ArrayLike, y: object = None) -> Self:
        """Train for one epoch on some rows, at a constant learning rate and without warm-up or early stopping.

        The first call fixes the standardisation, the categories and the principal directions from its rows. The optimiser's state lives in
        memory only.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            In the first call at least ``n_components + 1`` rows.
        y : ignored

        Returns
        -------
        self

        Raises
        ------
        ValueError
            As `fit`, and if the first call has too few rows.
        """
        self._train(X, incremental=True, least_rows=1)
        return self

    def transform(self, X: ArrayLike) -> NDArray[np.float32]:
        """Posterior mean of the latent, E[z | x].

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        Z : float32 array of shape (n_samples, n_components)
            In standard deviations of the prior.
        """
        return self._inference().posterior_means(self._validated(X))

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
        X = self._validated(X)
        inference = self._inference(X.dtype)
        return inference.decoded(inference.posterior_means(X))

    def inverse_transform(self, Z: ArrayLike) -> NDArray[np.floating]:
        """E[x | z]; for categories the most probable code.

        Parameters
        ----------
        Z : array-like of shape (n_samples, n_components)

        Returns
        -------
        X : array of shape (n_samples, n_features)
            In the units of the data, computed in the floating-point type of Z.

        Raises
        ------
        ValueError
            If Z has another number of columns than `n_components_`.
        """
        check_is_fitted(self)
        Z = check_array(Z, dtype=[np.float64, np.float32])
        if Z.shape[1] != self.n_components_:
            raise ValueError(f"Z has {Z.shape[1]} columns, but {type(self).__name__} has n_components_={self.n_components_} latents.")
        return self._inference(Z.dtype).decoded(Z)

    def encode(self, X: ArrayLike) -> Distribution:
        """The posterior q(z | x) of every row, for the uncertainty beside the mean.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        q : torch.distributions.Distribution
            Of batch shape ``(n_samples,)`` and event shape ``(n_components,)``.
        """
        X = self._validated(X)
        inference = self._inference()
        with torch.no_grad():
            return inference.model.encode(inference.rows(X))

    def view(self, X: ArrayLike) -> View:
        """The fitted model as a torch module, and the rows as it sees them: what `sklid.metrics` measures.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        view : sklid.metrics.View
            ``model``, a `sklid.nn.LatentVariableModel`; ``rows``, a tensor of shape (n_samples, n_features); and ``log_volume``, by which
            log-densities of the rows exceed those of the data.
        """
        X = self._validated(X)
        inference = self._inference()
        return View(inference.model, inference.rows(X), inference.log_volume)

    def score_samples(self, X: ArrayLike) -> NDArray[np.float32]:
        """Log-likelihood of each row in nats: the importance-weighted bound with `n_importance_samples` draws.

        A row's draws follow from its values and from the fit, so its score depends neither on the other rows nor on its position. A Gaussian
        or continuous Bernoulli likelihood gives a log-density, the Gaussian in the units of the data.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        log_likelihood : float32 array of shape (n_samples,)

        References
        ----------
        Burda, Grosse & Salakhutdinov, "Importance Weighted Autoencoders", ICLR 2016, equation 8.
        """
        return self._inference().log_likelihoods(self._validated(X)).astype(np.float32)

    def score(self, X: ArrayLike, y: object = None, sample_weight: ArrayLike | None = None) -> float:
        """Mean log-likelihood of the rows, in nats.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : ignored
        sample_weight : array-like of shape (n_samples,), optional

        Returns
        -------
        score : float
        """
        return float(np.average(self.score_samples(X).astype(np.float64), weights=sample_weight))

    def sample(self, n_samples: int = 1) -> NDArray[np.floating]:
        """Rows drawn from the model.

        Parameters
        ----------
        n_samples : int, default=1

        Returns
        -------
        X : array of shape (n_samples, n_features)
            In the units of the data; the same rows at each call when `random_state` is an integer.
        """
        inference = self._inference()
        with seeded(check_random_state(self.random_state).randint(2**31 - 1), inference.device):
            return inference.sample(n_samples)

    @property
    def _n_features_out(self) -> int:
        return self.n_components_

    def __sklearn_is_fitted__(self) -> bool:
        return getattr(self, "net_", None) is not None

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags

    def _train(self, X: ArrayLike, incremental: bool, least_rows: int) -> NDArray[np.floating] | MappedRows:
        """Start the model unless there is one, train it, and give back the validated rows."""
        self._device()
        started = self.__sklearn_is_fitted__()
        X = validated(self, X, reset=not started, ensure_min_samples=least_rows)
        seed = check_random_state(self.random_state).randint(2**30)
        if started:
            check_same_architecture(self)
            seed += len(self.net_.history)  # other draws than in the epochs before
        self._check_support(X, started)
        with seeded(seed, self._device()):
            model = self.net_.module_ if started else self._start(X, seed, incremental)
            self.net_ = self._optimised(model, model_rows(X, self.scaler_), seed, incremental)
        self.interrupted_ = self.net_.interrupted_
        if self.interrupted_ and self.on_interrupt == "raise":
            raise KeyboardInterrupt
        return X

    def _optimised(self, model: LatentVariableModel, x: Tensor | ModelRows, seed: int, incremental: bool) -> BoundNet:
        """The net of the model after training on the rows x."""
        return train(self, model, x, seed, main_phase(self, incremental))

    def _start(self, X: NDArray | MappedRows, seed: int, incremental: bool) -> LatentVariableModel:
        self._seed = seed
        self._architecture = architecture(self)
        self.scaler_ = fitted_scaler(X) if self.likelihood == "gaussian" else None
        model = assemble(self, model_rows(X, self.scaler_))
        if incremental and len(X) <= self.n_components_:
            raise ValueError(
                f"The first call of partial_fit starts the model from its rows and needs at least n_components + 1 = {self.n_components_ + 1}, "
                f"got {len(X)}. Pass more rows first, or lower n_components."
            )
        return model

    def _device(self) -> str:
        return available_device(self.device)

    def _validated(self, X: ArrayLike) -> NDArray[np.floating] | MappedRows:
        check_is_fitted(self)
        X = validated(self, X, reset=False)
        self._check_support(X, started=True)
        return X

    def _check_support(self, X: NDArray | MappedRows, started: bool) -> None:
        likelihood = self.net_.module_.likelihood if started else LIKELIHOODS[self.likelihood]
        check_support(X, likelihood.support, self.likelihood, getattr(self, "feature_names_in_", None))

    def _inference(self, dtype: Any = np.float32) -> Inference:
        """The fitted model on the estimator's device, in single precision or in double."""
        check_is_fitted(self)
        noise = RowNoise(self._seed, self.n_importance_samples, self.n_components_)
        device = available_device(self.device, fall_back=True)  # a model fitted on a GPU answers on a CPU
        return Inference(self.net_.module_, self.scaler_, device, noise, dtype)
