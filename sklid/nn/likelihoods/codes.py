r"""Codes of categories in columns: the greatest of each, and how often each was seen.

.. math:: n_{jv} = \#\{i : x_{ij} = v\}, \qquad v = 0, .., V_j - 1
"""

from collections.abc import Iterable

import torch
from torch import Tensor, nn

__all__ = ["MOST_CATEGORIES", "code_counts", "largest_codes"]

MOST_CATEGORIES = 4096
"""Of a column: a row has as many numbers for it, and the basis of the logits of categories is as large a square."""


def largest_codes(block: Tensor, name: str) -> Tensor:
    """The greatest code of each column, 0 where none was seen: ``(N, P) -> (P,)``.

    Parameters
    ----------
    block : Tensor of shape (N, P)
        Whole numbers, or NaN for a value that was not seen.
    name : str
        Of the likelihood, for the error message.

    Raises
    ------
    ValueError
        If a column has codes beyond the categories that it may have.
    """
    largest = torch.where(block.isnan(), 0.0, block).amax(0)
    if largest.max() >= MOST_CATEGORIES:
        column = int(largest.argmax())
        raise ValueError(
            f'likelihood="{name}" takes codes 0 .. V - 1, and column {column} holds the code '
            f"{largest[column]:.0f}, beyond the {MOST_CATEGORIES} categories that a column may have. If codes are "
            "identifiers, number those that occur with sklearn.preprocessing.OrdinalEncoder, or leave the column "
            "out."
        )
    return largest


def code_counts(blocks: Iterable[Tensor], name: str) -> Tensor:
    """How often each code was seen in each column: blocks ``(N, P)`` to counts ``(P, V)``, with `name` as above.

    Raises
    ------
    ValueError
        As `largest_codes`.
    """
    counts = torch.zeros(1, 0, dtype=torch.long)
    for block in blocks:
        width, columns = int(largest_codes(block, name).max()) + 1, torch.arange(block.shape[1])
        places = (columns * width + torch.where(block.isnan(), 0.0, block).long())[~block.isnan()]
        found = torch.bincount(places, minlength=block.shape[1] * width).reshape(-1, width)
        wider = max(width, counts.shape[1])
        counts = _widened(counts, wider) + _widened(found, wider)
    return counts


def _widened(counts: Tensor, width: int) -> Tensor:
    return nn.functional.pad(counts, (0, width - counts.shape[1]))
