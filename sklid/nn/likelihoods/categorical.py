r"""Columns of category codes, with V - 1 natural parameters for V categories by the Helmert basis."""

import math
from collections.abc import Iterable
from typing import Self

import torch
from torch import Tensor, nn
from torch.distributions import Categorical, Distribution, Independent

from .base import BOUNDARY, Likelihood
from .codes import largest_codes
from .support import NON_NEGATIVE_INTEGERS, CodeSupport, Support

__all__ = ["CategoricalLikelihood", "helmert_basis"]


class CategoricalLikelihood(Likelihood):
    r"""Columns of category codes 0 to V_j - 1, with V_j - 1 natural parameters each.

    .. math:: \text{logits}_j = Q_{V_j} \eta_j, \qquad Q_V^\top Q_V = I, \; Q_V^\top 1 = 0

    with the Helmert basis Q, which keeps the inverse-Lipschitz constant exactly; a fixed zero logit would shrink it by
    up to :math:`1/\sqrt{V}`, and V free logits are not injective.

    Parameters
    ----------
    n_categories : sequence of int
        V_j of each column, at least 1.
    """

    basis: Tensor
    slots: Tensor
    absent: Tensor
    name = "categorical"
    support: Support = NON_NEGATIVE_INTEGERS
    by_column = False

    def __init__(self, n_categories: list[int]) -> None:
        super().__init__(len(n_categories))
        self.n_categories = list(n_categories)
        self.n_parameters = self.n_inputs = sum(v - 1 for v in n_categories)
        widest = max(2, *n_categories)
        counts = torch.tensor(n_categories)[:, None]
        self.support = CodeSupport(torch.tensor(n_categories))
        self.register_buffer("basis", helmert_basis(widest))
        self.register_buffer("absent", torch.arange(widest) >= counts)
        self.register_buffer("slots", (torch.arange(widest - 1) < counts - 1).flatten().nonzero().squeeze(-1))
        self.columns = self.slots // (widest - 1)

    @classmethod
    def from_data(cls, blocks: Iterable[Tensor], noise: str = "global") -> Self:
        cls.check_noise(noise)
        largest = torch.stack([largest_codes(block, cls.name) for block in blocks]).amax(0)
        return cls([int(code) + 1 for code in largest])

    def distribution(self, eta: Tensor) -> Distribution:
        return Independent(Categorical(logits=self._logits(eta), validate_args=False), 1, validate_args=False)

    def mean(self, eta: Tensor) -> Tensor:
        """The most probable category of each column; a code has no meaningful average."""
        return self._logits(eta).argmax(-1).to(eta.dtype)

    def averaged(self, eta: Tensor, weights: Tensor) -> Tensor:
        shares = (weights[..., None, None] * self._logits(eta).softmax(-1)).sum(0)
        return shares.argmax(-1).to(eta.dtype)

    def expected_statistic(self, eta: Tensor) -> Tensor:
        return self._contract(self._logits(eta).softmax(-1))

    def inputs(self, x: Tensor) -> Tensor:
        return self._contract(self.moments(x))

    def moments(self, x: Tensor) -> Tensor:
        """Indicators of the categories, ``(*, P) -> (*, P, V)``."""
        return nn.functional.one_hot(x.long(), self.basis.shape[0]).to(self.basis.dtype)

    def inside(self, moments: Tensor) -> Tensor:
        present = (~self.absent).to(moments.dtype)
        return (1 - BOUNDARY) * moments + BOUNDARY * present / present.sum(-1, keepdim=True)

    def exact_link(self, moments: Tensor) -> Tensor:
        return self._contract(torch.where(self.absent, 1.0, moments).log())

    def _logits(self, eta: Tensor) -> Tensor:
        rows, columns = self.absent.shape
        padded = eta.new_zeros(*eta.shape[:-1], rows * (columns - 1))
        padded = padded.index_copy(-1, self.slots, eta)
        logits = padded.unflatten(-1, (rows, columns - 1)) @ self.basis.mT
        return logits.masked_fill(self.absent, -math.inf)

    def _contract(self, table: Tensor) -> Tensor:
        """Coordinates of a table ``(*, P, V)`` in the Helmert bases: ``(*, D)``."""
        return (table @ self.basis).flatten(-2).index_select(-1, self.slots)


def helmert_basis(n_categories: int) -> Tensor:
    r"""Orthonormal basis Q of the vectors of R^V that sum to zero: ``(V, V - 1)``.

    Its leading :math:`v \times (v - 1)` block is the basis for v categories.

    Examples
    --------
    >>> from sklid.nn import helmert_basis
    >>> Q = helmert_basis(4)
    >>> bool((Q.mT @ Q).allclose(Q.new_ones(3).diag(), atol=1e-6))
    True
    """
    above = torch.triu(torch.ones(n_categories, n_categories - 1))
    order = torch.arange(1, n_categories).to(above)
    below = torch.diag(-order, diagonal=-1)[:, :-1]
    return (above + below) / torch.sqrt(order * (order + 1))
