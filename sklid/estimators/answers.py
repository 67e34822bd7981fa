r"""The questions that a fitted estimator with one continuous latent answers, whatever its rows are.

.. math:: E[z \mid x], \qquad q(z \mid x), \qquad \log p(x)
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import check_array
from sklearn.utils.validation import check_is_fitted
from torch.distributions import Distribution

from ..data.sparse_rows import Rows
from ..data.table import TableAdapter
from ..metrics import View
from ..metrics.encodings import posterior_of
from ..nn.draws import Draws
from ..randomness import RowNoise, available_device, seed_of
from ..surroundings import ordinary_settings, without_gradients
from ..training import BoundNet
from ..validation import checked_size, weighted_mean
from .inference import Inference

__all__ = ["AnswersMixin"]


class AnswersMixin(ClassNamePrefixFeaturesOutMixin, TransformerMixin):
    """Posteriors and scores of an estimator with a net and what lets its data in."""

    net_: BoundNet
    n_components_: int
    _table: TableAdapter
    _row_noise = RowNoise

    def transform(self, X: ArrayLike) -> NDArray[np.float32]:
        """Posterior mean of the latent, E[z | x].

        The mean of a flow has no closed form, and is that of 100 draws, which follow from the row and from the fit.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        Z : float32 array of shape (n_samples, n_components)
            In standard deviations of the prior.
        """
        return self._inference().posterior_means(self._checked(X))

    @without_gradients()
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
        X = self._checked(X)
        inference = self._inference()
        rows = inference.all_rows(X)
        return posterior_of(View(inference.model, rows))

    @without_gradients()
    def view(self, X: ArrayLike) -> View:
        """The fitted model as a torch module, and the rows as it sees them: what `sklid.metrics` measures.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        view : sklid.metrics.View
            ``model``, a `sklid.nn.LatentVariableModel`; ``rows``, a tensor of shape (n_samples, n_features), or what is
            indexed like one and makes rows of a large sparse matrix dense as they are needed; with an `offset` by
            columns or `covariates`, the modelled columns and then what they are conditioned on; and ``log_volume``, by
            which log-densities of the rows exceed those of the data.
        """
        X = self._checked(X)
        inference = self._inference()
        rows = inference.all_rows(X)
        return View(inference.model, rows, inference.table.log_volumes(X))

    def score_samples(self, X: ArrayLike) -> NDArray[np.float32]:
        """Log-likelihood of each row in nats: the importance-weighted bound with `n_importance_samples` draws.

        A row's draws follow from its values and from the fit, so its score depends neither on the other rows nor on its
        position. A Gaussian or continuous Bernoulli likelihood gives a log-density, the Gaussian in the units of the
        data.

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
        return self._inference().log_likelihoods(self._checked(X)).astype(np.float32)

    def score(self, X: ArrayLike, y: object = None, sample_weight: ArrayLike | None = None) -> float:
        """Mean log-likelihood of the rows, in nats.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : ignored
        sample_weight : array-like of shape (n_samples,), optional
            Non-negative.

        Returns
        -------
        score : float

        Raises
        ------
        ValueError
            If weights are negative, not finite, all zero, or not one for each row.
        """
        return weighted_mean(self.score_samples(X), sample_weight)

    @property
    def n_iter_(self) -> int:
        return len(self._trained().history)

    @property
    def converged_(self) -> bool:
        return not (self._trained().interrupted_ or self._trained().diverged_)

    @property
    def lower_bound_(self) -> float:
        finished = [epoch["train_loss"] for epoch in self._trained().history if "train_loss" in epoch]
        if not finished:
            return float("nan")
        kept = min(finished) if self.net_.diverged_ else finished[-1]
        return -kept - self._table.log_volume

    def _drawn(self, draw: Callable[[Inference, int], Any], n_samples: Any) -> Any:
        """So many draws of a kind, the same at each call when `random_state` is an integer."""
        inference, n_samples = self._inference(), checked_size(n_samples)
        with Draws(seed_of(self.random_state)):
            return draw(inference, n_samples)

    def _trained(self) -> BoundNet:
        check_is_fitted(self)
        return self.net_

    @ordinary_settings()
    def _checked(self, X: ArrayLike) -> Rows:
        check_is_fitted(self)
        return self._table.checked(self, X, reset=False)

    def _checked_latents(self, Z: ArrayLike) -> NDArray[np.floating]:
        """Latents to decode; ValueError for another number of columns than there are latents."""
        check_is_fitted(self)
        Z = check_array(Z, dtype=[np.float64, np.float32])
        if Z.shape[1] != self.n_components_:
            raise ValueError(
                f"Z has {Z.shape[1]} columns, but {type(self).__name__} has n_components_={self.n_components_} latents."
            )
        return Z

    @ordinary_settings()
    def _inference(self, dtype: Any = np.float32) -> Inference:
        """The fitted model on the estimator's device, in single precision or in double."""
        check_is_fitted(self)
        noise = self._row_noise(self._seed, self.n_importance_samples, self.n_components_)
        device = available_device(self.device, fall_back=True)  # a model fitted on a GPU answers on a CPU
        return Inference(self.net_.module_, self._table, device, noise, dtype)
