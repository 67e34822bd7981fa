r"""Columns of a row in groups, and the distribution of a row whose groups are independent.

.. math:: p(x) = \prod_g p_g(x_{C_g}), \qquad C_1, C_2, \dots \text{ a partition of the columns}
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.distributions import Distribution, constraints

from .support import Support

__all__ = ["ColumnConstraint", "ColumnGroups", "ColumnProduct", "ColumnSupport"]


class ColumnGroups(nn.Module):
    """A partition of the columns 0 .. P - 1, on the device of its model.

    Parameters
    ----------
    groups : sequence of sequences of int
        The columns of each group; together they are all columns, each once.

    Raises
    ------
    ValueError
        If a column is missing or in two groups.

    Examples
    --------
    >>> import torch
    >>> from sklid.nn.likelihoods.columns import ColumnGroups
    >>> groups = ColumnGroups([[2, 0], [1]])
    >>> parts = groups.split(torch.tensor([10, 11, 12]))
    >>> [part.tolist() for part in parts], groups.joined(parts).tolist()
    ([[12, 10], [11]], [10, 11, 12])
    """

    order: Tensor
    places: Tensor

    def __init__(self, groups: Sequence[Sequence[int]]) -> None:
        super().__init__()
        self.sizes = [len(group) for group in groups]
        order = [column for group in groups for column in group]
        if sorted(order) != list(range(len(order))):
            raise ValueError(
                f"The groups of columns {[list(group) for group in groups]} are not a partition: each of the columns "
                f"0 to {len(order) - 1} belongs to one of them, once."
            )
        self.register_buffer("order", torch.tensor(order), persistent=False)
        self.register_buffer("places", self.order.argsort(), persistent=False)

    def split(self, x: Tensor) -> list[Tensor]:
        """The columns of each group, in its order: ``(*, P)`` to ``(*, P_g)`` each."""
        return list(x[..., self.order].split(self.sizes, dim=-1))

    def joined(self, parts: Sequence[Tensor]) -> Tensor:
        """The inverse of `split`."""
        return torch.cat(list(parts), dim=-1)[..., self.places]


class ColumnProduct(Distribution):
    """Distribution of rows whose groups of columns are independent.

    Parameters
    ----------
    parts : sequence of Distributions of one batch shape (*,) and event shapes (P_g,)
    groups : ColumnGroups
        The columns of each.

    Examples
    --------
    >>> import torch
    >>> from torch.distributions import Bernoulli, Independent, Normal
    >>> from sklid.nn import ColumnProduct
    >>> from sklid.nn.likelihoods.columns import ColumnGroups
    >>> parts = Independent(Normal(torch.zeros(2), 1.0), 1), Independent(Bernoulli(torch.tensor([0.5])), 1)
    >>> p = ColumnProduct(parts, ColumnGroups([[0, 2], [1]]))
    >>> p.event_shape, p.mean
    (torch.Size([3]), tensor([0.0000, 0.5000, 0.0000]))
    """

    arg_constraints = {}

    def __init__(self, parts: Sequence[Distribution], groups: ColumnGroups) -> None:
        self.parts = tuple(parts)
        self.groups = groups
        super().__init__(parts[0].batch_shape, torch.Size([sum(groups.sizes)]), validate_args=False)

    def expand(self, batch_shape: Any, _instance: Any = None) -> "ColumnProduct":
        return ColumnProduct([part.expand(batch_shape) for part in self.parts], self.groups)

    @property
    def mean(self) -> Tensor:
        return self.groups.joined([part.mean for part in self.parts])

    @property
    def variance(self) -> Tensor:
        return self.groups.joined([part.variance for part in self.parts])

    def log_prob(self, value: Tensor) -> Tensor:
        values = self.groups.split(value)
        return torch.stack([part.log_prob(x) for part, x in zip(self.parts, values, strict=True)]).sum(0)

    @torch.no_grad()
    def sample(self, sample_shape: Any = ()) -> Tensor:
        return self.groups.joined([part.sample(torch.Size(sample_shape)) for part in self.parts])


class ColumnConstraint(constraints.Constraint):
    """Values whose groups of columns are each in a set of their own: ``(*, P)`` to bool ``(*, P)``.

    Parameters
    ----------
    parts : sequence of Constraints of numbers
    groups : ColumnGroups
    """

    def __init__(self, parts: Sequence[Any], groups: ColumnGroups) -> None:
        self.parts = tuple(parts)
        self.groups = groups
        super().__init__()

    def check(self, value: Tensor) -> Tensor:
        values = self.groups.split(value)
        return self.groups.joined([part.check(x) for part, x in zip(self.parts, values, strict=True)])


class ColumnSupport(Support):
    """The values of rows whose groups of columns have supports of their own.

    Parameters
    ----------
    supports : sequence of Supports
    groups : sequence of sequences of int
        The columns of each.
    """

    def __init__(self, supports: Sequence[Support], groups: Sequence[Sequence[int]]) -> None:
        constraint = ColumnConstraint([support.constraint for support in supports], ColumnGroups(groups))
        super().__init__(constraint, "the values of each column")
        self.places = {
            column: (support, place)
            for support, group in zip(supports, groups, strict=True)
            for place, column in enumerate(group)
        }

    def describe(self, column: int) -> str:
        support, place = self.places[column]
        return support.describe(place)
