r"""Rows that have a distribution given something: an exposure of their counts, and covariates.

.. math:: \eta(z, x) = f(z) + \log \frac{e}{e_0} + B^\top c

for a row of exposure e and of covariates c, as codes whose mean is 0. What stands beside f does not depend on z, so for
any fixed exposure and covariates z -> eta is as injective as f is, with the same constant and the same inverse. Log
exposure adds to the log-means of counts alone, so that counts are in proportion to it; e_0 is its typical value.

The *library* of a row is its own sum (Lopez et al., "Deep generative modeling for single-cell transcriptomics", Nature
Methods 2018). With shares :math:`p_j` of the columns in a typical sum, and O the columns that a row has,

.. math:: e = \sum_{j \in O} x_j \Big/ \sum_{j \in O} p_j ,

which is its sum where nothing is missing, and otherwise the most likely one of a Poisson with these shares.

An encoder sees counts at equal exposure, less what least squares says that covariates explain, and beside them the
covariates and the log exposure, which tells how sure it may be. It does not see the library: rows whose counts are in
the same proportions have the same posterior, whatever their sums are.
"""

import math
from collections.abc import Iterable
from typing import NamedTuple, Self

import torch
from torch import Tensor, nn

from .base import Likelihood
from .wrapped import WrappedLikelihood

__all__ = ["ConditionedLikelihood", "Library", "library_of"]

LEAST_LIBRARY = 1.0
"""What a row without any count is taken to have: the least that counts can sum to."""
N_ROUNDS = 10
"""Of finding the sums of rows with gaps and the shares of columns by one another."""
LEAST_SHARE = 1e-20
"""Of a column of counts that were all 0."""
PRIOR_SCALE, MOST_STEPS = 3.0, 20
FEWEST_ROWS, MOST_ROWS, MOST_NUMBERS = 300, 2_000, 1 << 20
"""Of the start of B: the standard deviation of its prior and steps of L-BFGS; rows that it is fitted to, fewer of them
where they are wide."""


class Library(NamedTuple):
    """What sums of rows are measured by.

    Attributes
    ----------
    shares : Tensor of shape (P,)
        Of each column in a typical sum; they sum to 1, and are 0 for columns that are no counts.
    typical : float
        The median of the sums.
    """

    shares: Tensor
    typical: float

    def of(self, features: Tensor) -> Tensor:
        """The library of rows, nan where a row has nothing to sum: ``(*, P) -> (*, 1)``."""
        shares = self.shares.to(features)
        total = (features.nan_to_num(0.0) * (shares > 0)).sum(-1, keepdim=True)
        seen = ((~features.isnan()) * shares).sum(-1, keepdim=True)
        return torch.where(seen > 0, total.clamp_min(LEAST_LIBRARY) / seen, torch.nan)


def library_of(blocks: Iterable[Tensor], counts: Tensor) -> Library:
    """Learn what sums of rows are measured by.

    Parameters
    ----------
    blocks : iterable of Tensors of shape (N, P)
        The rows, block by block, gone through again and again where they have gaps; nan stands for these.
    counts : bool Tensor of shape (P,)
        The columns that are summed.

    Raises
    ------
    ValueError
        If all counts are 0.

    Examples
    --------
    >>> import torch
    >>> from sklid.nn.likelihoods.conditioned import library_of
    >>> x = torch.tensor([[1.0, 3.0], [2.0, torch.nan], [3.0, 9.0]])
    >>> library = library_of([x], torch.tensor([True, True]))
    >>> library.shares, round(library.typical, 3)
    (tensor([0.2500, 0.7500]), 8.0)
    """
    blocks = list(blocks) if iter(blocks) is blocks else blocks
    shares, has_gaps = torch.where(counts, 1.0, 0.0).double(), True
    for _ in range(N_ROUNDS):
        totals, exposures, has_gaps = torch.zeros_like(shares), torch.zeros_like(shares), False
        for x in blocks:
            seen = ~x.isnan()
            sums = Library(shares / shares.sum(), 1.0).of(x.double()).nan_to_num(0.0)
            totals += x.double().nan_to_num(0.0).sum(0) * counts
            exposures += (seen * sums).sum(0)
            has_gaps |= not bool(seen.all())
        if not totals.any():
            raise ValueError(
                'offset="library" is the sum of the counts of a row, and all counts are 0. Pass counts, or leave '
                "offset at None."
            )
        shares = (totals / exposures.clamp_min(LEAST_LIBRARY)).clamp_min(LEAST_SHARE) * counts
        if not has_gaps:
            break
    shares = (shares / shares.sum()).float()
    return Library(shares, torch.cat([Library(shares, 1.0).of(x) for x in blocks]).nanmedian().item())


class ConditionedLikelihood(WrappedLikelihood):
    """A likelihood of rows [features | log exposure | codes of covariates], given the latter two.

    The codes are numbers of mean 0 over the rows, such as standardised columns and truth values less their share.
    Without conditions, as where a latent alone is decoded, it answers at typical exposure and at the usual codes.

    Parameters
    ----------
    whole : Likelihood
        Of the features.
    usual : Tensor of shape (C,)
        The codes that rows are taken to have where nothing is given.
    has_exposure : bool, default=False
        Whether the log exposure of rows, over its typical value, stands between features and codes.
    library : Library, optional
        What the sums of rows are measured by; None where these are no exposure.

    Examples
    --------
    >>> import torch
    >>> from sklid.nn import ConditionedLikelihood, PoissonLikelihood
    >>> likelihood = ConditionedLikelihood(PoissonLikelihood(2), torch.zeros(0), has_exposure=True)
    >>> x = torch.tensor([[3.0, 8.0, 2.0]])
    >>> likelihood.features(x), likelihood.conditioned(torch.tensor([[0.0, 1.0]]), likelihood.given(x))
    (tensor([[3., 8.]]), tensor([[2., 3.]]))
    """

    usual: Tensor
    counts: Tensor
    shares: Tensor
    explained: Tensor

    def __init__(
        self, whole: Likelihood, usual: Tensor, has_exposure: bool = False, library: Library | None = None
    ) -> None:
        super().__init__(whole)
        self.has_exposure = has_exposure
        self.typical = None if library is None else library.typical
        self.is_exposed = has_exposure or library is not None
        self.by_column = False
        self.effect = nn.Parameter(torch.zeros(len(usual), whole.n_parameters))
        self.register_buffer("usual", usual)
        self.register_buffer("counts", whole.takes_exposure(), persistent=False)
        self.all_are_counts = bool(self.counts.all())
        self.register_buffer("shares", torch.zeros(0) if library is None else library.shares)
        self.register_buffer("explained", torch.zeros(len(usual), whole.n_inputs))
        self._take(whole)

    def over(self, whole: Likelihood) -> Self:
        """The same conditions, with what is learned of them, over a likelihood that takes gaps in place of its own."""
        more = whole.n_inputs - self.explained.shape[1]
        self.explained = torch.cat([self.explained, self.explained.new_zeros(len(self.usual), more)], dim=1)
        self._take(whole)
        return self

    def features(self, x: Tensor) -> Tensor:
        return x[..., : self.n_features]

    def given(self, x: Tensor) -> Tensor:
        """Log exposure, over its typical value, and the codes: ``(*, P + C) -> (*, 1 + C)``."""
        return torch.cat([self.log_exposure(x), self.codes(x)], dim=-1)

    def codes(self, x: Tensor) -> Tensor:
        """The codes of covariates: ``(*, P + C) -> (*, C)``."""
        return x[..., self.n_features + self.has_exposure :]

    def log_exposure(self, x: Tensor) -> Tensor:
        """The logarithm of the exposure of rows over its typical value, ``(*, 1)``; 0 for a row with nothing to sum."""
        own = x[..., self.n_features : self.n_features + 1] if self.has_exposure else x.new_zeros(*x.shape[:-1], 1)
        if self.typical is None:
            return own
        sums = Library(self.shares, self.typical).of(self.features(x))
        return own + (sums / self.typical).log().nan_to_num(0.0)

    def conditioned(self, eta: Tensor, given: Tensor | None) -> Tensor:
        if len(self.usual):
            eta = eta + self.gain() * ((self.usual if given is None else given[..., 1:]) @ self.effect)
        return eta if given is None or not self.is_exposed else eta + self._on_counts(given[..., :1])

    def equalised(self, x: Tensor) -> Tensor:
        """Features at typical exposure, their counts divided by how often that is theirs: ``(*, P + C) -> (*, P)``."""
        features = self.features(x)
        if not self.is_exposed:
            return features
        at_typical = features / self.log_exposure(x).exp()
        return at_typical if self.all_are_counts else torch.where(self.counts, at_typical, features)

    def inputs(self, x: Tensor) -> Tensor:
        """What an encoder sees: the inputs of the features, and the conditions as they stand in rows."""
        return torch.cat(
            [self._unexplained(self.whole.inputs(self.equalised(x)), x), x[..., self.n_features :]], dim=-1
        )

    def initial_inputs(self, x: Tensor, n_components: int) -> Tensor:
        return self._unexplained(self.whole.initial_inputs(self.equalised(x), n_components), x)

    @torch.no_grad()
    def observe(self, x: Tensor) -> None:
        """Learn what least squares says that the codes explain of the inputs."""
        if len(self.usual):
            inputs, codes = self.whole.inputs(self.equalised(x)), self.codes(x)
            deviations = ((part - part.mean(0)).double() for part in (codes, inputs))
            self.explained.copy_(torch.linalg.lstsq(*deviations, driver="gelsd").solution)

    @torch.no_grad()
    def settle(self, x: Tensor, inputs: Tensor, exposure: Tensor | float = 1.0) -> None:
        """Settle the likelihood of the features, and begin B where rows without latents are most likely."""
        self.whole.settle(self.features(x), self._unexplained(inputs, x, sign=-1), self.log_exposure(x).exp())
        if len(self.usual):
            n_rows = min(max(FEWEST_ROWS, MOST_NUMBERS // self.n_parameters), MOST_ROWS)
            self.effect.copy_(self._most_likely_effect(x[torch.randperm(len(x))[:n_rows]]))

    def mean_parameters(self, x: Tensor, seen: Tensor | None = None) -> Tensor:
        """Natural parameters of the mean of each column over rows, at typical exposure and codes of 0: to ``(D,)``.

        Means of counts are taken over the mean of what exposure and codes multiply them by.
        """
        mean = self.whole.mean_parameters(self.features(x), None if seen is None else self.features(seen))
        shift = self.conditioned(torch.zeros_like(mean), self.given(x)).expand(len(x), -1)
        return torch.where(self.counts[self.columns], mean - shift.logsumexp(0) + math.log(len(x)), mean)

    def parameters_of_mean(self, mean: Tensor) -> Tensor:
        """Natural parameters f(z) of rows of means, ``(*, P + C) -> (*, D)``.

        The library of a row is not in its means, so they are taken to be those at the typical one.
        """
        features = self.features(mean)
        given = self.given(torch.cat([torch.full_like(features, torch.nan), mean[..., self.n_features :]], dim=-1))
        eta = self.whole.parameters_of_mean(features)
        return eta - self.conditioned(torch.zeros_like(eta), given)

    def _take(self, whole: Likelihood) -> None:
        self.whole = whole
        self.n_inputs = whole.n_inputs + self.has_exposure + len(self.usual)

    def _on_counts(self, log_exposure: Tensor) -> Tensor:
        return log_exposure if self.all_are_counts else log_exposure * self.counts[self.columns]

    def _unexplained(self, inputs: Tensor, x: Tensor, sign: int = 1) -> Tensor:
        """Inputs less what the codes explain of them; with sign -1, the way back."""
        if not len(self.usual):
            return inputs
        return inputs - sign * (self.codes(x) @ self.explained[:, : inputs.shape[-1]])

    def _most_likely_effect(self, x: Tensor) -> Tensor:
        """The B of greatest density, that of rows without latents and its prior: ``(N, P + C) -> (C, D)``."""
        given, features = self.given(x), self.features(x)
        with torch.enable_grad():
            free = [self.mean_parameters(x).detach().requires_grad_(), torch.zeros_like(self.effect).requires_grad_()]
            optimizer = torch.optim.LBFGS(free, max_iter=MOST_STEPS, line_search_fn="strong_wolfe")
            gain = torch.as_tensor(self.gain()).detach()

            def loss() -> Tensor:
                optimizer.zero_grad()
                eta = free[0] + gain * (given[:, 1:] @ free[1]) + self._on_counts(given[:, :1])
                log_p = self.whole.distribution(eta).log_prob(features).sum()
                total = (free[1].square().sum() / (2 * PRIOR_SCALE**2) - log_p) / len(x)
                total.backward(inputs=free)
                return total

            optimizer.step(loss)
        return free[1].detach().nan_to_num(0.0, 0.0, 0.0)
