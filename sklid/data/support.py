"""Which values a likelihood can take, and which likelihoods can take the values of a table."""

import torch
from torch import Tensor

from ..nn import LIKELIHOODS, Support
from .blocks import row_blocks, tensor_of
from .sparse_rows import Rows

__all__ = ["TO_CORRECT", "advice_on", "all_in", "fitting_likelihoods"]

TO_CORRECT = (
    "The model was fitted with this likelihood: correct the value, make it a gap with nan, or fit another model."
)
"""What to do with a value that a fitted model does not take."""


def fitting_likelihoods(X: Rows) -> list[str]:
    """The keys of `sklid.nn.LIKELIHOODS` whose support holds all values of a table."""
    return [
        name
        for name, family in LIKELIHOODS.items()
        if all(all_in(family.support, tensor_of(rows)) for rows in row_blocks(X))
    ]


def advice_on(X: Rows, likelihood: str, is_fitted: bool) -> str:
    """What to do about values of a table that a likelihood does not take."""
    if is_fitted:
        return TO_CORRECT
    others = [name for name in fitting_likelihoods(X) if name != likelihood]
    return f"Likelihoods that fit these values: {', '.join(others)}."


def all_in(support: Support, rows: Tensor) -> bool:
    """Whether all values are in the support; of an interval the least and the greatest of each column tell."""
    if support.is_interval:
        bounds = torch.stack(torch.aminmax(rows, dim=0))
        if bool(support.constraint.check(bounds).all()):
            return True
    return bool((support.constraint.check(rows) | torch.isnan(rows)).all())
