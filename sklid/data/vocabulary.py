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
from .splitter import splitter_of

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
                numbers = [FIRST + found.setdefault(word, len(found)) for word in words]
                counts.update(numbers)
                frequencies.update(set(numbers))
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
        words = [self.words[number - FIRST] if number >= FIRST else None for number in self._inside(row)]
        if self.words and isinstance(self.words[0], str):
            return self.splitter.join(["<unk>" if word is None else word for word in words])
        return [-1 if word is None else word for word in words]

    def _inside(self, row: NDArray[np.integer]) -> NDArray[np.integer]:
        """The numbers before the end, or before padding."""
        ends = np.flatnonzero(row <= END)
        return row[: ends[0]] if len(ends) else row

    def _cut(self, X: Iterable[Any]) -> Iterator[tuple[Sequence[Any], list[int]]]:
        """The words of each document, and its end unless it is cut off."""
        for position, document in enumerate(X):
            words = self._words(document, position)
            kept = words[: self.max_length]
            yield kept, [END] if len(kept) == len(words) else []

    def _words(self, document: Any, position: int) -> Sequence[Any]:
        if isinstance(document, str):
            return self.splitter(document.lower() if self.lowercase else document)
        if isinstance(document, list | tuple) or hasattr(document, "__array__"):
            words = np.asarray(document)
            if words.ndim == 1 and words.dtype.kind in "iu":
                return words[: len(words) - _n_padding(words)].tolist()
            if words.ndim == 1 and all(isinstance(word, str) for word in document):
                return [word.lower() if self.lowercase else word for word in document]
        raise TypeError(
            f"Document {position} is {_shown(document)}, a {type(document).__name__}. A document is a string, a list "
            "of its words, or a row of whole numbers that are its words, which may end in negative ones as padding. "
            "Fill gaps with ''."
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
