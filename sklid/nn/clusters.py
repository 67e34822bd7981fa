r"""The clusters of a mixture prior: which distribution of w a label stands for, around the mean the mixture gives it.

.. math:: w \mid y \sim N(\mu_y, \Sigma_y), \qquad
    \Sigma_y = R_y \operatorname{diag}(\sigma_{y1}^2, .., \sigma_{yK}^2) R_y^\top

Other families around the same means are in `sklid.nn.location_scale` and `sklid.nn.gamma`.

The standard deviations along the principal axes go through a logistic map into :math:`[\tau, s_{max}]`, for every value
of the parameters, since the floors of a mixture (`sklid.nn.mixture_kl_floor`) need a least one.
"""

import math
from typing import Protocol

import torch
from torch import Tensor, nn
from torch.distributions import Distribution, Independent, MultivariateNormal, Normal

from .certificate import ball_probability, mixture_kl_floor, mixture_mutual_information_floor

__all__ = ["Clusters", "GaussianClusters", "PrincipalClusters", "whitened"]


class Clusters(Protocol):
    """What a mixture asks of its clusters; all first axes are the label."""

    def __call__(self, means: Tensor) -> Distribution:
        """p(w | y) of every label around its mean ``(C, K)``: batch shape ``(C,)``, event shape ``(K,)``."""

    def log_joint(self, log_weights: Tensor, means: Tensor, w: Tensor) -> Tensor:
        """Log p(y) p(w | y) of each label: ``(*, C or 1, K) -> (*, C)``."""

    def expected_log_joint(self, log_weights: Tensor, means: Tensor, loc: Tensor, variance: Tensor) -> Tensor:
        """Its expectation, or less, over w with independent latents of these moments: ``(*, C or 1, K) -> (*, C)``.

        The latents are Gaussian, or log-normal where clusters are positive. NotImplementedError where there is no
        closed form.
        """

    def settle(self) -> None:
        """Keep the distributions, with parameters from which they are worked out sooner."""

    def covariances(self, means: Tensor) -> Tensor:
        """Covariance matrices around the means: ``(C, K, K)``, or ``(1, K, K)`` where all clusters share one."""

    def mutual_information_floor(self, weights: Tensor, means: Tensor, inverse_lipschitz: float) -> float:
        """Least mutual information of w and a Gaussian x behind an inverse-Lipschitz decoder, in nats."""

    def kl_floor(self, means: Tensor, decoded_variance: Tensor, inverse_lipschitz: float) -> Tensor:
        """Least KL(q || p), in nats, of posteriors with the given trace of Cov f(w), ``(*,)``."""

    def ball_probability(self, means: Tensor, radius: Tensor) -> Tensor:
        """The most that any cluster gives a ball of the given radius, ``(*,)``."""


class PrincipalClusters(nn.Module):
    r"""What clusters with bounded standard deviations along principal axes share, whatever their family.

    .. math:: Cov(w \mid y) = R_y \operatorname{diag}(\sigma_{y1}^2, .., \sigma_{yK}^2) R_y^\top

    Parameters
    ----------
    scales : Tensor of shape (C, K), (C, 1) or (1, K)
        Initial standard deviations: one for each cluster and axis, for each cluster, or for each axis.
    n_components : int
        K.
    axes : Tensor of shape (C, K, K) or (1, K, K), optional
        Orthogonal matrices with the initial principal axes of the clusters in their columns. By default the coordinate
        axes, for good.
    bounds : pair of floats, default=(0.05, 5.0)
        Least and greatest standard deviation, :math:`\tau` and :math:`s_{max}`.
    """

    initial_axes: Tensor

    def __init__(
        self, scales: Tensor, n_components: int, axes: Tensor | None = None, bounds: tuple[float, float] = (0.05, 5.0)
    ) -> None:
        super().__init__()
        self.n_components = n_components
        self.least_scale, self.greatest_scale = bounds
        share = (scales - self.least_scale) / (self.greatest_scale - self.least_scale)
        self.scale_logits = nn.Parameter(torch.logit(share, eps=1e-3))
        self.register_buffer("initial_axes", torch.eye(n_components).to(scales)[None] if axes is None else axes.clone())
        self.turns = None if axes is None else nn.Parameter(torch.zeros_like(axes))

    def scales(self) -> Tensor:
        """Standard deviations along the axes, within the bounds, in the shape that they were given in."""
        return self.least_scale + (self.greatest_scale - self.least_scale) * self.scale_logits.sigmoid()

    def axes(self) -> Tensor:
        r"""Principal axes in columns, the initial ones turned by :math:`\exp(A - A^\top)`: ``(C or 1, K, K)``."""
        if self.turns is None or not (torch.is_grad_enabled() or self.turns.any()):
            return self.initial_axes
        return self.initial_axes @ torch.linalg.matrix_exp(self.turns - self.turns.mT)

    @torch.no_grad()
    def settle(self) -> None:
        """Take the turns into the initial axes, which are then the axes without the exponential of a matrix."""
        if self.turns is not None:
            self.initial_axes.copy_(torch.linalg.qr(self.axes()).Q)  # no rounding adds up over many trainings
            self.turns.zero_()

    def covariances(self, means: Tensor | None = None) -> Tensor:
        """Covariance matrices, wherever the means are: ``(C, K, K)`` or ``(1, K, K)``."""
        spread = self.axes() * self.scales().unsqueeze(-2)
        return spread @ spread.mT

    def whitening(self, means: Tensor) -> Tensor:
        """Matrices that take deviations from the means to independent ones of variance 1: ``(C, K, K)``."""
        scales = self.scales().expand_as(means)
        return (self.axes() / scales.unsqueeze(-2)).expand(len(means), -1, -1)


class GaussianClusters(PrincipalClusters):
    """Gaussians with bounded standard deviations along principal axes.

    Parameters
    ----------
    scales, n_components, axes, bounds
        As in `PrincipalClusters`.
    """

    def forward(self, means: Tensor) -> Distribution:
        """p(w | y) of every label around its mean ``(C, K)``: batch shape ``(C,)``, event shape ``(K,)``."""
        if self.turns is None:
            return Independent(
                Normal(means, self.scales().expand_as(means), validate_args=False), 1, validate_args=False
            )
        return MultivariateNormal(means, self.covariances().expand(len(means), -1, -1), validate_args=False)

    def log_joint(self, log_weights: Tensor, means: Tensor, w: Tensor) -> Tensor:
        """Log p(y) p(w | y) of each label: ``(*, C or 1, K) -> (*, C)``."""
        return self._log_joint(log_weights, means, w, None)

    def expected_log_joint(self, log_weights: Tensor, means: Tensor, loc: Tensor, variance: Tensor) -> Tensor:
        """Its expectation over w ~ N(loc, variance), in closed form: ``(*, C or 1, K) -> (*, C)``."""
        return self._log_joint(log_weights, means, loc, variance)

    def mutual_information_floor(self, weights: Tensor, means: Tensor, inverse_lipschitz: float) -> float:
        """Least mutual information of w and x in nats behind an inverse-Lipschitz decoder."""
        return mixture_mutual_information_floor(weights, self.scales().expand_as(means), inverse_lipschitz)

    def kl_floor(self, means: Tensor, decoded_variance: Tensor, inverse_lipschitz: float) -> Tensor:
        """Least KL(q || p) in nats of posteriors with the given trace of Cov f(w), ``(*,)``.

        It follows from the narrowest standard deviation.
        """
        return mixture_kl_floor(decoded_variance, self.n_components, self.scales().min(), inverse_lipschitz)

    def ball_probability(self, means: Tensor, radius: Tensor) -> Tensor:
        """The most that any cluster gives a ball of the given radius, ``(*,)``: the narrowest, around its mean."""
        origin = radius.new_zeros(*radius.shape, self.n_components)
        return ball_probability(radius / self.scales().min(), origin)

    def _log_joint(self, log_weights: Tensor, means: Tensor, loc: Tensor, variance: Tensor | None) -> Tensor:
        whitening = self.whitening(means)
        squares = whitened(loc, means, whitening).square().sum(-1)
        if variance is not None:
            squares = squares + (variance * whitening.square().sum(-1)).sum(-1)
        log_volume = self.scales().expand_as(means).log().sum(-1) + 0.5 * self.n_components * math.log(2 * math.pi)
        return log_weights - log_volume - 0.5 * squares


def whitened(loc: Tensor, means: Tensor, whitening: Tensor) -> Tensor:
    """Latents around each mean ``(C, K)``, by each matrix ``(C, K, K)``: ``(*, C or 1, K) -> (*, C, K)``."""
    if loc.shape[-2] != 1:
        return torch.einsum("...ck,ckj->...cj", loc - means, whitening)
    centres = (means.unsqueeze(-2) @ whitening).squeeze(-2)
    # one product for all labels, which takes a third of the time of one for each
    return (loc.squeeze(-2) @ whitening.transpose(0, 1).flatten(1)).unflatten(-1, centres.shape) - centres
