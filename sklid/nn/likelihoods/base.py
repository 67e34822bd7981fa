r"""Likelihoods: minimal exponential families, from natural parameters to distributions.

.. math:: p(x \mid \eta) = h(x) \exp(\langle \eta, t(x) \rangle - A(\eta)), \qquad \eta = f(z)

A family is *minimal* when different natural parameters give different distributions; an injective decoder then gives an
injective likelihood, which is what Theorem 1 of Wang, Blei & Cunningham (NeurIPS 2021) needs. Hence V - 1 parameters
for V categories, by the Helmert basis, and the Gaussian in units of its noise,

.. math:: x = s (f(z) + \varepsilon), \quad \varepsilon \sim N(0, I),

so that the inverse-Lipschitz constant of f is a signal-to-noise ratio whatever s is.
"""

import math
from collections.abc import Iterable
from typing import Any, Self

import torch
from torch import Tensor, nn
from torch.distributions import Distribution

from .support import REAL_NUMBERS, Support

__all__ = ["BOUNDARY", "Likelihood", "of_slope"]

BOUNDARY = 1e-6
"""Distance by which a mean on the boundary of its range is moved inside before the link, where it has no finite natural
parameter."""
LARGEST_SLOPE = 0.2
"""At the start of a decoder, in natural parameters per unit of a latent."""


class Likelihood(nn.Module):
    """What a model asks of a likelihood; the defaults are those of one natural parameter per feature.

    Parameters
    ----------
    n_features : int
        Number P of observed features.

    Attributes
    ----------
    n_parameters : int
        Number D of natural parameters.
    n_inputs : int
        Numbers that an encoder sees of a row: D, or more where it is told more than the values.
    columns : LongTensor of shape (D,)
        Number of the column that each natural parameter belongs to, and each number that an encoder sees.
    name : str
        What the estimators call it.
    support : Support
        Values the likelihood can take.
    filler : float, or Tensor of shape (P,)
        A value in the support, which stands in the place of a missing one.
    standardised : bool
        Whether rows are to be standardised first, so that densities are in units other than those of the data.
    noise_units : bool
        Whether the natural parameter is measured in noise standard deviations, so that an inverse-Lipschitz decoder has
        an information floor.
    learns_noise : bool
        Whether there is noise, or a dispersion, to learn: one for all columns or one for each.
    by_column : bool
        Whether an encoder sees a number for each feature, in their order, that depends on the feature's value alone.
    """

    name = ""
    support: Support = REAL_NUMBERS
    filler: float = 0.0
    standardised = False
    noise_units = False
    learns_noise = False
    by_column = True
    columns: Tensor

    def __init__(self, n_features: int) -> None:
        super().__init__()
        self.n_features = n_features
        self.n_parameters = n_features
        self.n_inputs = n_features
        self.register_buffer("columns", torch.arange(n_features), persistent=False)

    @classmethod
    def from_data(cls, blocks: Iterable[Tensor], noise: str = "global") -> Self:
        """The likelihood for rows like those given, with what it learns from them.

        Parameters
        ----------
        blocks : iterable of Tensors of shape (N, P)
            The rows, block by block; NaN stands for a value that was not seen.
        noise : {"global", "feature"}, default="global"
            One noise scale or dispersion, or one for each feature, of a likelihood that has it to learn.

        Raises
        ------
        ValueError
            For "feature", of a likelihood without noise.
        """
        cls.check_noise(noise)
        return cls(next(iter(blocks)).shape[-1])

    @classmethod
    def check_noise(cls, noise: str) -> None:
        """ValueError for noise by feature, of a likelihood that has none to learn."""
        if noise != "global" and not cls.learns_noise:
            raise ValueError(
                f'noise="{noise}" belongs to likelihood="gaussian" and others with noise or a dispersion to learn; '
                f'likelihood="{cls.name}" has no noise to learn.'
            )

    @property
    def noise_unit_parameters(self) -> Tensor:
        """Numbers of the natural parameters that are measured in noise standard deviations, ``(M,)``."""
        return self.columns.new_tensor(range(self.n_parameters if self.noise_units else 0))

    def given(self, x: Tensor) -> Tensor | None:
        """What the distribution of a row is conditioned on, such as an exposure, ``(*, P) -> (*, C)``; nothing here."""
        return None

    def conditioned(self, eta: Tensor, given: Tensor | None) -> Tensor:
        """Natural parameters of rows under that condition: ``(*, D), (*, C) -> (*, D)``.

        They are left as they are where there is none.
        """
        return eta

    def features(self, x: Tensor) -> Tensor:
        """The part of rows that the distribution is of; all of them, where nothing else stands in a row."""
        return x

    def takes_exposure(self) -> Tensor:
        """Of which columns the natural parameter is a log-mean, to which log exposure adds: bool ``(P,)``."""
        return torch.zeros(self.n_features, dtype=torch.bool, device=self.columns.device)

    def gain(self) -> Tensor | float:
        """Positive scale of the learned part of the decoder."""
        return 1.0

    def initialise(self, noise: float) -> None:
        """Set the noise standard deviation, where there is one to learn."""

    def observe(self, x: Tensor) -> None:
        """Learn of rows ``(N, P)`` what the inputs of an encoder need, before a model is initialised at them."""

    def settle(self, x: Tensor, inputs: Tensor, exposure: Tensor | float = 1.0) -> None:
        """Set what is learned beside the natural parameters to what is left of rows that are partly explained.

        Parameters
        ----------
        x : Tensor of shape (N, P)
            nan stands for a value that was not seen.
        inputs : Tensor of shape (N, D)
            `initial_inputs` as the latents that a model begins at explain them.
        exposure : Tensor of shape (N, 1), or float
            Of counts.
        """

    def distribution(self, eta: Tensor) -> Distribution:
        """p(x | eta) over rows: ``(*, D)`` to a distribution of batch shape ``(*,)`` and event shape ``(P,)``."""
        raise TypeError(f"{type(self).__name__} names no distribution; a likelihood defines `distribution`.")

    def column_log_probs(self, eta: Tensor, x: Tensor) -> Tensor:
        """Log p(x_j | eta) of each column j, which sum to that of the row: ``(*, D), (*, P) -> (*, P)``."""
        row: Any = self.distribution(eta)
        return row.base_dist.log_prob(x)

    def forward(self, eta: Tensor) -> Distribution:
        """The same as `distribution`."""
        return self.distribution(eta)

    def mean(self, eta: Tensor) -> Tensor:
        """E[x | eta]: ``(*, D) -> (*, P)``."""
        return self.distribution(eta).mean

    def averaged(self, eta: Tensor, weights: Tensor) -> Tensor:
        """The mean of a mixture of such rows, or its most probable code: ``(S, *, D), (S, *) -> (*, P)``."""
        return (weights.unsqueeze(-1) * self.mean(eta)).sum(0)

    def expected_statistic(self, eta: Tensor) -> Tensor:
        """Expected sufficient statistic A'(eta), whose derivative is the Fisher information: ``(*, D) -> (*, D)``.

        Of a family that is not exponential in eta it is any function whose derivative is that.
        """
        return self.mean(eta)

    def inputs(self, x: Tensor) -> Tensor:
        """What an encoder sees, one number per natural parameter: ``(*, P) -> (*, D)``."""
        return x

    def initial_inputs(self, x: Tensor, n_components: int) -> Tensor:
        """What a model of so many latents is initialised at, a number per natural parameter: ``(N, P) -> (N, D)``."""
        return self.inputs(x)

    def moments(self, x: Tensor) -> Tensor:
        """The sufficient statistic of x, whose average is the argument of `link`."""
        return x

    def slopes(self, amplitudes: Tensor) -> Tensor:
        """Slopes of the linear map that a decoder starts at, from the amplitudes of a probabilistic PCA: ``(K,)`` both.

        Those are in units of the noise of the rows. As natural parameters they take a mean to its bounds where there
        are few features, so a slope is at most a fifth for each natural parameter, in root mean square.
        """
        return amplitudes.clamp_max(LARGEST_SLOPE * math.sqrt(self.n_parameters))

    def inside(self, moments: Tensor) -> Tensor:
        """Expected sufficient statistics, those at the edge of their range moved inside it."""
        return moments

    def exact_link(self, moments: Tensor) -> Tensor:
        """Natural parameters with the given expected sufficient statistic, not finite at the edge: to ``(*, D)``."""
        return moments

    def link(self, moments: Tensor) -> Tensor:
        """The same, finite everywhere."""
        return self.exact_link(self.inside(moments))

    def mean_parameters(self, x: Tensor, seen: Tensor | None = None) -> Tensor:
        """Natural parameters of the mean of each column over rows: ``(N, P) -> (D,)``.

        Parameters
        ----------
        x : Tensor of shape (N, P)
        seen : bool Tensor of shape (N, P), optional
            The values that count; in the place of others x holds the `filler`, which is the mean of a column without
            any. By default all do.
        """
        moments = self.moments(x)
        if seen is None:
            return self.link(moments.mean(0))
        counted = (seen | ~seen.any(0)).to(moments)
        counted = counted.reshape(counted.shape + (1,) * (moments.dim() - counted.dim()))
        return self.link((counted * moments).sum(0) / counted.sum(0))

    def parameters_of_mean(self, mean: Tensor) -> Tensor:
        """The inverse of `mean`, not finite where it has none: ``(*, P) -> (*, D)``."""
        return self.exact_link(self.moments(mean))


def of_slope(eta: Tensor, slope: Tensor) -> Tensor:
    """A function of eta that has the given derivative at it: ``(*,), (*,) -> (*,)``."""
    return slope.detach() * (eta - eta.detach())
