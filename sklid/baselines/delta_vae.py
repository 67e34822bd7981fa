r"""A classical autoencoder whose posterior keeps a least divergence from the prior.

.. math:: KL(q(z_k \mid x) \| p(z_k)) \ge \delta \quad \text{for every row and latent variable}
"""

from typing import Any

from ..estimators.declaration import parameter, with_parameters
from ..nn.committed import CommittedPosterior
from ..validation import POSITIVE_REAL
from .gaussian_posterior import GaussianPosteriorMixin
from .vae import VAE

__all__ = ["DeltaVAE"]


@with_parameters
class DeltaVAE(GaussianPosteriorMixin, VAE):
    r"""delta-VAE: a `VAE` whose posterior is at least :math:`\delta` nats from the prior, in every latent variable.

    .. math:: KL(q(z_k \mid x) \| p(z_k)) \ge \delta

    The standard deviations are at most that of a normal distribution with mean 0 at this divergence from N(0, 1). The
    divergence cannot vanish; whether the latent variables tell rows apart is another matter, as a posterior that is
    the same for every row satisfies the bound. The paper's first choice is a posterior of independent latents under an
    autoregressive prior, for sequences; here latents are independent under both.

    Attributes
    ----------
    n_components_, n_features_in_, feature_names_in_, scale_, scaler_, net_
        As in `LIDVAE`.
    interrupted_, converged_, n_iter_, lower_bound_
        As in `LIDVAE`. There is no certificate.

    References
    ----------
    Razavi, van den Oord, Poole & Vinyals, "Preventing Posterior Collapse with delta-VAEs", ICLR 2019.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklid.baselines import DeltaVAE
    >>> X = load_iris().data
    >>> DeltaVAE(n_components=2, max_epochs=20, random_state=0).fit_transform(X).shape
    (150, 2)
    """

    delta: float = parameter(
        default=0.1,
        kind="float",
        text="The least divergence of each latent variable from the prior, in nats.",
        constraint=POSITIVE_REAL,
        shapes_model=True,
    )

    def _gaussian(self, n_inputs: int, n_components: int, depth: int, width: int, **options: Any) -> CommittedPosterior:
        return CommittedPosterior(n_inputs, n_components, self.delta, depth=depth, width=width, **options)
