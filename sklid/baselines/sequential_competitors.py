"""The methods against collapse, on documents: each a `SequentialVAE` that differs in the part of its namesake."""

from ..estimators.declaration import with_parameters
from ..nn import StandardNormal
from ..nn.sequences import SequenceDecoder
from ..nn.sequences.refined import RefinedSequenceModel
from .beta_vae import BetaWeight
from .free_bits_vae import FreeBits
from .lagging_vae import Lagging
from .semi_amortized_vae import SemiAmortized
from .sequential_vae import PlainSequences, SequentialVAE

__all__ = ["SequentialBetaVAE", "SequentialFreeBitsVAE", "SequentialLaggingVAE", "SequentialSemiAmortizedVAE"]


@with_parameters
class SequentialBetaVAE(BetaWeight, PlainSequences):
    """`SequentialVAE` with another weight of the divergence; see `BetaVAE`.

    Attributes
    ----------
    vocabulary_, n_components_, net_, interrupted_, converged_, n_iter_, lower_bound_
        As in `LIDSVAE`; the bound is the weighted one.

    References
    ----------
    As of `BetaVAE` and `SequentialVAE`.
    """


@with_parameters
class SequentialFreeBitsVAE(FreeBits, SequentialVAE):
    """`SequentialVAE` trained with free bits; see `FreeBitsVAE`.

    Attributes
    ----------
    vocabulary_, n_components_, net_, interrupted_, converged_, n_iter_, lower_bound_
        As in `LIDSVAE`.

    References
    ----------
    As of `FreeBitsVAE` and `SequentialVAE`.
    """


@with_parameters
class SequentialLaggingVAE(Lagging, SequentialVAE):
    """`SequentialVAE` whose encoder is trained ahead of its decoder at first; see `LaggingVAE`.

    Attributes
    ----------
    vocabulary_, n_components_, net_, interrupted_, converged_, n_iter_, lower_bound_
        As in `LIDSVAE`.
    encoder_ahead_ : bool
        As in `LaggingVAE`.

    References
    ----------
    As of `LaggingVAE` and `SequentialVAE`.
    """


@with_parameters
class SequentialSemiAmortizedVAE(SemiAmortized, SequentialVAE):
    """`SequentialVAE` whose posterior is refined for each document; see `SemiAmortizedVAE`.

    Attributes
    ----------
    vocabulary_, n_components_, net_, interrupted_, converged_, n_iter_, lower_bound_
        As in `LIDSVAE`.

    References
    ----------
    As of `SemiAmortizedVAE` and `SequentialVAE`.
    """

    def _assembled(self, decoder: SequenceDecoder, n_words: int) -> RefinedSequenceModel:
        prior = StandardNormal(self.n_components_)
        return RefinedSequenceModel(prior, decoder, self._posterior(n_words), n_words).refine(self._refinement())
