"""Documents as rows of whole numbers: words, the end of the document, and padding up to the longest.

A word is its number in a vocabulary; the end is a word of its own, so that a model knows how long documents are. Rows
are floating-point numbers that hold these, as those of every other model here.
"""

from torch import Tensor

__all__ = ["END", "PADDING", "UNKNOWN", "bag_of_words", "is_token", "trimmed"]

END, UNKNOWN, PADDING = 0, 1, -1


def is_token(x: Tensor) -> Tensor:
    """Which places of rows hold a word or the end: ``(*, T)`` to booleans."""
    return x >= 0


def trimmed(x: Tensor) -> Tensor:
    """Rows without the padding that all of them share: ``(*, T) -> (*, T')``."""
    longest = int(is_token(x).sum(-1).max()) if x.numel() else 0
    return x[..., : max(1, longest)]


def bag_of_words(x: Tensor, n_words: int) -> Tensor:
    """How often each word occurs in a document, the end included: ``(*, T) -> (*, V)``."""
    counts = x.new_zeros(*x.shape[:-1], n_words)
    return counts.scatter_add(-1, x.clamp_min(0).long(), is_token(x).to(x.dtype))
