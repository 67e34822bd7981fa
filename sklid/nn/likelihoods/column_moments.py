r"""Mean and variance of each column over the values that were seen, block by block.

.. math:: n = n_a + n_b, \qquad \delta = m_b - m_a, \qquad
    m = m_a + \frac{n_b}{n} \delta, \qquad S = S_a + S_b + \frac{n_a n_b}{n} \delta^2

for numbers n, means m and sums S of squared deviations of two blocks (Chan, Golub & LeVeque 1983), which loses no
digits to means that are large beside deviations.
"""

from collections.abc import Iterable
from typing import NamedTuple

import torch
from torch import Tensor

__all__ = ["ColumnMoments", "column_moments"]


class ColumnMoments(NamedTuple):
    """Means and variances ``(P,)`` in double precision; 0 of a column of which nothing was seen."""

    mean: Tensor
    variance: Tensor


def column_moments(blocks: Iterable[Tensor]) -> ColumnMoments:
    """Moments of the columns of blocks ``(N, P)`` of rows; NaN stands for a value that was not seen.

    Examples
    --------
    >>> import torch
    >>> from sklid.nn.likelihoods.column_moments import column_moments
    >>> blocks = torch.tensor([[1.0], [3.0]]), torch.tensor([[5.0], [torch.nan]])
    >>> [round(moment.item(), 4) for moment in column_moments(blocks)]
    [3.0, 2.6667]
    """
    number, mean, squares = torch.zeros(3, 1, dtype=torch.float64)
    for block in blocks:
        seen = ~block.isnan()
        x, n = block.double().nan_to_num(0.0), seen.sum(0)
        total = (number + n).clamp_min(1)
        centre = x.sum(0) / n.clamp_min(1)
        delta = centre - mean
        squares = squares + ((x - centre) * seen).square().sum(0) + number * n / total * delta.square()
        mean = mean + n / total * delta
        number = number + n
    return ColumnMoments(mean, squares / number.clamp_min(1))
