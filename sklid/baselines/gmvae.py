r"""The classical counterpart of the clustering estimator: the same mixture with an unconstrained decoder.

.. math:: y \sim Cat(\pi), \qquad w \mid y \sim N(\mu_y, \Sigma_y), \qquad x \mid w \sim EF(x \mid MLP(w))
"""

from ..estimators.base import LatentVariableEstimator
from ..estimators.clustering import MixtureMixin
from ..estimators.declaration import with_parameters
from ..estimators.mixture_parameters import NumberOfClusters
from ..estimators.objective import DivergenceWeight
from ..nn import Likelihood, PlainDecoder

__all__ = ["GMVAE"]


@with_parameters
class GMVAE(MixtureMixin, DivergenceWeight, LatentVariableEstimator, NumberOfClusters):
    r"""Clustering by a classical Gaussian-mixture variational autoencoder, the baseline of `LIDGMVAEClustering`.

    .. math:: y \sim Cat(\pi), \qquad w \mid y \sim N(\mu_y, \Sigma_y), \qquad x \mid w \sim EF(x \mid MLP(w))

    The decoder alone differs. ``GMVAE(encoder="plain", init="random", pretrain_fraction=0.0)`` starts everything at
    random, as is usual.

    Attributes
    ----------
    labels_, n_clusters_, n_clusters_reason_, weights_, means_, covariances_, cluster_separation_
        As in `LIDGMVAEClustering`.
    n_components_, n_features_in_, feature_names_in_, scale_, scaler_, net_
        As in `LIDVAE`.
    interrupted_, converged_, n_iter_, lower_bound_
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

    def _decoder(self, n_components: int, likelihood: Likelihood) -> PlainDecoder:
        size = (n_components, likelihood.n_parameters)
        return PlainDecoder(*size, self.decoder_depth, self.decoder_width, self._network(*size))
