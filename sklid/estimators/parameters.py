"""The parameters that estimators share: name, default, range and meaning of each, in one place."""

from numbers import Integral, Real

import numpy as np
from numpy.typing import ArrayLike

from ..nn import ACTIVATIONS, LIKELIHOODS
from ..validation import NON_NEGATIVE, POSITIVE_INTEGER, POSITIVE_REAL, Interval, Options, StrOptions
from .declaration import parameter, with_parameters

__all__ = ["InjectiveParameters", "MixtureParameters", "ModelParameters", "NumberOfClusters", "TrainingParameters"]

SHARE = [Interval(Real, 0, 1, closed="both")]


@with_parameters
class ModelParameters:
    """Latents, likelihood, decoder, encoder and objective."""

    n_components: int | None = parameter(
        None,
        "int",
        "Latent dimension K. None takes 10, or the number of natural parameters of a row if it is smaller; an injective decoder takes "
        "no more than these.",
        [None, *POSITIVE_INTEGER],
        keyword=False,
        shapes_model=True,
    )
    likelihood: str = parameter(
        "gaussian",
        '{"gaussian", "bernoulli", "continuous_bernoulli", "poisson", "categorical"}',
        'Gaussian columns are standardised inside. "bernoulli" takes values in [0, 1] as success probabilities, and its score is then no '
        'log-density; "categorical" takes codes 0, 1, .. in each column.',
        [StrOptions(set(LIKELIHOODS))],
        shapes_model=True,
    )
    noise: str = parameter(
        "global",
        '{"global", "feature"}',
        "One noise scale of the standardised columns, or one each. Gaussian likelihood only.",
        [StrOptions({"global", "feature"})],
        shapes_model=True,
    )
    decoder_depth: int = parameter(2, "int", "Hidden layers of the decoder; of g2 where it is injective.", POSITIVE_INTEGER, shapes_model=True)
    decoder_width: int = parameter(256, "int", "Units of each of them.", POSITIVE_INTEGER, shapes_model=True)
    encoder: str = parameter(
        "principal",
        '{"principal", "plain"}',
        "A perceptron beside a linear map that is initialised at probabilistic PCA, as an injective decoder "
        "is; or the perceptron alone, initialised at random.",
        [StrOptions({"principal", "plain"})],
        shapes_model=True,
    )
    encoder_depth: int = parameter(2, "int", "Hidden layers of the encoder.", POSITIVE_INTEGER, shapes_model=True)
    encoder_width: int = parameter(256, "int", "Units of each of them.", POSITIVE_INTEGER, shapes_model=True)
    posterior: str = parameter(
        "gaussian",
        '{"gaussian", "flow"}',
        "Diagonal Gaussian, or RealNVP (needs ``sklid[flow]`` and K >= 2).",
        [StrOptions({"gaussian", "flow"})],
        shapes_model=True,
    )
    kl_weight: float = parameter(1.0, "float", "Weight of the divergence in the bound.", NON_NEGATIVE)
    kl_warmup: float = parameter(0.0, "float", "Fraction of the training steps over which that weight rises from 0.", SHARE)
    n_importance_samples: int = parameter(100, "int", "Draws per row in `score_samples`, and in `predict_proba` of a mixture.", POSITIVE_INTEGER)


@with_parameters
class TrainingParameters:
    """Optimisation, early stopping, device and seed."""

    max_epochs: int = parameter(100, "int", "Passes over the rows, of all phases together.", POSITIVE_INTEGER)
    batch_size: int = parameter(256, "int", "Rows of a step.", POSITIVE_INTEGER)
    learning_rate: float = parameter(3e-3, "float", "Of Adam, falling to zero along a cosine.", POSITIVE_REAL)
    weight_decay: float = parameter(0.0, "float", "L2 penalty of Adam.", NON_NEGATIVE)
    early_stopping: bool = parameter(
        False, "bool", "Whether to stop when the bound on a validation set no longer improves, and to go back to its best weights.", ["boolean"]
    )
    validation_fraction: float = parameter(0.1, "float", "Share of the rows in that set.", [Interval(Real, 0, 1, closed="neither")])
    n_iter_no_change: int = parameter(10, "int", "Epochs without improvement before stopping.", POSITIVE_INTEGER)
    tol: float = parameter(1e-2, "float", "Least improvement that counts, in nats per row.", NON_NEGATIVE)
    warm_start: bool = parameter(False, "bool", "Whether `fit` goes on from the weights of the last fit.", ["boolean"])
    callbacks: list | None = parameter(None, "list of skorch callbacks", "Called beside those that the training needs.", [None, list])
    device: str = parameter("cpu", "str", '"cpu", "cuda", or "auto" for the GPU where there is one.', [str])
    compile: bool = parameter(
        False,
        "bool",
        "Whether training runs through ``torch.compile``. On a CPU it compiles for half a minute and then takes an eighth off the "
        "decoder's time, so it pays in trainings of ten thousand steps and more.",
        ["boolean"],
    )
    on_interrupt: str = parameter(
        "raise",
        '{"raise", "keep"}',
        'After Ctrl-C during training the model so far is usable; "raise" then re-raises KeyboardInterrupt.',
        [StrOptions({"raise", "keep"})],
    )
    verbose: int = parameter(0, "int", "1 shows a progress bar.", ["verbose"])
    random_state: int | np.random.RandomState | None = parameter(None, "int, RandomState instance or None", "Seed of all draws.", ["random_state"])


@with_parameters
class InjectiveParameters:
    """The injective decoder."""

    inverse_lipschitz: float = parameter(
        1.0,
        "float",
        "The constant r > 0: in noise standard deviations for a Gaussian likelihood, in natural-parameter units otherwise.",
        POSITIVE_REAL,
        shapes_model=True,
    )
    potential: str = parameter(
        "tapered",
        '{"tapered", "icnn"}',
        'Input-convex network of g2. "tapered" has layers above the first of an eighth of its width, at least 16 '
        'units, which cost next to nothing; "icnn", the paper\'s, has all layers of the same width.',
        [StrOptions({"tapered", "icnn"})],
        shapes_model=True,
    )
    skip_connections: bool = parameter(False, "bool", "Whether every layer of g2 sees its input.", ["boolean"], shapes_model=True)
    activation: str = parameter(
        "squareplus",
        '{"squareplus", "softplus", "leaky_relu"}',
        "Of the convex potentials. Leaky ReLU is the paper's and makes the decoder discontinuous.",
        [StrOptions(set(ACTIVATIONS))],
        shapes_model=True,
    )
    embedding: str = parameter(
        "orthogonal",
        '{"orthogonal", "identity"}',
        "Beta with learned orthonormal rows, initialised at the principal directions, or the zero-one beta.",
        [StrOptions({"orthogonal", "identity"})],
        shapes_model=True,
    )
    maps: int = parameter(
        2,
        "{2, 1}",
        "1 leaves g1 out and keeps beta fixed: the case in which latents and map are identified together.",
        [Options(int, {1, 2})],
        shapes_model=True,
    )


@with_parameters
class NumberOfClusters:
    """The one parameter of a clustering that is given by position first."""

    k: int = parameter(5, "int", "Number of clusters C, at least 2.", [Interval(Integral, 2, None, closed="left")], keyword=False, shapes_model=True)


@with_parameters
class MixtureParameters:
    """The mixture prior: its clusters, where they begin, and the training before there are any."""

    mixture_weights: str = parameter(
        "learned",
        '{"learned", "uniform"}',
        "Weights of the clusters; the paper's are uniform.",
        [StrOptions({"learned", "uniform"})],
        shapes_model=True,
    )
    cluster_means: str = parameter(
        "learned",
        '{"learned", "fixed"}',
        "Whether the means are learned, each in a ball around its initial value, or keep that: the paper's "
        ":math:`\\beta_1^\\top y` for a given beta1, such as the zero-one one of ``init=np.eye(k, n_components)``.",
        [StrOptions({"learned", "fixed"})],
        shapes_model=True,
    )
    covariance_type: str = parameter(
        "full",
        '{"full", "tied", "diag", "spherical"}',
        "Of the clusters, as in `sklearn.mixture.GaussianMixture`.",
        [StrOptions({"full", "tied", "diag", "spherical"})],
        shapes_model=True,
    )
    min_separation: float = parameter(
        0.5,
        "float",
        r"Least distance :math:`\delta` of the means of two clusters, for every value of the weights of the model.",
        POSITIVE_REAL,
        shapes_model=True,
    )
    scale_bounds: tuple[float, float] = parameter(
        (0.05, 5.0), "pair of floats", "Least and greatest standard deviation of a cluster along its principal axes.", [tuple], shapes_model=True
    )
    init: str | ArrayLike = parameter(
        "gmm",
        '{"gmm", "kmeans", "random"} or array-like of shape (k, n_components)',
        "Initial clusters: a `GaussianMixture` or `KMeans` fitted to the "
        "posterior means of the first phase, the posterior means of random rows, or the given means.",
        [StrOptions({"gmm", "kmeans", "random"}), "array-like"],
    )
    n_init: int = parameter(5, "int", "Initialisations, of which the one with the best evidence lower bound is taken.", POSITIVE_INTEGER)
    pretrain_fraction: float = parameter(
        0.4, "float", "Share of the epochs in the first phase, which has the prior N(0, I).", [Interval(Real, 0, 1, closed="left")]
    )
    pretrain_kl_weight: float = parameter(0.1, "float", "Weight of the divergence in that phase; small weights spread the data out.", NON_NEGATIVE)
    inference: str = parameter(
        "marginal",
        '{"marginal", "joint"}',
        '"marginal" has one posterior q(w | x), sums the label out of the prior, and takes q(y | x) = E[p(y | w)]; '
        '"joint" is the paper\'s q(y | x) q(w | x, y), with one decoder pass per label.',
        [StrOptions({"marginal", "joint"})],
        shapes_model=True,
    )
