"""The border between a user's documents and a model: what is let in, in which numbers a model sees it, the way back."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .documents import Documents
from .vocabulary import Vocabulary

__all__ = ["CorpusAdapter"]

MOST_KEYS = 5


class CorpusAdapter:
    """Documents' checks, and the rows of numbers that a model makes of them; beside `TableAdapter`.

    Parameters
    ----------
    vocabulary : Vocabulary
        Learns its words from the first documents that are let in to be learned.
    """

    log_volume = 0.0  # in nats, of rows of numbers that are words

    def __init__(self, vocabulary: Vocabulary) -> None:
        self.vocabulary = vocabulary

    def checked(self, estimator: Any, X: Iterable[Any], reset: bool = False, ensure_min_samples: int = 1) -> Documents:
        """Documents in the numbers of their words, which are learned with ``reset=True``.

        Raises
        ------
        TypeError
            If X is no collection, or holds what is no document.
        ValueError
            If X is one string or a table of several columns, or holds too few documents.
        """
        name = type(estimator).__name__
        _refuse_one_document(name, X)
        if isinstance(X, np.ma.MaskedArray) and np.ma.is_masked(X):
            raise ValueError("X is a masked array, and numpy forgets masks on the way. Pass X.filled(-1).")
        if hasattr(X, "to_pylist"):  # of Arrow
            X = X.to_pylist()
        if len(getattr(X, "shape", ())) == 2 and (hasattr(X, "columns") or np.asarray(X).dtype.kind not in "iu"):
            raise ValueError(
                f"{name} takes an iterable of documents, and X is a table of shape {X.shape}. Pass one column of it, "
                "or an array of whole numbers whose rows are documents."
            )
        if not hasattr(X, "__iter__"):
            raise TypeError(f"{name} takes an iterable of documents, and X is {X!r}, a {type(X).__name__}.")
        documents = self.vocabulary.learn(X) if reset else self.vocabulary.numbered(X)
        if len(documents) < ensure_min_samples:
            raise ValueError(
                f"Found {len(documents)} document(s) while a minimum of {ensure_min_samples} is required by {name}. "
                "Pass more of them; a generator that was gone through is empty."
            )
        return documents

    def log_volumes(self, X: NDArray) -> float:
        """Words have no units."""
        return self.log_volume

    def rows(self, X: NDArray) -> Tensor:
        """Rows of numbers as the model sees them."""
        return torch.from_numpy(X)

    def training_rows(self, X: Documents) -> Documents:
        """Documents as training sees them."""
        return X

    def restored(self, rows: Tensor) -> list[Any]:
        """Documents of rows of numbers."""
        return self.vocabulary.restored(rows.cpu().numpy())


def _refuse_one_document(name: str, X: Any) -> None:
    """An error for what is no collection of documents, though it can be gone through."""
    if isinstance(X, str) or (isinstance(X, np.ndarray) and not X.ndim):
        raise ValueError(f"{name} takes an iterable of documents, and X is a single one. Pass [X].")
    if isinstance(X, bytes):
        raise ValueError(f"{name} takes an iterable of documents, and X is bytes. Pass [X.decode()].")
    if isinstance(X, Mapping):
        raise TypeError(
            f"{name} takes an iterable of documents, and X is a {type(X).__name__} with the keys "
            f"{', '.join(map(repr, list(X)[:MOST_KEYS]))}. Pass one of its values."
        )
