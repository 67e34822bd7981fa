r"""Tables whose columns are of several kinds: each column by its own family.

.. math:: p(x \mid \eta) = \prod_g p_g(x_{C_g} \mid \eta_g), \qquad \eta = (\eta_1, \eta_2, \dots)

over groups of columns C_g, that together are all columns. A product of families in which different natural parameters
have different distributions is one itself. The natural parameters, and what an encoder sees, are those of the first
part, then those of the second, and so on; `columns` says which column each belongs to.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Self

import torch
from torch import Tensor, nn
from torch.distributions import Distribution

from .base import Likelihood
from .columns import ColumnGroups, ColumnProduct, ColumnSupport
from .families import LIKELIHOODS

__all__ = ["MixedLikelihood"]


class MixedLikelihood(Likelihood):
    """The product of likelihoods of groups of columns.

    Its `gain` is 1: a gain scales all that a decoder has learned, and the noise of one part is no measure for the
    others. So the noise of a Gaussian or log-normal part is not taken out of the learned part of the decoder; natural
    parameters of these are still in units of their noise, see `noise_unit_parameters`.

    A Gaussian part takes its columns as they are, so these are to be standardised before.

    Parameters
    ----------
    parts : sequence of (Likelihood, sequence of int)
        Each with the numbers of its columns, in its order.
    n_features : int
        Number P of columns.

    Raises
    ------
    ValueError
        If a column is missing or in two parts.

    Examples
    --------
    >>> import torch
    >>> from sklid.nn import BernoulliLikelihood, GaussianLikelihood, MixedLikelihood
    >>> likelihood = MixedLikelihood([(GaussianLikelihood(2), [0, 2]), (BernoulliLikelihood(1), [1])], n_features=3)
    >>> likelihood.mean(torch.tensor([0.5, -0.5, 0.0])).shape, likelihood.columns.tolist()
    (torch.Size([3]), [0, 2, 1])
    """

    name = "mixed"
    by_column = False
    parts: Any
    fillers: Tensor

    def __init__(self, parts: Sequence[tuple[Likelihood, Sequence[int]]], n_features: int) -> None:
        super().__init__(n_features)
        families, groups = [part for part, _ in parts], [list(columns) for _, columns in parts]
        _check_columns(families, groups, n_features)
        self.parts = nn.ModuleList(families)
        self.groups = ColumnGroups(groups)
        self.sizes = [part.n_parameters for part in families]
        self.n_parameters = self.n_inputs = sum(self.sizes)
        self.columns = torch.cat(
            [torch.tensor(group)[part.columns] for part, group in zip(families, groups, strict=True)]
        )
        self.support = ColumnSupport([part.support for part in families], groups)
        fillers = [torch.ones(part.n_features) * part.filler for part in families]
        self.register_buffer("fillers", self.groups.joined(fillers), persistent=False)

    @classmethod
    def from_families(cls, blocks: Iterable[Tensor], families: Sequence[str], noise: str = "global") -> Self:
        """One family for each column, learned from rows; columns of one family are one part.

        Parameters
        ----------
        blocks : iterable of Tensors of shape (N, P)
            The rows, block by block, gone through once for each family; an iterator is kept in memory. NaN stands for a
            value that was not seen.
        families : sequence of str
            The family of each column, a key of `LIKELIHOODS`.
        noise : {"global", "feature"}, default="global"
            One noise scale or dispersion for all columns of a family, or one each.
        """
        blocks = list(blocks) if iter(blocks) is blocks else blocks
        parts: list[tuple[Likelihood, Sequence[int]]] = []
        for name in dict.fromkeys(families):
            columns = [column for column, family in enumerate(families) if family == name]
            family = LIKELIHOODS[name]
            of_part = family.from_data(
                (block[:, columns] for block in blocks), noise if family.learns_noise else "global"
            )
            parts.append((of_part, columns))
        return cls(parts, len(families))

    @property
    def filler(self) -> Tensor:  # type: ignore[override]
        """A value in the support of each column: ``(P,)``."""
        return self.fillers

    @property
    def noise_unit_parameters(self) -> Tensor:
        """Those of each part."""
        in_units = [torch.full((part.n_parameters,), part.noise_units) for part in self.parts]
        return torch.cat(in_units).nonzero().squeeze(-1).to(self.columns.device)

    def initialise(self, noise: float) -> None:
        for part in self.parts:
            part.initialise(noise)

    def takes_exposure(self) -> Tensor:
        return self.groups.joined([part.takes_exposure() for part in self.parts])

    def settle(self, x: Tensor, inputs: Tensor, exposure: Tensor | float = 1.0) -> None:
        each = zip(self._of_columns(x), self._of_parameters(inputs), strict=True)
        for (part, own), (_, explained) in each:
            part.settle(own, explained, exposure)

    def distribution(self, eta: Tensor) -> Distribution:
        return ColumnProduct([part(own) for part, own in self._of_parameters(eta)], self.groups)

    def column_log_probs(self, eta: Tensor, x: Tensor) -> Tensor:
        values = self.groups.split(x)
        each = [part.column_log_probs(own, y) for (part, own), y in zip(self._of_parameters(eta), values, strict=True)]
        return self.groups.joined(each)

    def mean(self, eta: Tensor) -> Tensor:
        return self.groups.joined([part.mean(own) for part, own in self._of_parameters(eta)])

    def averaged(self, eta: Tensor, weights: Tensor) -> Tensor:
        return self.groups.joined([part.averaged(own, weights) for part, own in self._of_parameters(eta)])

    def expected_statistic(self, eta: Tensor) -> Tensor:
        return torch.cat([part.expected_statistic(own) for part, own in self._of_parameters(eta)], dim=-1)

    def inputs(self, x: Tensor) -> Tensor:
        return torch.cat([part.inputs(own) for part, own in self._of_columns(x)], dim=-1)

    def slopes(self, amplitudes: Tensor) -> Tensor:
        """The least that a part asks for, each with its share of a direction that is spread over all parameters."""
        shares = [(size / self.n_parameters) ** 0.5 for size in self.sizes]
        asked = [
            part.slopes(amplitudes * share) / share for part, share in zip(self.parts, shares, strict=True) if share
        ]
        return torch.stack(asked).amin(0)

    def exact_link(self, moments: Tensor) -> Tensor:
        """Natural parameters of rows, whose own moments are taken: those of parts differ in shape."""
        return torch.cat([part.exact_link(part.moments(own)) for part, own in self._of_columns(moments)], dim=-1)

    def link(self, moments: Tensor) -> Tensor:
        return torch.cat([part.link(part.moments(own)) for part, own in self._of_columns(moments)], dim=-1)

    def mean_parameters(self, x: Tensor, seen: Tensor | None = None) -> Tensor:
        seen = torch.ones_like(x, dtype=torch.bool) if seen is None else seen
        each = zip(self._of_columns(x), self.groups.split(seen), strict=True)
        return torch.cat([part.mean_parameters(own, of_part) for (part, own), of_part in each])

    def parameters_of_mean(self, mean: Tensor) -> Tensor:
        return torch.cat([part.parameters_of_mean(own) for part, own in self._of_columns(mean)], dim=-1)

    def _of_parameters(self, eta: Tensor) -> Iterable[tuple[Likelihood, Tensor]]:
        """Each part with its natural parameters."""
        return zip(self.parts, eta.split(self.sizes, dim=-1), strict=True)

    def _of_columns(self, x: Tensor) -> Iterable[tuple[Likelihood, Tensor]]:
        """Each part with its columns."""
        return zip(self.parts, self.groups.split(x), strict=True)


def _check_columns(families: list[Likelihood], groups: list[list[int]], n_features: int) -> None:
    """ValueError for parts of other sizes than their columns, or columns beyond the table."""
    for part, group in zip(families, groups, strict=True):
        if part.n_features != len(group):
            raise ValueError(f"A likelihood of {part.n_features} columns was given the columns {group}.")
    if sum(map(len, groups)) != n_features:
        raise ValueError(f"The parts have {sum(map(len, groups))} columns, and the table has {n_features}.")
