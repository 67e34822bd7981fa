"""What the classical models with one continuous latent share: a decoder that nothing constrains."""

from ..estimators.base import LatentVariableEstimator
from ..estimators.declaration import parameter, with_parameters
from ..nn import Likelihood, PlainDecoder
from ..validation import StrOptions

__all__ = ["ClassicalModel"]


@with_parameters
class ClassicalModel(LatentVariableEstimator):
    """Base of `VAE` and its descendants; not for direct use."""

    encoder: str = parameter(
        default="plain",
        kind='{"plain", "principal", "conv"}',
        text="The classical perceptron, initialised at random; "
        '"principal" and "conv" are those of `LIDVAE`, and then the decoder alone differs.',
        constraint=[StrOptions({"principal", "plain", "conv"})],
        shapes_model=True,
    )

    def _decoder(self, n_components: int, likelihood: Likelihood) -> PlainDecoder:
        size = (n_components, likelihood.n_parameters)
        return PlainDecoder(*size, self.decoder_depth, self.decoder_width, self._network(*size))
