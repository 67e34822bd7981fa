r"""The classical counterpart of `LIDSVAE`: the same model with a decoder that nothing constrains.

.. math:: z \sim N(0, I_K), \qquad p(x \mid z) = \prod_t Cat(x_t \mid \operatorname{softmax}(W s_t + b)), \qquad
    s_t = RNN(x_{<t}, z)

A recurrent network that predicts each word from those before it can do without z, and then its posterior collapses.
"""

from ..estimators.declaration import parameter, with_parameters
from ..estimators.objective import DivergenceWeight
from ..estimators.sequences import SequenceEstimator
from ..nn.sequences import PlainSequenceDecoder, RecurrentStates
from ..validation import StrOptions

__all__ = ["PlainSequences", "SequentialVAE"]


@with_parameters
class PlainSequences(SequenceEstimator):
    """Base of `SequentialVAE` and its descendants; not for direct use."""

    encoder: str = parameter(
        default="rnn",
        kind='{"rnn", "bow", "both"}',
        text="What the posterior sees of a document: the words in their order, by a recurrent network; how often each "
        "is in it, as in `LIDSVAE`; or both.",
        constraint=[StrOptions({"bow", "rnn", "both"})],
        shapes_model=True,
    )

    def _decoder(self, states: RecurrentStates, n_words: int) -> PlainSequenceDecoder:
        return PlainSequenceDecoder(states, n_words, self.hidden_size)


@with_parameters
class SequentialVAE(DivergenceWeight, PlainSequences):
    r"""Classical sequential variational autoencoder, the baseline of `LIDSVAE`.

    .. math:: z \sim N(0, I_K), \qquad p(x \mid z) = \prod_t Cat(x_t \mid \operatorname{softmax}(W s_t + b))

    The latent variable stands beside every word and in the first state. Its encoder is by default the usual one, a
    recurrent network; ``encoder="bow"`` is that of `LIDSVAE`, and then the decoder alone differs. ``kl_warmup`` is the
    annealing of the divergence.

    Attributes
    ----------
    vocabulary_, n_components_, net_, interrupted_, converged_, n_iter_, lower_bound_
        As in `LIDSVAE`. There is no certificate.

    References
    ----------
    Bowman, Vilnis, Vinyals, Dai, Jozefowicz & Bengio, "Generating Sentences from a Continuous Space", CoNLL 2016.

    Examples
    --------
    >>> from sklid.baselines import SequentialVAE
    >>> texts = [f"the {animal} sees the {thing} ." for animal in ("cat", "dog", "cow") for thing in ("sun", "sea")]
    >>> told = {"hidden_size": 16, "embedding_size": 8, "learning_rate": 1e-2, "random_state": 0}
    >>> model = SequentialVAE(n_components=2, encoder="bow", kl_weight=0.1, **told)  # else its latents collapse
    >>> model.fit(texts * 20).transform(["the cat sees the sea ."]).shape
    (1, 2)
    """
