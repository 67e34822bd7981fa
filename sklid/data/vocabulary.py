"""The words that a model of documents knows, and documents in their numbers.

The end of a document is number 0 and every word outside the vocabulary 1; the words follow, the most common first.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..nn.sequences import END, UNKNOWN
from .documents import Documents, DocumentWriter
from .splitter import UNKNOWN_WORD, splitter_of

__all__ = ["Vocabulary"]

FIRST = UNKNOWN + 1
"""Number of the most common word."""


class Vocabulary:
    """Words by their numbers.

    Parameters
    ----------
    tokenizer : None, callable or tokenizers.Tokenizer
        See `sklid.data.splitter`.
    lowercase : bool
        Whether strings are put in lower case first.
    max_features : int or None
        Most words to know.
    min_df : int or float
        Least number of documents with a word, or their least share.
    max_length : int or None
        Most words of a document; what follows is cut off, its end included.

    Attributes
    ----------
    words : list
        Strings, or whole numbers, in the order of their numbers from 2 on.
    """

    def __init__(
        self, tokenizer: Any, lowercase: bool, max_features: int | None, min_df: float, max_length: int | None
    ) -> None:
        self.splitter = splitter_of(tokenizer)
        self.lowercase = lowercase
        self.max_features = max_features
        self.min_df = min_df
        self.max_length = max_length
        self.words: list[Any] = []
        self._numbers: dict[Any, int] = {}

    def __len__(self) -> int:
        """V, the end and unknown words among them."""
        return FIRST + len(self.words)

    @property
    def holds_strings(self) -> bool:
        """Whether words are strings, and not whole numbers."""
        return isinstance(self.words[0], str)

    def learn(self, X: Iterable[Any]) -> Documents:
        """Choose the words of some documents, which are looked at once; the documents in their numbers.

        Raises
        ------
        ValueError
            If there are no documents, or none of their words is common enough.
        """
        found: dict[Any, int] = {}
        counts: Counter[int] = Counter()
        frequencies: Counter[int] = Counter()
        with DocumentWriter() as writer:
            for words, end in self._cut(X):
                numbers = [
                    UNKNOWN if word == UNKNOWN_WORD else FIRST + found.setdefault(word, len(found)) for word in words
                ]
                known = [number for number in numbers if number != UNKNOWN]
                counts.update(known)
                frequencies.update(set(known))
                writer.add([*numbers, *end])
            documents = writer.documents()
        chosen = self._chosen(counts, frequencies, len(documents))
        names = list(found)
        self.words = [names[number - FIRST] for number in chosen]
        self._numbers = {word: number for number, word in enumerate(self.words, FIRST)}
        return documents.renumbered(self._renumbering(chosen, len(found)))

    def numbered(self, X: Iterable[Any]) -> Documents:
        """Documents in the numbers of their words."""
        with DocumentWriter() as writer:
            for words, end in self._cut(X):
                writer.add([*(self._numbers.get(word, UNKNOWN) for word in words), *end])
            return writer.documents()

    def restored(self, rows: NDArray) -> list[Any]:
        """Documents of rows of numbers ``(n, T)``: strings, or lists of whole numbers if such were learned."""
        return [self._restored(row) for row in rows.astype(int)]

    def _chosen(self, counts: Counter[int], frequencies: Counter[int], n_documents: int) -> list[int]:
        """The words to know, the most common first."""
        least = self.min_df if isinstance(self.min_df, Integral) else self.min_df * n_documents
        chosen = [number for number, _ in counts.most_common() if frequencies[number] >= least][: self.max_features]
        if counts and not chosen:
            raise ValueError(f"No word is in min_df={self.min_df} of the documents or more. Lower min_df.")
        if n_documents and not counts:
            raise ValueError("The documents hold no words, so there is nothing to model.")
        return chosen

    def _restored(self, row: NDArray[np.integer]) -> Any:
        unknown = UNKNOWN_WORD if self.holds_strings else max(self.words) + 1
        words = [self.words[number - FIRST] if number >= FIRST else unknown for number in self._inside(row)]
        return self.splitter.join(words) if self.holds_strings else words

    def _inside(self, row: NDArray[np.integer]) -> NDArray[np.integer]:
        """The numbers before the end, or before padding."""
        ends = np.flatnonzero(row <= END)
        return row[: ends[0]] if len(ends) else row

    def _cut(self, X: Iterable[Any]) -> Iterator[tuple[Sequence[Any], list[int]]]:
        """The words of each document, and its end unless it is cut off."""
        holds_strings = self.holds_strings if self.words else None
        for position, document in enumerate(X):
            words = self._words(document, position)
            if len(words):
                holds_strings = self._checked_kind(words[0], holds_strings, document, position)
            kept = words[: self.max_length]
            yield kept, [END] if len(kept) == len(words) else []

    def _checked_kind(self, word: Any, holds_strings: bool | None, document: Any, position: int) -> bool:
        """Whether words are strings, as those before were."""
        if holds_strings not in (None, isinstance(word, str)):
            one, other = ("strings", "whole numbers") if holds_strings else ("whole numbers", "strings")
            raise TypeError(
                f"Document {position} is {_shown(document)}, whose words are {other}, and those of the documents "
                f"before, or of the fit, are {one}. Pass documents of one kind."
            )
        return isinstance(word, str)

    def _words(self, document: Any, position: int) -> Sequence[Any]:
        if isinstance(document, str):
            return self.splitter(document.lower() if self.lowercase else document)
        if isinstance(document, list | tuple) or hasattr(document, "__array__"):
            words = np.asarray(document)
            if words.ndim == 1 and words.dtype.kind in "iu":
                return self._unpadded(words, position)
            if words.ndim == 1 and all(isinstance(word, str) for word in document):
                self._check_words(document, position)
                return [word.lower() if self.lowercase else word for word in document]
        raise TypeError(
            f"Document {position} is {_shown(document)}, a {type(document).__name__}. A document is a string, a list "
            "of its words, or a row of whole numbers that are its words, which may end in negative ones as padding. "
            "Fill gaps with ''."
        )

    def _unpadded(self, words: NDArray[np.integer], position: int) -> list[int]:
        """The whole numbers before the negative ones that a row may end in."""
        words = words[: len(words) - _n_padding(words)]
        if (words < 0).any():
            raise ValueError(
                f"Document {position} holds {words[words < 0][0]} before its last word. Negative numbers are padding, "
                "which stands at the end of a row; a word is 0 or more."
            )
        return words.tolist()

    def _check_words(self, document: Any, position: int) -> None:
        """ValueError for a list that holds a whole document where its words should be."""
        if len(document) == 1 and len(str(document[0]).split()) > 1:
            raise ValueError(
                f"Document {position} is {_shown(document)}, a list of one word with spaces in it. A list is a "
                "document that is split into words; pass the string itself."
            )

    def _renumbering(self, chosen: list[int], n_found: int) -> NDArray[np.int32]:
        by = np.full(FIRST + n_found, UNKNOWN, np.int32)
        by[END] = END
        by[chosen] = np.arange(FIRST, FIRST + len(chosen))
        return by


def _n_padding(words: NDArray[np.integer]) -> int:
    """How many negative numbers a row ends in."""
    return len(words) - int((np.flatnonzero(words >= 0)[-1] + 1) if (words >= 0).any() else 0)


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 40 else text[:37] + "..."
