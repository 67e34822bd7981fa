"""Which values a likelihood can take, and which likelihoods can take the values of a table."""

import torch
from torch import Tensor

from ..nn import LIKELIHOODS, Support
from .blocks import row_blocks, tensor_of
from .sparse_rows import Rows

__all__ = ["all_in", "fitting_likelihoods"]


def fitting_likelihoods(X: Rows) -> list[str]:
    """The keys of `sklid.nn.LIKELIHOODS` whose support holds all values of a table."""
    return [
        name
        for name, family in LIKELIHOODS.items()
        if all(all_in(family.support, tensor_of(rows)) for rows in row_blocks(X))
    ]


def all_in(support: Support, rows: Tensor) -> bool:
    """Whether all values are in the support; of an interval the least and the greatest of each column tell."""
    if support.is_interval:
        bounds = torch.stack(torch.aminmax(rows, dim=0))
        if bool(support.constraint.check(bounds).all()):
            return True
    return bool((support.constraint.check(rows) | torch.isnan(rows)).all())
