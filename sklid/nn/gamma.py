r"""Clusters of positive latents: independent gamma distributions.

.. math:: w_k \mid y \sim \operatorname{Gamma}(a_{yk}, b_{yk}), \qquad
    a = \mu^2 / \sigma^2 \ge 1, \quad b = \mu / \sigma^2

The standard deviation of a coordinate goes through a logistic map into :math:`[\tau, \min(s_{max}, \mu_{yk})]`. So the
density is bounded and has one mode, an exponential distribution's at the most skewed, and the floors of
`sklid.nn.certificate` hold. With :math:`t = w / \mu`,

.. math:: \log p(w) = \left[ a \log a - a - \log \Gamma(a) \right] - \log w - a \, (t - 1 - \log t),

whose terms stay small where the textbook's cancel: at a = 10^4 those would lose a hundredth of a nat.
"""

import math

import torch
from torch import Tensor, nn
from torch.distributions import Distribution, Gamma, Independent

from .certificate import mixture_mutual_information_floor, peak_ball_probability, peak_kl_floor

__all__ = ["GammaClusters"]

LEAST_ROOM = 1e-6
"""Between the bounds of a standard deviation, whose share of it is a logit at the start."""


class GammaClusters(nn.Module):
    """Independent gamma distributions with bounded standard deviations, around positive means.

    Parameters
    ----------
    scales : Tensor of shape (C, K) or (C, 1)
        Initial standard deviations: one for each cluster and latent, or for each cluster.
    means : Tensor of shape (C, K)
        Initial means, positive, which limit them.
    bounds : pair of floats, default=(0.05, 5.0)
        Least and greatest standard deviation; no mean is to be below the least.

    Examples
    --------
    >>> import torch
    >>> from sklid.nn import GammaClusters, SeparatedMixture
    >>> codes = 1.0 + 2.0 * torch.eye(3)
    >>> clusters = GammaClusters(torch.ones(3, 3), codes)
    >>> prior = SeparatedMixture(codes, clusters, torch.ones(3) / 3, least_mean=clusters.least_scale)
    >>> bool((prior().sample((100,)) > 0).all())
    True
    """

    def __init__(self, scales: Tensor, means: Tensor, bounds: tuple[float, float] = (0.05, 5.0)) -> None:
        super().__init__()
        self.least_scale, self.greatest_scale = bounds
        self.is_shared = scales.shape != means.shape
        share = (scales - self.least_scale) / (self._greatest(means) - self.least_scale).clamp_min(LEAST_ROOM)
        self.scale_logits = nn.Parameter(torch.logit(share, eps=1e-3))

    def forward(self, means: Tensor) -> Distribution:
        """p(w | y) of every label around its mean ``(C, K)``: batch shape ``(C,)``, event shape ``(K,)``."""
        return Independent(self._each(means), 1, validate_args=False)

    def scales(self, means: Tensor) -> Tensor:
        """Standard deviations around the means, within the bounds and at most the means: ``(C, K)``."""
        room = self._greatest(means) - self.least_scale
        return (self.least_scale + room * self.scale_logits.sigmoid()).expand_as(means)

    def settle(self) -> None:
        """Nothing to keep: the parameters are worked out at once."""

    def covariances(self, means: Tensor) -> Tensor:
        """Covariance matrices around the means: ``(C, K, K)``."""
        return self.scales(means).square().diag_embed()

    def log_joint(self, log_weights: Tensor, means: Tensor, w: Tensor) -> Tensor:
        """Log p(y) p(w | y) of each label: ``(*, C or 1, K) -> (*, C)``."""
        return log_weights + self._each(means).log_prob(w).sum(-1)

    def expected_log_joint(self, log_weights: Tensor, means: Tensor, loc: Tensor, variance: Tensor) -> Tensor:
        """Its expectation over log-normal w with these moments, in closed form: ``(*, C or 1, K) -> (*, C)``."""
        spread = torch.log1p(variance / loc.square())  # E log w is log E w less a half of it
        return log_weights + self._each(means).expected_log_prob(loc, spread).sum(-1)

    def mutual_information_floor(self, weights: Tensor, means: Tensor, inverse_lipschitz: float) -> float:
        """Least mutual information of w and x in nats behind an inverse-Lipschitz decoder."""
        entropies = self._each(means.double()).entropy()
        effective = entropies.exp() / math.sqrt(2 * math.pi * math.e)
        return mixture_mutual_information_floor(weights, effective, inverse_lipschitz)

    def kl_floor(self, means: Tensor, decoded_variance: Tensor, inverse_lipschitz: float) -> Tensor:
        """Least KL(q || p) in nats of posteriors with the given trace of Cov f(w), ``(*,)``."""
        return peak_kl_floor(decoded_variance, means.shape[-1], self._log_peak(means), inverse_lipschitz)

    def ball_probability(self, means: Tensor, radius: Tensor) -> Tensor:
        """The most that any cluster gives a ball of the given radius, ``(*,)``."""
        return peak_ball_probability(radius, means.shape[-1], self._log_peak(means))

    def _each(self, means: Tensor) -> "_Gamma":
        return _Gamma(means, self.scales(means))

    def _greatest(self, means: Tensor) -> Tensor:
        """Of the standard deviations: ``(C, K)``, or ``(C, 1)`` where all latents share one."""
        return (means.amin(-1, keepdim=True) if self.is_shared else means).clamp_max(self.greatest_scale)

    def _log_peak(self, means: Tensor) -> Tensor:
        return self._each(means).log_peak().sum(-1).max()


class _Gamma(Gamma):
    """Gamma distributions by mean and standard deviation, with densities to full precision that are 0 where w <= 0."""

    def __init__(self, loc: Tensor, scale: Tensor) -> None:
        self.loc, shape = loc, (loc / scale).square()
        super().__init__(shape, loc / scale.square(), validate_args=False)

    def log_prob(self, value: Tensor) -> Tensor:
        inside = value > 0
        safe = torch.where(inside, value, self.loc)
        return torch.where(inside, self.expected_log_prob(safe, torch.zeros_like(value)), -torch.inf)

    def expected_log_prob(self, loc: Tensor, spread: Tensor) -> Tensor:
        """The mean of the log-density over log-normal w with this mean and this variance of the logarithm."""
        away = (loc - self.loc) / self.loc
        excess = away - torch.log1p(away) + spread / 2
        return self._log_constant() - (loc.log() - spread / 2) - self.concentration * excess

    def log_peak(self) -> Tensor:
        """The density at the mode, (a - 1) / b, of a >= 1."""
        a, b = self.concentration.double(), self.rate.double()
        rest = (a - 1).clamp_min(0.0)
        return (b.log() + torch.special.xlogy(rest, rest) - rest - torch.lgamma(a)).to(self.loc.dtype)

    def _log_constant(self) -> Tensor:
        a = self.concentration.double()
        return (torch.special.xlogy(a, a) - a - torch.lgamma(a)).to(self.loc.dtype)
