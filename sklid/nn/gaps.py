r"""Rows with gaps: the likelihood of what was seen, and an encoder that is told what was not.

.. math:: p(x_O \mid z) = \prod_{j \in O} p(x_j \mid \eta_j(z)), \qquad q(z \mid x_O, O)

for the columns O that a row has. What is missing is summed out exactly, since columns are independent given z, so the
bound is one on the likelihood of what was seen, and importance weights give the rest given it (Mattei & Frellsen,
"MIWAE: Deep Generative Modelling and Imputation of Incomplete Data Sets", ICML 2019). That is right where the reason of
a gap does not depend on the value behind it, given what was seen (Rubin 1976).
"""

from collections.abc import Iterable
from functools import cached_property
from typing import Any

import torch
from torch import Tensor
from torch.distributions import Distribution, constraints

from .likelihoods.base import Likelihood
from .likelihoods.conditioned import ConditionedLikelihood
from .likelihoods.wrapped import WrappedLikelihood
from .model import LatentVariableModel
from .posterior import diagonal_normal
from .principal import expected_rows, probabilistic_pca

__all__ = [
    "GapLikelihood",
    "SeenColumns",
    "gap_likelihood",
    "guarded_draws",
    "has_gaps",
    "take_gaps",
    "takes_gaps",
    "whole_rows",
    "wide_draws",
]

N_ROUNDS = 15
"""Of filling gaps and of finding the principal components of the rows so filled."""


def has_gaps(x: Tensor) -> bool:
    """Whether any number of rows is missing."""
    return bool(torch.isnan(x).any())


def whole_rows(x: Tensor, likelihood: Likelihood) -> Tensor:
    """Rows with a value of the support in the place of each that is missing: ``(*, P) -> (*, P)``."""
    return torch.where(torch.isnan(x), torch.as_tensor(likelihood.filler).to(x), x)


class SeenColumns(Distribution):
    """Rows of independent columns, whose density is that of the columns which are seen: nan stands for the others.

    Parameters
    ----------
    likelihood : Likelihood
        Of whole rows.
    eta : Tensor of shape (*, D)
        Natural parameters.
    """

    arg_constraints: dict[str, Any] = {}
    support = constraints.independent(constraints.real, 1)

    def __init__(self, likelihood: Likelihood, eta: Tensor) -> None:
        self.likelihood = likelihood
        self.eta = eta
        super().__init__(eta.shape[:-1], torch.Size([likelihood.n_features]), validate_args=False)

    @cached_property
    def whole(self) -> Distribution:
        """That of whole rows, which a density of columns does without."""
        return self.likelihood.distribution(self.eta)

    @property
    def mean(self) -> Tensor:
        return self.whole.mean

    @property
    def variance(self) -> Tensor:
        return self.whole.variance

    def log_prob(self, value: Tensor) -> Tensor:
        missing = torch.isnan(value)
        filled = whole_rows(value, self.likelihood)
        return self.likelihood.column_log_probs(self.eta, filled).masked_fill(missing, 0.0).sum(-1)

    def sample(self, sample_shape: Any = ()) -> Tensor:
        """Whole rows."""
        return self.whole.sample(torch.Size(sample_shape))


class GapLikelihood(WrappedLikelihood):
    """A likelihood whose rows may have gaps, written as nan.

    Its encoder sees, in the place of what is missing, a number for each natural parameter, and of some columns whether
    they are missing.

    Parameters
    ----------
    whole : Likelihood
        Of whole rows.
    fill : Tensor of shape (D,)
        What the encoder sees of a column that is missing, such as the mean of its inputs.
    told : LongTensor of shape (M,)
        The columns of which the encoder is told whether they are missing.

    Examples
    --------
    >>> import torch
    >>> from sklid.nn import GapLikelihood, GaussianLikelihood
    >>> likelihood = GapLikelihood(GaussianLikelihood(3), torch.zeros(3), torch.tensor([1]))
    >>> x = torch.tensor([[0.5, torch.nan, 2.0]])
    >>> likelihood.inputs(x)
    tensor([[0.5000, 0.0000, 2.0000, 1.0000]])
    >>> seen = GaussianLikelihood(2)(torch.zeros(1, 2)).log_prob(x[:, [0, 2]])
    >>> bool(torch.isclose(likelihood(torch.zeros(1, 3)).log_prob(x), seen))
    True
    """

    fill: Tensor
    told: Tensor

    def __init__(self, whole: Likelihood, fill: Tensor, told: Tensor) -> None:
        super().__init__(whole)
        self.n_inputs = whole.n_inputs + len(told)
        self.register_buffer("fill", fill)
        self.register_buffer("told", told)

    def distribution(self, eta: Tensor) -> Distribution:
        return SeenColumns(self.whole, eta)

    def mean_parameters(self, x: Tensor, seen: Tensor | None = None) -> Tensor:
        return self.whole.mean_parameters(whole_rows(x, self.whole), ~torch.isnan(x))

    def inputs(self, x: Tensor) -> Tensor:
        """What an encoder sees: ``(*, P) -> (*, D + M)``, 1 at the end for a column that is missing."""
        missing = torch.isnan(x)
        values = self.whole.inputs(whole_rows(x, self.whole))
        values = torch.where(missing[..., self.columns], self.fill.to(values), values)
        return torch.cat([values, missing[..., self.told].to(values)], dim=-1)

    def initial_inputs(self, x: Tensor, n_components: int) -> Tensor:
        """Inputs of rows whose gaps are filled by so many of their own principal components: ``(N, P) -> (N, D)``."""
        values = self.inputs(x)[..., : self.whole.n_inputs]
        missing = torch.isnan(x)[..., self.columns]
        for _ in range(N_ROUNDS if missing.any() else 0):
            expected = expected_rows(values, probabilistic_pca(values, n_components))
            values = torch.where(missing, expected, values)
        return values


def takes_gaps(likelihood: Likelihood) -> bool:
    """Whether it is one of rows that may have gaps."""
    whole = likelihood.whole if isinstance(likelihood, ConditionedLikelihood) else likelihood
    return isinstance(whole, GapLikelihood)


def gap_likelihood(whole: Likelihood, blocks: Iterable[Tensor], told: Tensor) -> WrappedLikelihood:
    """The likelihood for rows that may have gaps; its encoder sees the mean in the place of what is missing.

    What rows are conditioned on has no gaps, so the conditions of a likelihood stay outside.

    Parameters
    ----------
    whole : Likelihood
        Of whole rows.
    blocks : iterable of Tensors of shape (N, P)
        The rows, block by block.
    told : LongTensor of shape (M,)
        The columns of which it is told whether they are missing.
    """
    if isinstance(whole, ConditionedLikelihood):
        return whole.over(gap_likelihood(whole.whole, map(whole.equalised, blocks), told))
    total, n_seen = torch.zeros(whole.n_inputs), torch.zeros(whole.n_inputs)
    for x in blocks:
        seen = ~torch.isnan(x)[:, whole.columns]
        total += (whole.inputs(whole_rows(x, whole)) * seen).sum(0)
        n_seen += seen.sum(0)
    return GapLikelihood(whole, total / n_seen.clamp_min(1), told)


@torch.no_grad()
def take_gaps(model: LatentVariableModel) -> None:
    """Make a model of whole rows one of rows with gaps; for what is missing its encoder sees what z = 0 decodes to."""
    eta = model.natural_parameters(next(model.parameters()).new_zeros(1, model.prior.n_components))
    conditioned = model.likelihood if isinstance(model.likelihood, ConditionedLikelihood) else None
    whole = model.likelihood if conditioned is None else conditioned.whole
    fill = whole.inputs(whole.mean(eta))[0]
    gaps = GapLikelihood(whole, fill, torch.zeros(0, dtype=torch.long, device=fill.device))
    model.likelihood = gaps if conditioned is None else conditioned.over(gaps)


def wide_draws(model: LatentVariableModel, mean: Tensor, stddev: Tensor, noise: Tensor) -> tuple[Distribution, Tensor]:
    """A distribution on the latents of a model with given moments, and what it makes of standard normal noise.

    It is a Gaussian, or where latents are not all of space what their posterior has in its place.
    """
    if hasattr(model.posterior, "of_moments"):
        wide = model.posterior.of_moments(mean, stddev)
        return wide, model.draw(wide, noise)[0]
    return diagonal_normal(mean, stddev), mean + stddev * noise


def guarded_draws(model: LatentVariableModel, x: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
    """Latents, half of them of the posterior and half of the prior's moments, and their log-weights.

    Parameters
    ----------
    model : LatentVariableModel
    x : Tensor of shape (N, P)
    noise : Tensor of shape (S, N, K)
        Standard normal; an odd number draws once more of the posterior.

    Returns
    -------
    z : Tensor of shape (S, N, K)
    log_weights : Tensor of shape (S, N)
        Log p(x, z) less that of the density of all draws.
    """
    n_wide, p, q = len(noise) // 2, model.prior(), model.encode(x)
    wide, z_wide = wide_draws(model, p.mean.expand_as(noise[0]), p.stddev.expand_as(noise[0]), noise[:n_wide])
    z = torch.cat([model.draw(q, noise[n_wide:])[0], z_wide])
    narrow_share, wide_share = noise.new_tensor([len(noise) - n_wide, n_wide]).div(len(noise)).log()
    log_density = torch.logaddexp(q.log_prob(z) + narrow_share, wide.log_prob(z) + wide_share)
    log_p = model.decode(z, model.given(x)).log_prob(model.features(x))
    return z, log_p + p.log_prob(z) - log_density
