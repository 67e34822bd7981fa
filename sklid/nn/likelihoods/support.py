"""The values that a likelihood can take, and their name in an error message."""

from typing import Any

from torch import Tensor
from torch.distributions import constraints

__all__ = [
    "LARGEST_WHOLE",
    "LEAST_POSITIVE",
    "NON_NEGATIVE_INTEGERS",
    "POSITIVE_NUMBERS",
    "REAL_NUMBERS",
    "UNIT_INTERVAL",
    "CodeSupport",
    "Support",
]

LEAST_POSITIVE = 2.0**-126
"""Of the numbers that single precision holds to all its digits."""
LARGEST_WHOLE = 2**24
"""Up to which single precision holds all whole numbers."""
INTERVALS = (constraints.interval, constraints.greater_than_eq)


class Support:
    """A set of values.

    Parameters
    ----------
    constraint : torch.distributions.constraints.Constraint
    words : str
        What an error message calls the set.
    """

    def __init__(self, constraint: Any, words: str) -> None:
        self.constraint = constraint
        self.words = words

    @property
    def is_interval(self) -> bool:
        """Whether the least and the greatest value of a column tell if all are in the set."""
        return self.constraint is constraints.real or isinstance(self.constraint, INTERVALS)

    def describe(self, column: int) -> str:
        """The values that a column may have, in words."""
        return self.words


class CodeSupport(Support):
    """Category codes 0 .. V_j - 1 of each column.

    Parameters
    ----------
    n_categories : Tensor of shape (P,)
        V_j of each column.
    """

    def __init__(self, n_categories: Tensor) -> None:
        super().__init__(constraints.integer_interval(0, n_categories - 1), "category codes")
        self.n_categories = n_categories

    def describe(self, column: int) -> str:
        return f"the codes 0 to {int(self.n_categories[column]) - 1} seen in fit"


REAL_NUMBERS = Support(constraints.real, "the real numbers")
POSITIVE_NUMBERS = Support(constraints.greater_than_eq(LEAST_POSITIVE), "the positive numbers, from 1e-38 on")
UNIT_INTERVAL = Support(constraints.unit_interval, "[0, 1]")
NON_NEGATIVE_INTEGERS = Support(
    constraints.integer_interval(0, LARGEST_WHOLE), f"the non-negative whole numbers up to {LARGEST_WHOLE}"
)
