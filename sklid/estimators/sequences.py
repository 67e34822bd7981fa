r"""What the estimators of documents share: their parameters, and how these become a model.

.. math:: z \sim N(0, I_K), \qquad p(x \mid z) = \prod_t Cat(x_t \mid \operatorname{softmax} \eta_t(z, x_{<t}))
"""

import math
from collections.abc import Callable, Iterable
from numbers import Real
from typing import Any, Self

import torch
from torch import nn

from ..data.corpus import CorpusAdapter
from ..data.documents import Documents
from ..data.vocabulary import Vocabulary
from ..nn import StandardNormal
from ..nn.sequences import DocumentPosterior, RecurrentStates, SequenceDecoder, SequenceModel
from ..surroundings import making_modules
from ..validation import POSITIVE_INTEGER, Interval, RealNotInt, StrOptions, fit_context
from .declaration import architecture, parameter, with_parameters
from .text_answers import TextAnswersMixin
from .trained import TrainedEstimator

__all__ = ["SequenceEstimator"]

MOST_INITIAL_ROWS = 10_000
MOST_LATENTS, LARGEST_SHARE = 32, 0.75
SHARE = [Interval(Real, 0, 1, closed="left")]


@with_parameters
class TextParameters:
    """Words, latents, networks, and a training that suits them."""

    n_components: int | None = parameter(
        default=None,
        kind="int",
        text="Latent dimension K. None takes 32, or three quarters of the number of words less one, rounded up, if "
        "these are fewer.",
        constraint=[None, *POSITIVE_INTEGER],
        kw_only=False,
        shapes_model=True,
    )
    tokenizer: Callable[[str], list[str]] | None = parameter(
        default=None,
        kind="callable or tokenizers.Tokenizer",
        text="From a string to the list of its words. None takes words, with what an apostrophe joins, and each mark "
        "by itself. Documents may also be rows of whole numbers, which are words themselves.",
        constraint="no_validation",
        shapes_model=True,
    )
    lowercase: bool = parameter(
        default=True, kind="bool", text="Whether strings are put in lower case.", constraint=["boolean"],
        shapes_model=True,
    )  # fmt: skip
    max_features: int | None = parameter(
        default=10_000,
        kind="int",
        text="Words in the vocabulary at most, the most common ones. All others are one unknown word.",
        constraint=[None, *POSITIVE_INTEGER],
        shapes_model=True,
    )
    min_df: float = parameter(
        default=1,
        kind="int or float",
        text="Least number of documents with a word of the vocabulary; or, as a float, their least share.",
        constraint=[*POSITIVE_INTEGER, Interval(RealNotInt, 0, 1, closed="both")],
        shapes_model=True,
    )
    max_length: int | None = parameter(
        default=100,
        kind="int",
        text="Words of a document at most: what follows is cut off, its end included. None reads all; a batch takes "
        "the memory of its longest document times the words of the vocabulary.",
        constraint=[None, *POSITIVE_INTEGER],
        shapes_model=True,
    )
    encoder: str = parameter(
        default="bow",
        kind='{"bow", "rnn", "both"}',
        text="What the posterior sees of a document: how often each word is in it, from which a linear map begins at "
        "the principal components; the words in their order, by a recurrent network; or both.",
        constraint=[StrOptions({"bow", "rnn", "both"})],
        shapes_model=True,
    )
    rnn: str = parameter(
        default="lstm", kind='{"lstm", "gru"}', text="Recurrent networks.", constraint=[StrOptions({"lstm", "gru"})],
        shapes_model=True,
    )  # fmt: skip
    hidden_size: int = parameter(
        default=256, kind="int", text="Numbers of their state, H.", constraint=POSITIVE_INTEGER, shapes_model=True
    )
    embedding_size: int = parameter(
        default=128, kind="int", text="Numbers that stand for a word.", constraint=POSITIVE_INTEGER, shapes_model=True
    )
    dropout: float = parameter(
        default=0.2,
        kind="float",
        text="Share of the numbers of words and states that are left out in training.",
        constraint=SHARE,
        shapes_model=True,
    )
    word_dropout: float = parameter(
        default=0.0,
        kind="float",
        text="Share of the words before that training shows as unknown, so that more is left to the latent variable; "
        "it costs likelihood.",
        constraint=SHARE,
        shapes_model=True,
    )
    beam_size: int = parameter(
        default=1,
        kind="int",
        text="Documents that a search goes on with in `predict` and `inverse_transform`; 1 takes the most probable "
        "word each time.",
        constraint=POSITIVE_INTEGER,
    )
    n_importance_samples: int = parameter(
        default=100, kind="int", text="Draws per document in `score_samples`.", constraint=POSITIVE_INTEGER
    )
    max_epochs: int = parameter(default=20, kind="int", text="Passes over the documents.", constraint=POSITIVE_INTEGER)
    batch_size: int = parameter(
        default=64, kind="int", text="Documents of a step, of like lengths.", constraint=POSITIVE_INTEGER
    )


class SequenceEstimator(TextAnswersMixin, TrainedEstimator, TextParameters):
    """Base of `LIDSVAE` and `SequentialVAE`; not for direct use."""

    _warning_names_cause = False  # to look for it would take longer than the training

    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X: Iterable[Any], y: object = None) -> Self:
        """Learn the words, and fit the model by maximising the evidence lower bound.

        Parameters
        ----------
        X : iterable of str, of lists of words, or of rows of whole numbers
            Documents, at least two. It is gone through once, so it may be a generator; the numbers of many words are
            kept in a temporary file. Numbers from 0 on are words themselves, and a row may end in negative ones as
            padding.
        y : ignored

        Returns
        -------
        self

        Raises
        ------
        TypeError
            If a document is neither a string nor a row of whole numbers.
        ValueError
            If there are fewer than two documents, or none has a word that is common enough, a negative number stands
            before a word, `n_components` is too large for the number of words, or the device is missing.

        Warns
        -----
        CollapseWarning
            If the posterior of some latent does not depend on the documents.
        ConvergenceWarning
            If the training diverges, and again at a tenth of the learning rate.
        """
        return self._fitted(X)

    @fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X: Iterable[Any], y: object = None) -> Self:
        """Train for one epoch on some documents, at a constant learning rate; the first call learns the words.

        Parameters
        ----------
        X : iterable of str, of lists of words, or of rows of whole numbers
            In the first call at least ``n_components + 1``.
        y : ignored

        Returns
        -------
        self

        Raises
        ------
        TypeError, ValueError
            As `fit`, and if the first call has too few documents.
        """
        return self._fitted(X, incremental=True)

    def _decoder(self, states: RecurrentStates, n_words: int) -> SequenceDecoder:
        """The decoder, the one part in which the estimators must differ."""
        raise TypeError("SequenceEstimator has no decoder of its own; use LIDSVAE or SequentialVAE.")

    def _states(self, n_words: int, n_components: int) -> RecurrentStates:
        """A recurrent network of the estimator's parameters, told so many latents."""
        sizes = (n_words, n_components, self.embedding_size, self.hidden_size)
        return RecurrentStates(*sizes, self.rnn, self.dropout, self.word_dropout)

    def _adapter(self) -> CorpusAdapter:
        vocabulary = Vocabulary(self.tokenizer, self.lowercase, self.max_features, self.min_df, self.max_length)
        return CorpusAdapter(vocabulary)

    @making_modules()
    def _initialised(
        self, table: CorpusAdapter, X: Documents, seed: int, incremental: bool
    ) -> tuple[SequenceModel, Documents]:
        """An untrained model initialised at the documents, and the documents as it sees them."""
        self._seed, self._table, self._architecture = seed, table, architecture(self)
        n_words = len(table.vocabulary)
        self.n_components_ = self._number_of_latents(n_words)
        if incremental and len(X) <= self.n_components_:
            raise ValueError(
                "The first call of partial_fit initialises the model at its documents and needs at least n_components "
                f"+ 1 = {self.n_components_ + 1}, got {len(X)}. Pass more first, or lower n_components."
            )
        model = self._untrained(n_words)
        model.initialise(X[torch.randperm(len(X))[:MOST_INITIAL_ROWS]])
        return model, X

    def _untrained(self, n_words: int) -> SequenceModel:
        """The model of so many words, at random weights."""
        return self._assembled(self._decoder(self._states(n_words, self.n_components_), n_words), n_words)

    def _assembled(self, decoder: SequenceDecoder, n_words: int) -> SequenceModel:
        """The model of the estimator's parameters, at random weights."""
        return SequenceModel(StandardNormal(self.n_components_), decoder, self._posterior(n_words), n_words)

    def _number_of_latents(self, n_words: int) -> int:
        return self.n_components or min(MOST_LATENTS, math.ceil(LARGEST_SHARE * (n_words - 1)))

    def _posterior(self, n_words: int) -> DocumentPosterior:
        reader = None
        if self.encoder != "bow":
            sizes = (n_words, 0, self.embedding_size, self.hidden_size)
            reader = RecurrentStates(*sizes, self.rnn, self.dropout)
        return DocumentPosterior(n_words, self.n_components_, self.encoder != "rnn", reader, self.hidden_size)

    def _augmentation(self, table: CorpusAdapter) -> nn.Module | None:
        """The encoder sees the documents as they are."""
        return None
