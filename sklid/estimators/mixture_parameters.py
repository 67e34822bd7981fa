"""The parameters that estimators with a mixture prior share."""

from numbers import Integral, Real

from numpy.typing import ArrayLike

from ..validation import NON_NEGATIVE, POSITIVE_INTEGER, POSITIVE_REAL, Interval, StrOptions
from .declaration import parameter, with_parameters
from .parameters import SHARE

__all__ = ["MixtureParameters", "NumberOfClusters"]


@with_parameters
class NumberOfClusters:
    """The one parameter of a clustering that is given by position first."""

    k: "int | str" = parameter(
        default=5,
        kind='int or "auto"',
        text='Number of clusters C, at least 2. "auto" begins with up to 30, merges those without a valley between '
        "them, and may end with one: see `n_clusters_` and `n_clusters_reason_`.",
        constraint=[Interval(Integral, 2, None, closed="left"), StrOptions({"auto"})],
        kw_only=False,
        shapes_model=True,
    )


@with_parameters
class MixtureParameters:
    """The mixture prior: its clusters, where they begin, and the training before there are any."""

    mixture_weights: str = parameter(
        default="learned",
        kind='{"learned", "uniform"}',
        text="Weights of the clusters; the paper's are uniform.",
        constraint=[StrOptions({"learned", "uniform"})],
        shapes_model=True,
    )
    cluster_means: str = parameter(
        default="learned",
        kind='{"learned", "fixed"}',
        text="Whether the means are learned, each in a ball around its initial value, or keep that: the paper's "
        ":math:`\\beta_1^\\top y` for a given beta1, such as the zero-one one of ``init=np.eye(k, n_components)``.",
        constraint=[StrOptions({"learned", "fixed"})],
        shapes_model=True,
    )
    covariance_type: str = parameter(
        default="full",
        kind='{"full", "tied", "diag", "spherical"}',
        text="Of the clusters, as in `sklearn.mixture.GaussianMixture`.",
        constraint=[StrOptions({"full", "tied", "diag", "spherical"})],
        shapes_model=True,
    )
    min_separation: float = parameter(
        default=0.5,
        kind="float",
        text=r"Least distance :math:`\delta` of the means of two clusters, "
        "for every value of the weights of the model.",
        constraint=POSITIVE_REAL,
        shapes_model=True,
    )
    scale_bounds: tuple[float, float] = parameter(
        default=(0.05, 5.0),
        kind="pair of floats",
        text="Least and greatest standard deviation of a cluster along its principal axes.",
        constraint=[tuple, list],
        shapes_model=True,
    )
    init: "str | ArrayLike" = parameter(
        default="graph",
        kind='{"graph", "gmm", "kmeans", "random"} or array-like of shape (k, n_components)',
        text='Initial clusters, at the posterior means of the first phase. "graph": the partition that neighbours '
        'agree on most, of `KMeans` and of cuts of layouts by `TSNE`. "gmm" and "kmeans": a `GaussianMixture` or '
        '`KMeans`. "random": random rows. Or the given means.',
        constraint=[StrOptions({"graph", "gmm", "kmeans", "random"}), "array-like"],
    )
    n_init: int = parameter(
        default=5,
        kind="int",
        text="Initialisations, of which the one is taken that neighbours agree on most "
        '(`sklid.metrics.neighbour_information`), or with another init than "graph" the one with the best evidence '
        "lower bound.",
        constraint=POSITIVE_INTEGER,
    )
    pretrain_fraction: float = parameter(
        default=0.4,
        kind="float",
        text="Share of the epochs in the first phase, which has the prior N(0, I).",
        constraint=[Interval(Real, 0, 1, closed="left")],
    )
    pretrain_kl_weight: float = parameter(
        default=0.1,
        kind="float",
        text="Weight of the divergence in that phase; small weights spread the data out.",
        constraint=NON_NEGATIVE,
    )
    kl_warmup: float | None = parameter(
        default=None,
        kind="float",
        text="Fraction of the steps of the second phase over which the weight of the divergence rises from that of the "
        "first, or from 0 if there is none. None takes 0.5 after a first phase, and else, as with "
        '``objective="iwae"``, 0.',
        constraint=[None, *SHARE],
    )
    inference: str = parameter(
        default="marginal",
        kind='{"marginal", "joint"}',
        text='"marginal" has one posterior q(w | x), sums the label out of the prior, '
        "and takes q(y | x) = E[p(y | w)]; "
        '"joint" is the paper\'s q(y | x) q(w | x, y), with one decoder pass per label.',
        constraint=[StrOptions({"marginal", "joint"})],
        shapes_model=True,
    )
