r"""The classical counterpart: the same model with an unconstrained decoder.

.. math:: z \sim N(0, I_K), \qquad x \mid z \sim EF(x \mid MLP(z))

Nothing keeps a perceptron from ignoring z, so its posterior may collapse to the prior. Prior, likelihood, encoder,
objective and training are those of `LIDVAE`; the decoder differs, and by default the encoder is the classical
perceptron, where that of `LIDVAE` starts at the principal components. ``VAE(encoder="principal")`` and
``LIDVAE(encoder="plain")`` differ from the other in the decoder alone.
"""

from ..estimators.declaration import with_parameters
from ..estimators.objective import DivergenceWeight
from .classical import ClassicalModel

__all__ = ["VAE"]


@with_parameters
class VAE(DivergenceWeight, ClassicalModel):
    r"""Classical variational autoencoder, the baseline of `LIDVAE`.

    .. math:: z \sim N(0, I_K), \qquad x \mid z \sim EF(x \mid MLP(z))

    Attributes
    ----------
    n_components_, n_features_in_, feature_names_in_, scale_, scaler_, net_
        As in `LIDVAE`.
    interrupted_, converged_, n_iter_, lower_bound_
        As in `LIDVAE`. There is no certificate.

    References
    ----------
    Kingma & Welling, "Auto-Encoding Variational Bayes", ICLR 2014.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklid.baselines import VAE
    >>> X = load_iris().data
    >>> VAE(n_components=2, max_epochs=20, random_state=0).fit_transform(X).shape
    (150, 2)
    """
