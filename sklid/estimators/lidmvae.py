r"""LIDMVAE: clustering as with LIDGMVAE, with clusters of other families than the Gaussian.

.. math:: y \sim Cat(\pi), \qquad w \mid y \sim p(w; \mu_y, \theta_y), \qquad x \mid w \sim EF(x \mid f(w))

(Wang, Blei & Cunningham, NeurIPS 2021, section 3, example 1.) Different labels have different means in every family.
"""

from .base import LatentVariableEstimator
from .declaration import with_parameters
from .family import FamilyMixin
from .injective import InjectiveMixin
from .mixture_parameters import NumberOfClusters
from .objective import DivergenceWeight

__all__ = ["LIDMVAEClustering"]


@with_parameters
class LIDMVAEClustering(FamilyMixin, InjectiveMixin, DivergenceWeight, LatentVariableEstimator, NumberOfClusters):
    r"""Clustering by a latent-identifiable mixture variational autoencoder, with a family of clusters to choose.

    .. math:: y \sim Cat(\pi), \qquad w \mid y \sim p(w; \mu_y, \theta_y), \qquad x \mid w \sim EF(x \mid f(w))

    With ``family="gaussian"`` it is `LIDGMVAEClustering`. Families with heavy tails keep a row far out in its cluster
    without widening it, and gamma clusters have positive latents.

    Attributes
    ----------
    labels_, n_clusters_, n_clusters_reason_, weights_, means_, cluster_separation_
        As in `LIDGMVAEClustering`; means of gamma clusters are positive.
    covariances_, precisions_ : array
        Covariances of the clusters and their inverses in the shapes of `LIDGMVAEClustering`, for every family.
    degrees_of_freedom_ : array of shape (k,)
        Of the clusters with ``family="student_t"``, above 2. Other families have no such attribute.
    inverse_lipschitz_, mutual_information_lower_bound_, mutual_information_lower_bound_reason_
        As in `LIDVAE`, for the latent w.
    n_components_, n_features_in_, feature_names_in_, scale_, scaler_, net_
        As in `LIDVAE`.
    interrupted_, converged_, n_iter_, lower_bound_
        As in `LIDVAE`.

    See Also
    --------
    LIDGMVAEClustering : The Gaussian case.

    References
    ----------
    Wang, Blei & Cunningham, "Posterior Collapse and Latent Variable Non-identifiability", NeurIPS 2021, section 3.
    Peel & McLachlan, "Robust mixture modelling using the t distribution", Statistics and Computing 2000.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklid import LIDMVAEClustering
    >>> X = load_iris().data
    >>> model = LIDMVAEClustering(k=3, n_components=2, family="student_t", max_epochs=40, random_state=0).fit(X)
    >>> model.predict_proba(X).shape, bool((model.degrees_of_freedom_ > 2).all())
    ((150, 3), True)
    """
