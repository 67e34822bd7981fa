r"""Clusters with heavier tails than a Gaussian's: one standard distribution, stretched along principal axes.

.. math:: w = \mu_y + R_y \operatorname{diag}(\sigma_y) \, e, \qquad E e = 0, \quad Cov(e) = I

with e from independent Laplace distributions, or from Student's multivariate t distribution. So
:math:`\mu_y` and :math:`R_y \operatorname{diag}(\sigma_y^2) R_y^\top` are mean and covariance of a cluster in every
family.

Two floors follow from two numbers of e, see `sklid.nn.certificate`: its largest density, and the share s of the
variance that counts as Gaussian, :math:`I(w; x \mid y) \ge \sum_k \tfrac12 \log(1 + r^2 s \, \sigma_{yk}^2)`.
"""

import math
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch.distributions import Chi2, Distribution, Independent, Laplace

from .certificate import mixture_mutual_information_floor, peak_ball_probability, peak_kl_floor
from .clusters import PrincipalClusters, whitened

__all__ = ["LocationScaleClusters", "StandardDistribution", "StandardLaplace", "StandardStudentT"]

GAUSSIAN_SHARE_OF_LAPLACE = math.e / math.pi
"""Entropy power of a Laplace distribution of variance 1: its entropy is log(2 b) + 1, with b the root of a half."""


class StandardDistribution(Protocol):
    """A distribution of each label on R^K with mean 0 and covariance I."""

    def __call__(self, like: Tensor) -> Distribution:
        """The distribution, for means ``(C, K)``: batch shape ``(C,)``, event shape ``(K,)``."""

    def expected_log_prob(self, loc: Tensor, variance: Tensor) -> Tensor:
        """A lower bound on the mean of its log-density over Gaussian e with these moments: ``(*, C, K) -> (*, C)``."""

    def log_peak(self, like: Tensor) -> Tensor:
        """Its largest log-density, for means ``(C, K)``: ``(C,)``."""

    def gaussian_share(self, like: Tensor) -> Tensor:
        """The share s for means ``(C, K)``: ``(C,)``."""


class LocationScaleClusters(PrincipalClusters):
    r"""A standard distribution with bounded standard deviations along principal axes.

    .. math:: w = \mu_y + R_y \operatorname{diag}(\sigma_y) \, e

    Parameters
    ----------
    standard : StandardDistribution
        That of e, a module: `StandardLaplace` or `StandardStudentT`.
    scales, n_components, axes, bounds
        As in `PrincipalClusters`.

    Examples
    --------
    >>> import torch
    >>> from sklid.nn import LocationScaleClusters, SeparatedMixture, StandardLaplace
    >>> clusters = LocationScaleClusters(StandardLaplace(), torch.ones(3, 3), 3)
    >>> SeparatedMixture(2.0 * torch.eye(3), clusters, torch.ones(3) / 3)().event_shape
    torch.Size([3])
    """

    def __init__(
        self,
        standard: StandardDistribution,
        scales: Tensor,
        n_components: int,
        axes: Tensor | None = None,
        bounds: tuple[float, float] = (0.05, 5.0),
    ) -> None:
        super().__init__(scales, n_components, axes, bounds)
        self.standard = standard

    def forward(self, means: Tensor) -> Distribution:
        """p(w | y) of every label around its mean ``(C, K)``: batch shape ``(C,)``, event shape ``(K,)``."""
        spread = (self.axes() * self.scales().unsqueeze(-2)).expand(len(means), -1, -1)
        return _Stretched(self.standard(means), means, spread, self.whitening(means), self._log_volume(means))

    def log_joint(self, log_weights: Tensor, means: Tensor, w: Tensor) -> Tensor:
        """Log p(y) p(w | y) of each label: ``(*, C or 1, K) -> (*, C)``."""
        e = whitened(w, means, self.whitening(means))
        return log_weights + self.standard(means).log_prob(e) - self._log_volume(means)

    def expected_log_joint(self, log_weights: Tensor, means: Tensor, loc: Tensor, variance: Tensor) -> Tensor:
        """A lower bound on its expectation over w ~ N(loc, variance): ``(*, C or 1, K) -> (*, C)``."""
        whitening = self.whitening(means)
        spread = (variance.unsqueeze(-2) @ whitening.square()).squeeze(-2)
        log_prob = self.standard.expected_log_prob(whitened(loc, means, whitening), spread)
        return log_weights + log_prob - self._log_volume(means)

    def mutual_information_floor(self, weights: Tensor, means: Tensor, inverse_lipschitz: float) -> float:
        """Least mutual information of w and x in nats behind an inverse-Lipschitz decoder."""
        effective = self.scales().expand_as(means) * self.standard.gaussian_share(means).sqrt().unsqueeze(-1)
        return mixture_mutual_information_floor(weights, effective, inverse_lipschitz)

    def kl_floor(self, means: Tensor, decoded_variance: Tensor, inverse_lipschitz: float) -> Tensor:
        """Least KL(q || p) in nats of posteriors with the given trace of Cov f(w), ``(*,)``."""
        return peak_kl_floor(decoded_variance, self.n_components, self._log_peak(means), inverse_lipschitz)

    def ball_probability(self, means: Tensor, radius: Tensor) -> Tensor:
        """The most that any cluster gives a ball of the given radius, ``(*,)``."""
        return peak_ball_probability(radius, self.n_components, self._log_peak(means))

    def _log_volume(self, means: Tensor) -> Tensor:
        return self.scales().expand_as(means).log().sum(-1)

    def _log_peak(self, means: Tensor) -> Tensor:
        return (self.standard.log_peak(means) - self._log_volume(means)).max()


class StandardLaplace(nn.Module):
    r"""Independent Laplace distributions of variance 1.

    .. math:: \log p(e) = - \sum_k \left( \sqrt 2 \, |e_k| + \tfrac12 \log 2 \right)

    Its mean over Gaussian e has a closed form, that of a folded normal distribution.
    """

    def forward(self, like: Tensor) -> Distribution:
        """The distribution, for means ``(C, K)``: batch shape ``(C,)``, event shape ``(K,)``."""
        each = Laplace(torch.zeros_like(like), torch.full_like(like, math.sqrt(0.5)), validate_args=False)
        return Independent(each, 1, validate_args=False)

    def expected_log_prob(self, loc: Tensor, variance: Tensor) -> Tensor:
        """The mean of its log-density over Gaussian e with these moments: ``(*, C, K) -> (*, C)``."""
        scale = variance.sqrt()
        peak = math.sqrt(2 / math.pi) * scale * (-0.5 * (loc / scale).square()).exp()
        folded = peak + loc * torch.erf(loc / (math.sqrt(2) * scale))
        return -(math.sqrt(2) * folded + 0.5 * math.log(2)).sum(-1)

    def log_peak(self, like: Tensor) -> Tensor:
        """Its largest log-density, for means ``(C, K)``: ``(C,)``."""
        return like.new_full((len(like),), -0.5 * like.shape[-1] * math.log(2))

    def gaussian_share(self, like: Tensor) -> Tensor:
        r"""Its entropy power, :math:`e / \pi`, for means ``(C, K)``: ``(C,)``."""
        return like.new_full((len(like),), GAUSSIAN_SHARE_OF_LAPLACE)


class StandardStudentT(nn.Module):
    r"""Student's multivariate t distribution, stretched to covariance I, with degrees of freedom of each label.

    .. math:: \log p(e) = \log \frac{\Gamma(\frac{\nu + K}{2})}{\Gamma(\frac \nu 2) ((\nu - 2) \pi)^{K/2}}
        - \frac{\nu + K}{2} \log\left( 1 + \frac{|e|^2}{\nu - 2} \right)

    It is the mixture of N(0, V I) over scales :math:`V = (\nu - 2) / u` with u from a chi-squared distribution of nu
    degrees. The mean of its log-density over Gaussian e is bounded by the best posterior over V, which by Jensen's
    inequality puts the mean of the square under the logarithm. The information of w and x is at least that given V;
    convexity of :math:`\log(1 + e^t)` leaves the share :math:`s = \exp E \log V = (\nu - 2) / 2 e^{\psi(\nu / 2)}`.

    Parameters
    ----------
    n_labels : int
    degrees_of_freedom : float, default=10
        Initial ones.
    bounds : pair of floats, default=(2.1, 100.0)
        Least and greatest, for every value of the parameters; above 2, where there is a covariance.
    """

    def __init__(
        self, n_labels: int, degrees_of_freedom: float = 10.0, bounds: tuple[float, float] = (2.1, 100.0)
    ) -> None:
        super().__init__()
        self.log_least, log_greatest = (math.log(bound - 2) for bound in bounds)
        self.log_range = log_greatest - self.log_least
        share = (math.log(degrees_of_freedom - 2) - self.log_least) / self.log_range
        self.excess_logits = nn.Parameter(torch.logit(torch.full((n_labels,), share), eps=1e-3))

    def degrees_of_freedom(self) -> Tensor:
        """Those of each label, within the bounds: ``(C,)``."""
        return 2 + self._excess()

    def forward(self, like: Tensor) -> Distribution:
        """The distribution, for means ``(C, K)``: batch shape ``(C,)``, event shape ``(K,)``."""
        return _StudentT(self._excess(), self.log_peak(like), like.shape[-1])

    def expected_log_prob(self, loc: Tensor, variance: Tensor) -> Tensor:
        """A lower bound on the mean of its log-density over Gaussian e with these moments: ``(*, C, K) -> (*, C)``."""
        excess, squares = self._excess(), (loc.square() + variance).sum(-1)
        return self.log_peak(loc) - 0.5 * (excess + 2 + loc.shape[-1]) * torch.log1p(squares / excess)

    def log_peak(self, like: Tensor) -> Tensor:
        """Its largest log-density, of latents ``(*, C, K)``: ``(C,)``."""
        K, excess = like.shape[-1], self._excess()
        half = 1 + excess / 2
        return torch.lgamma(half + K / 2) - torch.lgamma(half) - 0.5 * K * (excess.log() + math.log(math.pi))

    def gaussian_share(self, like: Tensor) -> Tensor:
        """The share s, ``(C,)``."""
        excess = self._excess()
        return excess / 2 / torch.digamma(1 + excess / 2).exp()

    def _excess(self) -> Tensor:
        return (self.log_least + self.log_range * self.excess_logits.sigmoid()).exp()


class _StudentT(Distribution):
    """The distribution of `StandardStudentT`, from its degrees of freedom less 2 and its peak, each ``(C,)``."""

    arg_constraints: Any = {}

    def __init__(self, excess: Tensor, log_peak: Tensor, n_components: int) -> None:
        self.excess, self.peak = excess, log_peak
        super().__init__(excess.shape, torch.Size([n_components]), validate_args=False)

    def log_prob(self, value: Tensor) -> Tensor:
        squares = value.square().sum(-1)
        return self.peak - 0.5 * (self.excess + 2 + self.event_shape[0]) * torch.log1p(squares / self.excess)

    @torch.no_grad()
    def sample(self, sample_shape: Any = ()) -> Tensor:
        variances = self.excess / Chi2(self.excess + 2, validate_args=False).sample(sample_shape)
        shape = self._extended_shape(sample_shape)
        normal = torch.randn(shape, dtype=self.excess.dtype, device=self.excess.device)
        return normal * variances.sqrt().unsqueeze(-1)


class _Stretched(Distribution):
    """Distribution of ``mean + spread @ e``, with the whitening that undoes the spread, and its log-volume ``(C,)``."""

    arg_constraints: Any = {}

    def __init__(
        self, standard: Distribution, mean: Tensor, spread: Tensor, whitening: Tensor, log_volume: Tensor
    ) -> None:
        self.standard, self.loc = standard, mean
        self.spread, self.whitening, self.log_volume = spread, whitening, log_volume
        super().__init__(mean.shape[:-1], mean.shape[-1:], validate_args=False)

    @property
    def mean(self) -> Tensor:
        return self.loc

    @property
    def variance(self) -> Tensor:
        return self.spread.square().sum(-1)

    @property
    def covariance_matrix(self) -> Tensor:
        return self.spread @ self.spread.mT

    def log_prob(self, value: Tensor) -> Tensor:
        e = torch.einsum("...cj,cjk->...ck", value - self.loc, self.whitening)
        return self.standard.log_prob(e) - self.log_volume

    @torch.no_grad()
    def sample(self, sample_shape: Any = ()) -> Tensor:
        return self.loc + torch.einsum("ckj,...cj->...ck", self.spread, self.standard.sample(sample_shape))
