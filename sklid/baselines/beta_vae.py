r"""A classical autoencoder whose divergence counts less, or more, than its bound says.

.. math:: E_q[\log p(x \mid z)] - \beta \, KL(q(z \mid x) \| p(z))
"""

from ..estimators.declaration import parameter, with_parameters
from ..validation import NON_NEGATIVE
from .classical import ClassicalModel

__all__ = ["BetaVAE", "BetaWeight"]


@with_parameters
class BetaWeight:
    """The weight of the divergence, by the name that its method has."""

    beta: float = parameter(
        default=0.2, kind="float", text="Weight of the divergence in the bound.", constraint=NON_NEGATIVE
    )

    def _divergence_weight(self) -> float:
        return self.beta


@with_parameters
class BetaVAE(BetaWeight, ClassicalModel):
    r"""beta-VAE: a `VAE` that maximises its bound with another weight on the divergence.

    .. math:: E_q[\log p(x \mid z)] - \beta \, KL(q(z \mid x) \| p(z))

    Below 1 the latent variables are used more than the bound asks for, at the price of a posterior that strays from the
    prior; Higgins et al. use weights above 1, to part factors of variation. ``VAE(kl_weight=beta)`` is the same model.

    Attributes
    ----------
    n_components_, n_features_in_, feature_names_in_, scale_, scaler_, net_
        As in `LIDVAE`.
    interrupted_, converged_, n_iter_, lower_bound_
        As in `LIDVAE`; the bound is the weighted one. There is no certificate.

    References
    ----------
    Higgins, Matthey, Pal, Burgess, Glorot, Botvinick, Mohamed & Lerchner, "beta-VAE: Learning Basic Visual Concepts
    with a Constrained Variational Framework", ICLR 2017, equation 4.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklid.baselines import BetaVAE
    >>> X = load_iris().data
    >>> BetaVAE(n_components=2, max_epochs=20, random_state=0).fit_transform(X).shape
    (150, 2)
    """
