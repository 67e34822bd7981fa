"""Which of the values that were seen are hidden, to find out how well a model fills them.

They are hidden as values are missing: rows lack for a while what other rows of the table lack, so that a model which
fills whole blocks well is told from one that fills single gaps. Tables with few gaps have single values hidden besides.
"""

import numpy as np
from numpy.typing import NDArray

__all__ = ["hidden_values"]


def hidden_values(seen: NDArray[np.bool_], share: float, random: np.random.Generator) -> NDArray[np.bool_]:
    """About a share of the values seen, at least one, and never all of a column or the last of a row.

    Where all values stand alone in their rows, one is that; where they do so in their columns none is hidden.

    Parameters
    ----------
    seen : array of shape (n_samples, n_features)
        Each row and each column has some.
    share : float
        Between 0 and 1.
    random : Generator
    """
    hidden = seen & _like_gaps(seen, share, random)
    order = np.where(seen & ~hidden, random.random(seen.shape), -1.0)
    n_more = max(int(share * seen.sum()) - int(hidden.sum()), 0)
    hidden.ravel()[np.argsort(-order, axis=None, kind="stable")[:n_more]] = True
    last = np.where(seen, random.random(seen.shape), -1.0).argmax(axis=1)
    bare = (hidden | ~seen).all(axis=1)
    hidden[np.flatnonzero(bare), last[bare]] = False
    for column in np.flatnonzero((hidden | ~seen).all(axis=0)):
        hidden[np.flatnonzero(seen[:, column])[0], column] = False
    if not hidden.any():
        spare = seen & (seen.sum(axis=0) > 1)
        in_rows = spare & (seen.sum(axis=1, keepdims=True) > 1)
        spare = in_rows if in_rows.any() else spare
        hidden |= spare & (order == np.where(spare, order, np.inf).min())
    return hidden


def _like_gaps(seen: NDArray[np.bool_], share: float, random: np.random.Generator) -> NDArray[np.bool_]:
    """In rows in random order, what rows drawn at random lack, until so many values are hidden as are to be."""
    lacking = np.flatnonzero(~seen.all(axis=1))
    hidden = np.zeros_like(seen)
    if len(lacking):
        order = random.permutation(len(seen))
        hidden[order] = ~seen[random.choice(lacking, len(seen))]
        so_far = np.cumsum((hidden & seen).sum(axis=1)[order])
        hidden[order[so_far > share * seen.sum()]] = False
    return hidden
