r"""The classical counterpart of the clustering estimator: the same mixture with an unconstrained decoder.

.. math:: y \sim Cat(\pi), \qquad w \mid y \sim N(\mu_y, \Sigma_y), \qquad x \mid w \sim EF(x \mid MLP(w))
"""

import numpy as np
from numpy.typing import ArrayLike

from ..estimators.base import LatentVariableEstimator
from ..estimators.clustering import MixtureMixin
from ..nn import PlainDecoder

__all__ = ["GMVAE"]


class GMVAE(MixtureMixin, LatentVariableEstimator):
    r"""Clustering by a classical Gaussian-mixture variational autoencoder, the baseline of `LIDGMVAEClustering`.

    .. math:: y \sim Cat(\pi), \qquad w \mid y \sim N(\mu_y, \Sigma_y), \qquad x \mid w \sim EF(x \mid MLP(w))

    The decoder alone differs. ``GMVAE(encoder="plain", init="random", pretrain_fraction=0.0)`` starts everything at random, as is usual.

    Parameters
    ----------
    k : int, default=5
        Number of clusters C, at least 2.
    n_components : int, default=None
        Latent dimension K. None takes 10, or the number of natural parameters if it is smaller.
    decoder_depth, decoder_width : int, default=2 and 256
        Hidden layers of ReLU units of the decoder.
    likelihood, noise, encoder, encoder_depth, encoder_width, posterior
        As in `LIDGMVAEClustering`.
    weights, components, covariance_type, min_separation, scale_bounds, init, n_init, pretrain_fraction, pretrain_kl_weight, inference
        As in `LIDGMVAEClustering`.
    kl_weight, kl_warmup, n_importance_samples, max_epochs, batch_size, learning_rate, weight_decay, early_stopping, validation_fraction
        As in `LIDGMVAEClustering`.
    n_iter_no_change, tol, warm_start, callbacks, device, compile, on_interrupt, verbose
        As in `LIDGMVAEClustering`.
    random_state : int, RandomState instance or None, default=None

    Attributes
    ----------
    labels_, weights_, means_, covariances_, component_separation_
        As in `LIDGMVAEClustering`.
    n_components_, n_features_in_, feature_names_in_, scaler_, net_, interrupted_
        As in `LIDVAE`. There is no certificate.

    References
    ----------
    Jiang et al., "Variational Deep Embedding", IJCAI 2017.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklid.baselines import GMVAE
    >>> X = load_iris().data
    >>> GMVAE(k=3, n_components=2, max_epochs=20, random_state=0).fit_predict(X).shape
    (150,)
    """

    _parameter_constraints: dict = {**LatentVariableEstimator._parameter_constraints, **MixtureMixin._parameter_constraints}

    def __init__(
        self,
        k: int = 5,
        n_components: int | None = None,
        *,
        likelihood: str = "gaussian",
        noise: str = "global",
        decoder_depth: int = 2,
        decoder_width: int = 256,
        encoder: str = "principal",
        encoder_depth: int = 2,
        encoder_width: int = 256,
        posterior: str = "gaussian",
        weights: str = "learned",
        components: str = "learned",
        covariance_type: str = "full",
        min_separation: float = 0.5,
        scale_bounds: tuple[float, float] = (0.05, 5.0),
        init: str | ArrayLike = "gmm",
        n_init: int = 5,
        pretrain_fraction: float = 0.4,
        pretrain_kl_weight: float = 0.1,
        inference: str = "marginal",
        kl_weight: float = 1.0,
        kl_warmup: float = 0.0,
        n_importance_samples: int = 100,
        max_epochs: int = 100,
        batch_size: int = 256,
        learning_rate: float = 3e-3,
        weight_decay: float = 0.0,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 10,
        tol: float = 1e-2,
        warm_start: bool = False,
        callbacks: list | None = None,
        device: str = "cpu",
        compile: bool = False,
        on_interrupt: str = "raise",
        verbose: int = 0,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.k = k
        self.n_components = n_components
        self.likelihood = likelihood
        self.noise = noise
        self.decoder_depth = decoder_depth
        self.decoder_width = decoder_width
        self.encoder = encoder
        self.encoder_depth = encoder_depth
        self.encoder_width = encoder_width
        self.posterior = posterior
        self.weights = weights
        self.components = components
        self.covariance_type = covariance_type
        self.min_separation = min_separation
        self.scale_bounds = scale_bounds
        self.init = init
        self.n_init = n_init
        self.pretrain_fraction = pretrain_fraction
        self.pretrain_kl_weight = pretrain_kl_weight
        self.inference = inference
        self.kl_weight = kl_weight
        self.kl_warmup = kl_warmup
        self.n_importance_samples = n_importance_samples
        self.max_epochs = max_epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.tol = tol
        self.warm_start = warm_start
        self.callbacks = callbacks
        self.device = device
        self.compile = compile
        self.on_interrupt = on_interrupt
        self.verbose = verbose
        self.random_state = random_state

    def _decoder(self, n_components: int, n_outputs: int) -> PlainDecoder:
        return PlainDecoder(n_components, n_outputs, self.decoder_depth, self.decoder_width)
