r"""What a fitted estimator of documents answers: embeddings, documents of latents, scores in nats and per word.

.. math:: \text{perplexity} = \exp\Big( -\frac{\sum_n \log p(x_n)}{\sum_n T_n} \Big)

with T_n the words of a document, its end among them.
"""

from collections.abc import Iterable, Iterator
from numbers import Integral, Real
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import check_scalar
from sklearn.utils.validation import check_is_fitted
from torch import Tensor
from torch.distributions import Distribution

from ..data.blocks import tensor_of
from ..nn.draws import Draws
from ..nn.sequences import drawn, most_probable
from ..randomness import RowNoise, seed_of
from ..surroundings import without_gradients
from ..validation import checked_size
from .answers import AnswersMixin

__all__ = ["TextAnswersMixin"]

LONGEST = 1_000
"""Words of a generated document where `max_length` sets no limit."""


class DocumentNoise(RowNoise):
    """Noise that depends on a document's words, and on no padding."""

    @classmethod
    def set_of_rows(cls, x: Tensor) -> NDArray[np.int64]:
        """The number of each document's noise set: padding is 0 here, which adds nothing."""
        return super().set_of_rows(x + 1)


class TextAnswersMixin(AnswersMixin):
    """Documents of an estimator with a net and a corpus adapter."""

    beam_size: int
    max_length: int | None
    _row_noise = DocumentNoise

    @property
    def vocabulary_(self) -> list[Any]:
        check_is_fitted(self)
        return list(self._table.vocabulary.words)

    def transform(self, X: Iterable[Any]) -> NDArray[np.float32]:
        """Embedding of documents: the posterior mean of the latent, E[z | x].

        Parameters
        ----------
        X : iterable of str, of lists of words, or of rows of whole numbers
            A document of unknown words alone, and an empty one, have embeddings, too. Of one longer than `max_length`
            the words after that, and its end, are not seen.

        Returns
        -------
        Z : float32 array of shape (n_documents, n_components)
            In standard deviations of the prior.
        """
        return super().transform(X)

    def fit_transform(self, X: Iterable[Any], y: object = None) -> NDArray[np.float32]:
        """Embedding of the documents that the model is fitted to; those of a generator are kept for it.

        Parameters
        ----------
        X : iterable of str, of lists of words, or of rows of whole numbers
        y : ignored

        Returns
        -------
        Z : float32 array of shape (n_documents, n_components)
        """
        X = list(X) if isinstance(X, Iterator) else X
        return self.fit(X, y).transform(X)  # type: ignore[attr-defined]

    def encode(self, X: Iterable[Any]) -> Distribution:
        """The posterior q(z | x) of every document, for the uncertainty beside the mean.

        Parameters
        ----------
        X : iterable of str, of lists of words, or of rows of whole numbers

        Returns
        -------
        q : torch.distributions.Distribution
            Of batch shape ``(n_documents,)`` and event shape ``(n_components,)``.
        """
        return super().encode(X)

    def score_samples(self, X: Iterable[Any]) -> NDArray[np.float32]:
        """Log-probability of each document in nats: the importance-weighted bound with `n_importance_samples` draws.

        Parameters
        ----------
        X : iterable of str, of lists of words, or of rows of whole numbers

        Returns
        -------
        log_likelihood : float32 array of shape (n_documents,)

        References
        ----------
        Burda, Grosse & Salakhutdinov, "Importance Weighted Autoencoders", ICLR 2016, equation 8.
        """
        return super().score_samples(X)

    def score(self, X: Iterable[Any], y: object = None, sample_weight: ArrayLike | None = None) -> float:
        """Mean log-probability of documents, in nats.

        Parameters
        ----------
        X : iterable of str, of lists of words, or of rows of whole numbers
        y : ignored
        sample_weight : array-like of shape (n_documents,), optional
            Non-negative.

        Returns
        -------
        score : float
        """
        return super().score(X, y, sample_weight)

    def predict(self, X: Iterable[Any]) -> list[Any]:
        """Reconstruction of documents: the one of highest probability that a search finds at their embedding.

        Parameters
        ----------
        X : iterable of str, of lists of words, or of rows of whole numbers

        Returns
        -------
        documents : list of str, or of lists of int if the model was fitted to such
        """
        return self._decoded(self.transform(X))

    def inverse_transform(self, Z: ArrayLike) -> list[Any]:
        """Documents of latents: those of highest probability that a search with `beam_size` finds.

        Parameters
        ----------
        Z : array-like of shape (n_documents, n_components)

        Returns
        -------
        documents : list of str, or of lists of int if the model was fitted to such

        Raises
        ------
        ValueError
            If Z has another number of columns than `n_components_`.
        """
        return self._decoded(self._checked_latents(Z))

    def interpolate(self, first: Any, second: Any, n: int = 5) -> list[Any]:
        """Documents on the straight line between the embeddings of two, the reconstructions of both among them.

        Parameters
        ----------
        first, second : str, list of words, or row of whole numbers
        n : int, default=5
            At least 2.

        Returns
        -------
        documents : list of str, or of lists of int if the model was fitted to such

        Raises
        ------
        ValueError
            If `n` is less than 2.
        """
        check_scalar(n, "n", Integral, min_val=2)
        start, end = self.transform([first, second])
        shares = np.linspace(0, 1, n, dtype=np.float32)[:, None]
        return self._decoded((1 - shares) * start + shares * end)

    def sample(self, n_samples: int = 1, temperature: float = 1.0) -> list[Any]:
        """Documents drawn from the model.

        Parameters
        ----------
        n_samples : int, default=1
        temperature : float, default=1.0
            Above 0. Below 1 probable words are drawn more often than the model has them.

        Returns
        -------
        documents : list of str, or of lists of int if the model was fitted to such
            The same at each call when `random_state` is an integer. Words outside the vocabulary are ``<unk>``, or the
            number after the greatest that is known; both are read as unknown words again.

        Raises
        ------
        ValueError
            If `n_samples` is not a whole number of at least 1, or the temperature is not finite and above 0.
        """
        check_scalar(temperature, "temperature", Real, min_val=0, include_boundaries="neither")
        if not np.isfinite(temperature):
            raise ValueError(f"temperature={temperature} must be a finite number.")
        n_samples, inference = checked_size(n_samples), self._inference()
        with Draws(seed_of(self.random_state)), torch.no_grad():
            z = inference.model.prior().sample(torch.Size([n_samples]))
            rows = drawn(inference.model.decoder, z, self._longest(), temperature)
        return self._table.restored(rows)

    def perplexity(self, X: Iterable[Any]) -> float:
        """Perplexity per word, the end of each document counted as one, unless it is cut off at `max_length`.

        Parameters
        ----------
        X : iterable of str, of lists of words, or of rows of whole numbers

        Returns
        -------
        perplexity : float
            1 or more; as many equally probable words would be as hard to guess. Unknown words count as one word, so
            those of different vocabularies do not compare.
        """
        documents = self._checked(X)
        log_likelihood = self._inference().log_likelihoods(documents).sum()
        return float(np.exp(-log_likelihood / documents.lengths.sum()))

    @without_gradients()
    def _decoded(self, Z: NDArray[np.floating]) -> list[Any]:
        model = self._inference().model
        parts = tensor_of(np.asarray(Z, np.float32)).split(256)
        device = next(model.parameters()).device
        return [
            document
            for z in parts
            for document in self._table.restored(
                most_probable(model.decoder, z.to(device), self._longest(), self.beam_size)
            )
        ]

    def _longest(self) -> int:
        return LONGEST if self.max_length is None else self.max_length

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.string, tags.input_tags.two_d_array = True, False
        return tags
