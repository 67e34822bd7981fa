r"""The classical counterpart: the same model with an unconstrained decoder.

.. math:: z \sim N(0, I_K), \qquad x \mid z \sim EF(x \mid MLP(z))

Nothing keeps a perceptron from ignoring z, so its posterior may collapse to the prior. Prior, likelihood, encoder, objective and training are
those of `LIDVAE`; the decoder differs, and by default the encoder is the classical perceptron, where that of `LIDVAE` starts at the principal
components. ``VAE(encoder="principal")`` and ``LIDVAE(encoder="plain")`` differ from the other in the decoder alone.
"""

import numpy as np

from ..estimators.base import LatentVariableEstimator
from ..nn import PlainDecoder

__all__ = ["VAE"]


class VAE(LatentVariableEstimator):
    r"""Classical variational autoencoder, the baseline of `LIDVAE`.

    .. math:: z \sim N(0, I_K), \qquad x \mid z \sim EF(x \mid MLP(z))

    Parameters
    ----------
    n_components : int, default=None
        Latent dimension K. None takes 10, or the number of natural parameters if it is smaller.
    decoder_depth, decoder_width : int, default=2 and 256
        Hidden layers of ReLU units of the decoder.
    encoder : {"plain", "principal"}, default="plain"
        "plain" is the classical perceptron, started at random; "principal" is the encoder of `LIDVAE`, and then the decoder alone differs.
    likelihood, noise, encoder_depth, encoder_width, posterior, kl_weight, kl_warmup, n_importance_samples, max_epochs, batch_size, learning_rate
        As in `LIDVAE`.
    weight_decay, early_stopping, validation_fraction, n_iter_no_change, tol, warm_start, callbacks, device, compile, on_interrupt, verbose
        As in `LIDVAE`.
    random_state : int, RandomState instance or None, default=None

    Attributes
    ----------
    n_components_, n_features_in_, feature_names_in_, scaler_, net_, interrupted_
        As in `LIDVAE`. There is no certificate.

    References
    ----------
    Kingma & Welling, "Auto-Encoding Variational Bayes", ICLR 2014.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklid.baselines import VAE
    >>> X = load_iris().data
    >>> VAE(n_components=2, max_epochs=20, random_state=0).fit_transform(X).shape
    (150, 2)
    """

    def __init__(
        self,
        n_components: int | None = None,
        *,
        likelihood: str = "gaussian",
        noise: str = "global",
        decoder_depth: int = 2,
        decoder_width: int = 256,
        encoder: str = "plain",
        encoder_depth: int = 2,
        encoder_width: int = 256,
        posterior: str = "gaussian",
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
        self.n_components = n_components
        self.likelihood = likelihood
        self.noise = noise
        self.decoder_depth = decoder_depth
        self.decoder_width = decoder_width
        self.encoder = encoder
        self.encoder_depth = encoder_depth
        self.encoder_width = encoder_width
        self.posterior = posterior
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
