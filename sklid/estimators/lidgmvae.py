r"""LIDGMVAE: clustering with a variational autoencoder whose labels and latents are identifiable by construction.

.. math:: y \sim Cat(\pi), \qquad w \mid y \sim N(\mu_y, \Sigma_y), \qquad x \mid w \sim EF(x \mid f(w))

(Wang, Blei & Cunningham, NeurIPS 2021, section 3.) The decoder f is that of `LIDVAE`. Different labels have different
means, different w have different distributions of x, and so neither posterior can equal its prior. With a Gaussian
likelihood and decoder modulus r, w and x share at least :math:`\sum_c \pi_c \tfrac12 \log\det(I + r^2 \Sigma_c)` nats;
how much y and x share depends on the data, and no floor of use is known.
"""

from .base import LatentVariableEstimator
from .clustering import MixtureMixin
from .declaration import with_parameters
from .injective import InjectiveMixin
from .mixture_parameters import NumberOfClusters
from .objective import DivergenceWeight

__all__ = ["LIDGMVAEClustering"]


@with_parameters
class LIDGMVAEClustering(MixtureMixin, InjectiveMixin, DivergenceWeight, LatentVariableEstimator, NumberOfClusters):
    r"""Clustering by a latent-identifiable Gaussian-mixture variational autoencoder.

    .. math:: y \sim Cat(\pi), \qquad w \mid y \sim N(\mu_y, \Sigma_y), \qquad x \mid w \sim EF(x \mid f(w))

    The decoder f is that of `LIDVAE`. The means stay apart for every value of the parameters. Training first spreads
    the data out under a plain prior, and then starts the mixture at the clusters that its neighbourhoods show.

    Attributes
    ----------
    labels_ : int array of shape (n_samples,)
        Labels of the rows of `fit`, numbered without gaps, the largest cluster first.
    weights_ : array of shape (k,)
        Mixture weights.
    means_ : array of shape (k, n_components)
        Means of the clusters in latent space.
    covariances_ : array
        Of shape (k, n_components, n_components) for "full", (n_components, n_components) for "tied",
        (k, n_components) for "diag" and (k,) for "spherical".
    precisions_ : array
        Their inverses, in the same shape.
    cluster_separation_ : float
        Least distance between two means, at least `min_separation`; infinite for one cluster.
    n_clusters_ : int
        k, or what was found with ``k="auto"``.
    n_clusters_reason_ : str
        Why so many.
    inverse_lipschitz_, mutual_information_lower_bound_, mutual_information_lower_bound_reason_
        As in `LIDVAE`, for the latent w.
    n_components_, n_features_in_, feature_names_in_, scale_, scaler_, net_
        As in `LIDVAE`.
    interrupted_, converged_, n_iter_, lower_bound_
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
    >>> model.cluster_separation_ >= 0.5
    True
    """
