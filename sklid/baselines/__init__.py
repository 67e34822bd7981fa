"""Models to compare with, each with the parameters, questions and metrics of the estimator it is the counterpart of."""

from .beta_vae import BetaVAE
from .bn_vae import BNVAE
from .delta_vae import DeltaVAE
from .free_bits_vae import FreeBitsVAE
from .gmvae import GMVAE
from .lagging_vae import LaggingVAE
from .language_model import LanguageModel
from .semi_amortized_vae import SemiAmortizedVAE
from .sequential_competitors import (
    SequentialBetaVAE,
    SequentialFreeBitsVAE,
    SequentialLaggingVAE,
    SequentialSemiAmortizedVAE,
)
from .sequential_vae import SequentialVAE
from .skip_vae import SkipVAE
from .vae import VAE

__all__ = [
    "BNVAE",
    "GMVAE",
    "VAE",
    "BetaVAE",
    "DeltaVAE",
    "FreeBitsVAE",
    "LaggingVAE",
    "LanguageModel",
    "SemiAmortizedVAE",
    "SequentialBetaVAE",
    "SequentialFreeBitsVAE",
    "SequentialLaggingVAE",
    "SequentialSemiAmortizedVAE",
    "SequentialVAE",
    "SkipVAE",
]
