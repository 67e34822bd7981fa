r"""What the clustering estimators share: a mixture prior, how it is trained, and the questions about labels.

.. math:: y \sim Cat(\pi), \qquad w \mid y \sim N(\mu_y, \Sigma_y), \qquad x \mid w \sim EF(x \mid f(w))

Training has two phases. The first has the prior N(0, I) and a small weight on the divergence, so that the latents
spread the data out; then the mixture is initialised at the clusters of the posterior means, and the second maximises
the whole bound, to which the weight rises. A mixture that is initialised at random seldom finds the clusters.
"""

from typing import Self

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from scipy import sparse
from sklearn.base import ClusterMixin
from sklearn.utils import check_array
from skorch import NeuralNet
from torch import Tensor

from ..data.sparse_rows import Rows
from ..data.table import ModelRows, TableAdapter
from ..nn import JointMixtureModel, LatentVariableModel, MixtureModel, SeparatedMixture
from ..surroundings import making_modules
from ..training import BoundNet
from ..training.phases import Phase, Settings, train
from .inference import Inference
from .mixture_attributes import MixtureAttributes
from .mixture_parameters import MixtureParameters
from .mixture_start import MixtureStart

__all__ = ["MixtureMixin"]

SHARE_OF_WARMUP = 0.5
"""Of the second phase: at the full weight from its first step on, clusters of small tables of several kinds of columns
are lost."""


class MixtureMixin(ClusterMixin, MixtureAttributes, MixtureParameters):
    """The labels of `LIDGMVAEClustering` and `GMVAE`."""

    def fit(self, X: ArrayLike, y: object = None) -> Self:
        """Fit the model by maximising the evidence lower bound, and label the rows.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            At least k rows of finite numbers in the support of the likelihood. A memory map in C order, of `numpy.load`
            with ``mmap_mode="r"`` or `numpy.memmap`, is read as it is needed, so it may be larger than the memory. A
            sparse matrix is made dense a batch at a time; it takes one `likelihood` for all columns.
        y : ignored

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If a value is outside the support of the likelihood, there are fewer rows than clusters, an injective
            decoder or an encoder that starts at principal components has more latents than there are natural
            parameters, `init` has the wrong shape, or the device is missing.

        Warns
        -----
        CollapseWarning
            If the labels say less than a tenth of log k nats about the rows, some cluster has no row, or some latent
            does not depend on the data.
        ConvergenceWarning
            If the training diverges, and again at a tenth of the learning rate.
        """
        return super().fit(X)

    def partial_fit(self, X: ArrayLike, y: object = None) -> Self:
        """Train for one epoch on some rows, at a constant learning rate and without warm-up or early stopping.

        The first call fixes the scale, the categories, the principal directions and the start of the mixture
        from its rows, without a first phase. Labels keep their numbers from call to call. The optimiser's state lives
        in memory only.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            In the first call at least ``max(k, n_components + 1)`` rows.
        y : ignored

        Returns
        -------
        self
            With `labels_` of these rows.

        Raises
        ------
        ValueError
            As `fit`, and if the first call has too few rows.
        """
        return super().partial_fit(X)

    def predict(self, X: ArrayLike) -> NDArray[np.int64]:
        """The most probable label of each row.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        labels : int array of shape (n_samples,)
            Numbered by the number of rows that each had in `fit`, the largest cluster first.
        """
        return self._label_probabilities(self._checked(X)).argmax(axis=1)

    def predict_proba(self, X: ArrayLike) -> NDArray[np.float64]:
        """The posterior over labels, q(y | x).

        With ``inference="marginal"`` it is E[p(y | w)] over q(w | x), from `n_importance_samples` draws that follow
        from the row and from the fit.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        probabilities : array of shape (n_samples, k)
            Rows sum to 1.

        Raises
        ------
        TypeError
            For a sparse matrix: scikit-learn's contract has probabilities of classifiers alone for these.
        """
        if sparse.issparse(X):
            raise TypeError(
                "predict_proba takes no sparse matrix, of which scikit-learn's contract knows probabilities from "
                "classifiers alone. Use predict for labels, or predict_proba(X[start:end].toarray()) for some rows."
            )
        return self._label_probabilities(self._checked(X))

    def sample(self, n_samples: int = 1) -> tuple[NDArray[np.floating], NDArray[np.int64]]:
        """Rows drawn from the model, and the labels they came from.

        Parameters
        ----------
        n_samples : int, default=1

        Returns
        -------
        X : array of shape (n_samples, n_features)
            In the units of the data; the same rows at each call when `random_state` is an integer.
        y : int array of shape (n_samples,)

        Raises
        ------
        ValueError
            If `n_samples` is not a whole number of at least 1.
        """
        rows, labels = self._drawn(Inference.sample_with_labels, n_samples)
        return self._given_back(rows, rounded=True), labels

    def _initialised(
        self, table: TableAdapter, X: Rows, seed: int, incremental: bool
    ) -> tuple[LatentVariableModel, Tensor | ModelRows]:
        self._check_clusters(len(X))
        initialised = super()._initialised(table, X, seed, incremental)
        self._check_init()
        return initialised

    def _conclude(self, X: Rows, x: Tensor | ModelRows, incremental: bool) -> None:
        """Label the rows, after a whole fit with the largest cluster first, and warn of what has collapsed."""
        self.net_.module_.prior.clusters.settle()
        probabilities = self._label_probabilities(X)
        if not incremental:
            sizes = np.bincount(probabilities.argmax(axis=1), minlength=self.n_clusters_)
            order = np.argsort(-sizes, kind="stable")
            self.net_.module_.relabel(torch.from_numpy(order), self.net_.optimizer_)
            probabilities = probabilities[:, order]
            self._warn_if_collapsed(x, probabilities)
        self.labels_ = probabilities.argmax(axis=1)

    def _label_probabilities(self, X: Rows) -> NDArray[np.float64]:
        """q(y | x) of checked rows."""
        probabilities = self._inference(np.float64).label_probabilities(X)
        return probabilities / probabilities.sum(axis=1, keepdims=True)

    def _check_init(self) -> None:
        """ValueError for given means that are not finite or not one per cluster and latent."""
        if isinstance(self.init, str):
            return
        if self.k == "auto":
            raise ValueError(
                'init gives a mean for each cluster, and k="auto" is to find how many there are; '
                f"use k={len(self.init)}, or an init that is a name."
            )
        shape, expected = check_array(self.init, input_name="init").shape, (self.k, self.n_components_)
        if shape != expected:
            raise ValueError(
                f"init has shape {shape}, but the means of k={self.k} clusters in n_components={self.n_components_} "
                f"latents have shape {expected}. Rows of data become latents with `transform` of a fitted estimator."
            )
        if self.cluster_means == "fixed" and self.k > 1:
            self._check_fixed_means()

    def _check_fixed_means(self) -> None:
        """ValueError for given means that are to stay where they are and are nearer than clusters may be."""
        means = np.asarray(self.init, dtype=np.float64)
        distances = np.linalg.norm(means[:, None] - means, axis=-1) + np.diag(np.full(len(means), np.inf))
        first, second = np.unravel_index(distances.argmin(), distances.shape)
        if distances[first, second] < self.min_separation:
            raise ValueError(
                f"Rows {first} and {second} of init are {distances[first, second]:.3g} apart, and with "
                f'cluster_means="fixed" they would have to move to be min_separation={self.min_separation} apart. '
                "Lower min_separation, or move them."
            )

    def _check_clusters(self, n_rows: int) -> None:
        """ValueError for parameters that cannot go together, or with so many rows."""
        if self.k != "auto" and n_rows < self.k:
            raise ValueError(
                f"k={self.k} clusters need at least {self.k} rows, got n_samples={n_rows}. Lower k, or pass more rows."
            )
        if len(self.scale_bounds) != 2 or not 0 < self.scale_bounds[0] < self.scale_bounds[1]:
            raise ValueError(
                f"scale_bounds={self.scale_bounds!r} must be two positive numbers, "
                "the least standard deviation and a greater one."
            )
        if self.inference == "joint" and self.posterior == "flow":
            raise ValueError(
                'inference="joint" has one Gaussian posterior per label; '
                'use posterior="gaussian", or inference="marginal".'
            )

    def _check_objective(self) -> None:
        if self.inference == "joint":
            self._check_elbo('inference="joint"')
            self._check_one_draw('inference="joint"')
        super()._check_objective()

    def _optimised(
        self, model: LatentVariableModel, x: Tensor | ModelRows, settings: Settings, incremental: bool
    ) -> BoundNet:
        """The net after both phases, or after more of the second when the model has its mixture already."""
        if isinstance(model, MixtureModel):
            return super()._optimised(model, x, settings, incremental)
        n_early = 0 if incremental else min(round(self.pretrain_fraction * self.max_epochs), self.max_epochs - 1)
        if not n_early:
            return train(self._with_mixture(model, x, settings.seed), x, self._main_phase(incremental), settings)
        first = Phase(n_early, self.pretrain_kl_weight, anneals=True, name=f"{type(self).__name__}, first phase")
        ordinary = settings._replace(step=NeuralNet.train_step_single, validation=NeuralNet.validation_step)
        early = train(model, x, first, ordinary)
        second = (
            Phase(0, self._divergence_weight(), anneals=False, name="")
            if early.interrupted_
            else self._second_phase(n_early)
        )
        net = train(self._with_mixture(model, x, settings.seed), x, second, settings, history=early.history)
        net.interrupted_ |= early.interrupted_
        return net

    def _second_phase(self, n_early: int) -> Phase:
        """That of the whole bound, of which the divergence's weight rises from where it was."""
        phase = self._main_phase(incremental=False, n_earlier=n_early)
        warmup = SHARE_OF_WARMUP if self.kl_warmup is None and self.objective == "elbo" else phase.kl_warmup
        start = min(1.0, self.pretrain_kl_weight / phase.kl_weight) if phase.kl_weight else 1.0
        return phase._replace(kl_warmup=warmup, kl_start=start)

    @making_modules()
    def _with_mixture(self, model: LatentVariableModel, x: Tensor | ModelRows, seed: int) -> MixtureModel:
        """The model with a mixture in place of its prior; the other parts are the same modules."""
        prior, self._mergings = self._mixture_start().mixture(model, x, seed)
        return self._under(prior, model)

    def _under(self, prior: SeparatedMixture, model: LatentVariableModel) -> MixtureModel:
        """The parts of a model under a mixture."""
        parts = (prior, model.decoder, model.likelihood, model.posterior)
        if self.inference == "joint":
            return JointMixtureModel(*parts, self.encoder_depth, self.encoder_width)
        return MixtureModel(*parts)

    def _mixture_start(self) -> MixtureStart:
        """How the mixture is initialised, from the parameters."""
        return MixtureStart(
            k=self.k,
            covariance_type=self.covariance_type,
            min_separation=self.min_separation,
            scale_bounds=self.scale_bounds,
            init=self.init,
            n_init=self.n_init,
            fixed_means=self.cluster_means == "fixed",
            uniform_weights=self.mixture_weights == "uniform",
        )
