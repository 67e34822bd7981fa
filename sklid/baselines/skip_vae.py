r"""A classical autoencoder whose decoder sees the latent variables in every layer.

.. math:: h_{l + 1} = s(A_{l + 1} h_l + C_{l + 1} z + b_{l + 1})
"""

from ..estimators.declaration import with_parameters
from ..nn import Likelihood, PlainDecoder
from ..nn.skip import SkipPerceptron
from .vae import VAE

__all__ = ["SkipVAE"]


@with_parameters
class SkipVAE(VAE):
    r"""SKIP-VAE: a `VAE` with connections from the latent variables to every layer of the decoder.

    .. math:: h_{l + 1} = s(A_{l + 1} h_l + C_{l + 1} z + b_{l + 1})

    The latent variables reach the data through few layers, so a deep decoder is less likely to ignore them. With one
    hidden layer there is one connection, to the outputs. `decoder_network` is not taken: it would be another decoder.

    Attributes
    ----------
    n_components_, n_features_in_, feature_names_in_, scale_, scaler_, net_
        As in `LIDVAE`.
    interrupted_, converged_, n_iter_, lower_bound_
        As in `LIDVAE`. There is no certificate.

    References
    ----------
    Dieng, Kim, Rush & Blei, "Avoiding Latent Variable Collapse with Generative Skip Models", AISTATS 2019.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklid.baselines import SkipVAE
    >>> X = load_iris().data
    >>> SkipVAE(n_components=2, max_epochs=20, random_state=0).fit_transform(X).shape
    (150, 2)
    """

    def _decoder(self, n_components: int, likelihood: Likelihood) -> PlainDecoder:
        if self.decoder_network is not None:
            raise ValueError(
                "SkipVAE has a decoder of its own, and decoder_network makes another. Leave it at None, or use VAE."
            )
        size = (n_components, likelihood.n_parameters)
        return PlainDecoder(*size, network=SkipPerceptron(*size, self.decoder_depth, self.decoder_width))
