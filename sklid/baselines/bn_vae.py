r"""A classical autoencoder whose posterior means have a fixed spread over the rows.

.. math:: \operatorname{mean}_x KL(q(z \mid x) \| p(z)) \ge \tfrac12 K \gamma^2
"""

from typing import Any

from ..estimators.declaration import parameter, with_parameters
from ..nn.committed import NormalisedPosterior
from ..validation import POSITIVE_REAL
from .gaussian_posterior import GaussianPosteriorMixin
from .vae import VAE

__all__ = ["BNVAE"]


@with_parameters
class BNVAE(GaussianPosteriorMixin, VAE):
    r"""BN-VAE: a `VAE` with batch normalisation of the posterior means, whose scale :math:`\gamma` is fixed.

    .. math:: \operatorname{mean}_x KL(q(z \mid x) \| p(z)) \ge \tfrac12 K \gamma^2

    over the rows of a batch. The shift is learned, as in the paper. Out of training the means are normalised by running
    averages, so the bound holds there about.

    Attributes
    ----------
    n_components_, n_features_in_, feature_names_in_, scale_, scaler_, net_
        As in `LIDVAE`.
    interrupted_, converged_, n_iter_, lower_bound_
        As in `LIDVAE`. There is no certificate.

    References
    ----------
    Zhu, Bi, Liu, Ma, Li & Wu, "A Batch Normalized Inference Network Keeps the KL Vanishing Away", ACL 2020.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklid.baselines import BNVAE
    >>> X = load_iris().data
    >>> BNVAE(n_components=2, max_epochs=20, random_state=0).fit_transform(X).shape
    (150, 2)
    """

    _mixes_rows = "batch normalisation"
    gamma: float = parameter(
        default=0.5,
        kind="float",
        text="Standard deviation of the posterior means over the rows of a batch.",
        constraint=POSITIVE_REAL,
        shapes_model=True,
    )

    def _gaussian(
        self, n_inputs: int, n_components: int, depth: int, width: int, **options: Any
    ) -> NormalisedPosterior:
        return NormalisedPosterior(n_inputs, n_components, self.gamma, depth=depth, width=width, **options)
