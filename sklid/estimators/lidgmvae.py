r"""LIDGMVAE: clustering with a variational autoencoder whose labels and latents are identifiable by construction.

.. math:: y \sim Cat(\pi), \qquad w \mid y \sim N(\mu_y, \Sigma_y), \qquad x \mid w \sim EF(x \mid g_2(\beta^\top g_1(w)))

(Wang, Blei & Cunningham, NeurIPS 2021, section 3.) Different labels have different means, different w have different distributions of x, and so
neither posterior can equal its prior. With a Gaussian likelihood and decoder modulus r, w and x share at least
:math:`\sum_c \pi_c \tfrac12 \log\det(I + r^2 \Sigma_c)` nats; how much y and x share depends on the data, and no floor of use is known.
"""

import numpy as np
from numpy.typing import ArrayLike

from .base import LatentVariableEstimator
from .clustering import MixtureMixin
from .injective import InjectiveMixin

__all__ = ["LIDGMVAEClustering"]


class LIDGMVAEClustering(MixtureMixin, InjectiveMixin, LatentVariableEstimator):
    r"""Clustering by a latent-identifiable Gaussian-mixture variational autoencoder.

    .. math:: y \sim Cat(\pi), \qquad w \mid y \sim N(\mu_y, \Sigma_y), \qquad x \mid w \sim EF(x \mid f(w))

    The decoder f is that of `LIDVAE`. The means stay apart for every value of the parameters. Training first spreads the data out under a plain
    prior, and then starts the mixture at the clusters found there.

    Parameters
    ----------
    k : int, default=5
        Number of clusters C, at least 2.
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
        1 leaves g1 out and keeps beta fixed.
    encoder : {"principal", "plain"}, default="principal"
        A perceptron beside a linear map that starts at probabilistic PCA, as the decoder does; or the perceptron alone, started at random.
    encoder_depth, encoder_width : int, default=2 and 256
        Hidden layers and units of the encoder.
    posterior : {"gaussian", "flow"}, default="gaussian"
        q(w | x): diagonal Gaussian, or RealNVP (needs ``sklid[flow]`` and K >= 2).
    weights : {"learned", "uniform"}, default="learned"
        Of the mixture; the paper's are uniform.
    components : {"learned", "fixed"}, default="learned"
        Whether the means are learned, each in a ball around its start, or stay there: the paper's :math:`\beta_1^\top y` for a given beta1, such as
        the zero-one one of ``init=np.eye(k, n_components)``.
    covariance_type : {"full", "tied", "diag", "spherical"}, default="full"
        Of the components, as in `sklearn.mixture.GaussianMixture`.
    min_separation : float, default=0.5
        Least distance :math:`\delta` of two component means, for every value of the parameters.
    scale_bounds : pair of floats, default=(0.05, 5.0)
        Least and greatest standard deviation of a component along its principal axes.
    init : {"gmm", "kmeans", "random"} or array-like of shape (k, n_components), default="gmm"
        Where the mixture starts: a `GaussianMixture` or `KMeans` fitted to the posterior means of the first phase, the posterior means of random
        rows, or the given means.
    n_init : int, default=5
        Starts, of which the one with the best evidence lower bound is taken.
    pretrain_fraction : float, default=0.4
        Share of the epochs in the first phase, which has the prior N(0, I).
    pretrain_kl_weight : float, default=0.1
        Weight of the divergence in that phase; small weights spread the data out.
    inference : {"marginal", "joint"}, default="marginal"
        "marginal" has one posterior q(w | x), sums the label out of the prior, and takes q(y | x) = E[p(y | w)]; "joint" is the paper's
        q(y | x) q(w | x, y), with one decoder pass per label.
    kl_weight : float, default=1.0
        Weight of the divergence in the second phase.
    kl_warmup : float, default=0.0
        Fraction of the steps of the second phase over which that weight rises from 0.
    n_importance_samples : int, default=100
        Draws per row in `score_samples` and `predict_proba`.
    max_epochs : int, default=100
        Of both phases together.
    batch_size : int, default=256
    learning_rate : float, default=3e-3
        Of Adam, falling to zero along a cosine.
    weight_decay : float, default=0.0
    early_stopping : bool, default=False
        Whether to stop the second phase when the bound on a validation set no longer improves, and to go back to its best weights.
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
    labels_ : int array of shape (n_samples,)
        Labels of the rows of `fit`, numbered without gaps, the largest cluster first.
    weights_ : array of shape (k,)
        Mixture weights.
    means_ : array of shape (k, n_components)
        Means of the components in latent space.
    covariances_ : array of shape (k, n_components, n_components), (n_components, n_components), (k, n_components) or (k,)
        For "full", "tied", "diag" and "spherical".
    component_separation_ : float
        Least distance between two means, at least `min_separation`.
    inverse_lipschitz_, mutual_information_lower_bound_, elementary_mutual_information_lower_bound_, mutual_information_lower_bound_reason_
        As in `LIDVAE`, for the latent w.
    n_components_, n_features_in_, feature_names_in_, scaler_, net_, interrupted_
        As in `LIDVAE`.

    See Also
    --------
    sklid.baselines.GMVAE : The same model with an unconstrained decoder.

    References
    ----------
    Wang, Blei & Cunningham, "Posterior Collapse and Latent Variable Non-identifiability", NeurIPS 2021, section 3.
    Jiang et al., "Variational Deep Embedding", IJCAI 2017, for the bound over labels.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklid import LIDGMVAEClustering
    >>> X = load_iris().data
    >>> model = LIDGMVAEClustering(k=3, n_components=2, max_epochs=40, random_state=0).fit(X)
    >>> model.predict_proba(X).shape
    (150, 3)
    >>> model.component_separation_ >= 0.5
    True
    """

    _parameter_constraints: dict = {
        **LatentVariableEstimator._parameter_constraints,
        **InjectiveMixin._parameter_constraints,
        **MixtureMixin._parameter_constraints,
    }

    def __init__(
        self,
        k: int = 5,
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
