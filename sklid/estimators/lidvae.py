r"""LIDVAE: a variational autoencoder whose latent is identifiable by construction.

.. math:: z \sim N(0, I_K), \qquad x \mid z \sim EF(x \mid g_2(\beta^\top g_1(z)))

(Wang, Blei & Cunningham, NeurIPS 2021, section 3.) The Brenier maps g1, g2 and a beta of full rank make z -> p(x | z) injective, and a posterior can
equal its prior only where the likelihood does not depend on z (their Theorem 1). A modulus r of the decoder turns this into a number: with a Gaussian
likelihood z and x share at least K/2 log(1 + r^2) nats.
"""

import numpy as np

from .base import LatentVariableEstimator
from .injective import InjectiveMixin

__all__ = ["LIDVAE"]


class LIDVAE(InjectiveMixin, LatentVariableEstimator):
    r"""Latent-identifiable variational autoencoder: a nonlinear representation that cannot collapse.

    .. math:: z \sim N(0, I_K), \qquad x \mid z \sim EF(x \mid f(z)), \qquad |f(z) - f(z')| \ge r |z - z'|

    Parameters
    ----------
    n_components : int, default=None
        Latent dimension K, at most the number of natural parameters. None takes 10, or all natural parameters if they are fewer.
    inverse_lipschitz : float, default=1.0
        The constant r > 0: in noise standard deviations for a Gaussian likelihood, in natural-parameter units otherwise.
    likelihood : {"gaussian", "bernoulli", "continuous_bernoulli", "poisson", "categorical"}, default="gaussian"
        Gaussian columns are standardised inside. "bernoulli" takes values in [0, 1] as success probabilities, and its score is then no
        log-density; "categorical" takes codes 0, 1, .. in each column.
    noise : {"global", "feature"}, default="global"
        One noise scale of the standardised columns, or one each. Gaussian likelihood only.
    decoder_depth, decoder_width : int, default=2 and 256
        Hidden layers and units of g2.
    potential : {"tapered", "icnn"}, default="tapered"
        Input-convex network of g2. "tapered" has layers above the first of an eighth of its width, at least 16 units, which cost next to nothing;
        "icnn", the paper's, has all layers of the same width.
    skip_connections : bool, default=False
        Whether every layer of g2 sees its input.
    activation : {"squareplus", "softplus", "leaky_relu"}, default="squareplus"
        Of the convex potentials. Leaky ReLU is the paper's and makes the decoder discontinuous.
    embedding : {"orthogonal", "identity"}, default="orthogonal"
        Beta with learned orthonormal rows, started at the principal directions, or the zero-one beta.
    maps : {2, 1}, default=2
        1 leaves g1 out and keeps beta fixed: the case in which latents and map are identified together.
    encoder : {"principal", "plain"}, default="principal"
        A perceptron beside a linear map that starts at probabilistic PCA, as the decoder does; or the perceptron alone, started at random.
    encoder_depth, encoder_width : int, default=2 and 256
        Hidden layers and units of the encoder.
    posterior : {"gaussian", "flow"}, default="gaussian"
        Diagonal Gaussian, or RealNVP (needs ``sklid[flow]`` and K >= 2).
    kl_weight : float, default=1.0
        Weight of the divergence in the bound.
    kl_warmup : float, default=0.0
        Fraction of the training steps over which that weight rises from 0.
    n_importance_samples : int, default=100
        Draws per row in `score_samples`.
    max_epochs : int, default=100
    batch_size : int, default=256
    learning_rate : float, default=3e-3
        Of Adam, falling to zero along a cosine.
    weight_decay : float, default=0.0
    early_stopping : bool, default=False
        Whether to stop when the bound on a validation set no longer improves, and to go back to its best weights.
    validation_fraction : float, default=0.1
        Share of the rows in that set.
    n_iter_no_change : int, default=10
        Epochs without improvement before stopping.
    tol : float, default=0.01
        Least improvement that counts, in nats per row.
    warm_start : bool, default=False
        Whether `fit` goes on from the weights of the last fit.
    callbacks : list of skorch callbacks, default=None
    device : str, default="cpu"
        "cpu", "cuda", or "auto" for the GPU where there is one.
    compile : bool, default=False
        Whether training runs through ``torch.compile``. On a CPU it compiles for half a minute and then takes an eighth off the decoder's time, so it
        pays in trainings of ten thousand steps and more.
    on_interrupt : {"raise", "keep"}, default="raise"
        After Ctrl-C during training the model so far is usable; "raise" then re-raises KeyboardInterrupt.
    verbose : int, default=0
        1 shows a progress bar.
    random_state : int, RandomState instance or None, default=None

    Attributes
    ----------
    inverse_lipschitz_ : float
        The constant r of the fitted decoder.
    mutual_information_lower_bound_ : float
        Least mutual information in nats between z and x under the model, (K/2) log(1 + r^2) (Aishwarya & Li, arXiv 2409.03664); nan where
        `mutual_information_lower_bound_reason_` says why.
    elementary_mutual_information_lower_bound_ : float
        The weaker floor by rate-distortion, max(0, (K/2) log(K r^2 / D)) with D natural parameters (Cover & Thomas 2006, theorem 10.3.3).
    mutual_information_lower_bound_reason_ : str
        Empty where there is a bound.
    n_components_ : int
    n_features_in_ : int
    feature_names_in_ : array of str, when X has string column names
    scaler_ : StandardScaler or None
        Mean m and scale a of the columns of a Gaussian model.
    net_ : BoundNet
        The skorch net: ``net_.history``, ``net_.module_``.
    interrupted_ : bool
        Whether the last fit ended with Ctrl-C.

    See Also
    --------
    sklid.baselines.VAE : The same model with an unconstrained decoder.

    References
    ----------
    Wang, Blei & Cunningham, "Posterior Collapse and Latent Variable Non-identifiability", NeurIPS 2021, equations 7 and 8.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklid import LIDVAE
    >>> X = load_iris().data
    >>> model = LIDVAE(n_components=2, max_epochs=20, random_state=0).fit(X)
    >>> model.transform(X).shape
    (150, 2)
    >>> round(model.mutual_information_lower_bound_, 2)
    0.69
    """

    _parameter_constraints: dict = {**LatentVariableEstimator._parameter_constraints, **InjectiveMixin._parameter_constraints}

    def __init__(
        self,
        n_components: int | None = None,
        *,
        inverse_lipschitz: float = 1.0,
        likelihood: str = "gaussian",
        noise: str = "global",
        decoder_depth: int = 2,
        decoder_width: int = 256,
        potential: str = "tapered",
        skip_connections: bool = False,
        activation: str = "squareplus",
        embedding: str = "orthogonal",
        maps: int = 2,
        encoder: str = "principal",
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
        self.inverse_lipschitz = inverse_lipschitz
        self.likelihood = likelihood
        self.noise = noise
        self.decoder_depth = decoder_depth
        self.decoder_width = decoder_width
        self.potential = potential
        self.skip_connections = skip_connections
        self.activation = activation
        self.embedding = embedding
        self.maps = maps
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
