"""Posteriors of blocks of rows, one after the other, as those of all rows."""

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor
from torch.distributions import (
    Categorical,
    Distribution,
    Independent,
    LogNormal,
    MixtureSameFamily,
    MultivariateNormal,
    Normal,
)

__all__ = ["joined"]

TENSORS: dict[type, tuple[str, ...]] = {
    Normal: ("loc", "scale"),
    LogNormal: ("loc", "scale"),
    MultivariateNormal: ("loc", "scale_tril"),
    Categorical: ("logits",),
}
"""What a distribution is made of, with the rows along the first axis."""


def joined(parts: Iterable[Distribution]) -> Distribution | None:
    """The distribution whose first axis of batches is that of all parts; None for a family that is not known here.

    Parameters
    ----------
    parts : iterable of Distributions of batch shape (n, *)
        Of one family.

    Examples
    --------
    >>> import torch
    >>> from torch.distributions import Normal
    >>> from sklid.metrics.joined import joined
    >>> joined([Normal(torch.zeros(2, 3), 1.0), Normal(torch.ones(1, 3), 1.0)]).mean[:, 0]
    tensor([0., 0., 1.])
    """
    kept, make = [], None
    for part in parts:
        tensors, make = _taken_apart(part)
        if make is None:
            return None
        kept.append(tensors)
    return None if make is None else make([torch.cat(tensors) for tensors in zip(*kept, strict=True)])


def _taken_apart(p: Any) -> tuple[list[Tensor], Callable[[list[Tensor]], Any] | None]:
    """The tensors of a distribution, and what makes one of such tensors."""
    if isinstance(p, Independent):
        tensors, make = _taken_apart(p.base_dist)
        n_dims = p.reinterpreted_batch_ndims
        return tensors, make and (lambda all_: Independent(make(all_), n_dims, validate_args=False))
    if isinstance(p, MixtureSameFamily):
        shares, make_shares = _taken_apart(p.mixture_distribution)
        each, make_each = _taken_apart(p.component_distribution)
        if make_shares is None or make_each is None:
            return [], None
        n = len(shares)
        return [*shares, *each], lambda all_: MixtureSameFamily(
            make_shares(all_[:n]), make_each(all_[n:]), validate_args=False
        )
    names = TENSORS.get(type(p))
    if names is None:
        return [], None
    return [getattr(p, name) for name in names], lambda all_: type(p)(
        **dict(zip(names, all_, strict=True)), validate_args=False
    )
