r"""A Gaussian mixture prior whose components cannot merge: :math:`y \sim Cat(\pi)`, :math:`w \mid y \sim N(\mu_y, \Sigma_y)`.

Each mean moves in a ball of its own around the code :math:`a_c` at which it started,

.. math:: \mu_c = a_c + \rho_c \frac{v_c}{\sqrt{1 + |v_c|^2}}, \qquad \rho_c = \tfrac12 \left( \min_{j \ne c} |a_c - a_j| - \delta \right),

and since :math:`\rho_i + \rho_j \le |a_i - a_j| - \delta`, any two means keep :math:`|\mu_i - \mu_j| \ge \delta` for every v. The standard deviations
along the principal axes of a component go through a logistic map into :math:`[\tau, s_{max}]`. Different labels then have different
distributions of w: what the full-rank :math:`\beta_1^\top y` is for in the paper (Wang, Blei & Cunningham, NeurIPS 2021, section 3).

The divergence of a Gaussian posterior from the mixture has no closed form. Its bound by the best posterior over labels has one,

.. math::
    KL(q \| p) &\le \min_r \, KL(r \| \pi) + \sum_c r_c \, KL(q \| N_c) \\
               &= -H(q) - \log \sum_c \pi_c \exp E_q[\log N(w; \mu_c, \Sigma_c)],

and is exact where one component accounts for all of q. Training uses the bound: it has no sampling noise, and its optimum separates the
labels better.
"""

import math

import torch
from torch import Tensor, nn
from torch.distributions import Categorical, Distribution, Independent, MixtureSameFamily, MultivariateNormal, Normal

from .certificate import mixture_kl_floor, mixture_mutual_information_floor

__all__ = ["SeparatedMixture", "separated"]


class SeparatedMixture(nn.Module):
    r"""Gaussian mixture with means at least :math:`\delta` apart and bounded scales, for every value of its parameters.

    Parameters
    ----------
    codes : Tensor of shape (C, K)
        Where the means start, at least `separation` apart.
    scales : Tensor of shape (C, K), (C, 1) or (1, K)
        Where the standard deviations start: one for each component and axis, for each component, or for each axis.
    weights : Tensor of shape (C,)
        Where the mixture weights start: positive numbers with sum 1.
    axes : Tensor of shape (C, K, K) or (1, K, K), optional
        Orthogonal matrices with the principal axes of the components in their columns. By default the coordinate axes, for good.
    separation : float, default=0.5
        The distance :math:`\delta`.
    scale_bounds : pair of floats, default=(0.05, 5.0)
        Least and greatest standard deviation, :math:`\tau` and :math:`s_{max}`.
    fixed_means, fixed_weights : bool, default=False
        Whether the means, or the weights, stay where they start.

    Raises
    ------
    ValueError
        If two codes are nearer than `separation`.

    Examples
    --------
    >>> import torch
    >>> from sklid.nn import SeparatedMixture
    >>> prior = SeparatedMixture(2.0 * torch.eye(3), torch.ones(3, 3), torch.ones(3) / 3)
    >>> prior().event_shape, prior.label_probabilities(torch.zeros(7, 3)).shape
    (torch.Size([3]), torch.Size([7, 3]))
    """

    codes: Tensor
    radii: Tensor
    start_axes: Tensor

    def __init__(
        self,
        codes: Tensor,
        scales: Tensor,
        weights: Tensor,
        axes: Tensor | None = None,
        *,
        separation: float = 0.5,
        scale_bounds: tuple[float, float] = (0.05, 5.0),
        fixed_means: bool = False,
        fixed_weights: bool = False,
    ) -> None:
        super().__init__()
        nearest = _distances(codes).min(dim=1).values
        if nearest.min() < separation * (1 - 1e-4):
            raise ValueError(f"Two codes are {nearest.min():.3g} apart, nearer than separation={separation:g}; spread them with `separated` first.")
        self.n_labels, self.n_components = codes.shape
        self.least_scale, self.greatest_scale = scale_bounds
        self.register_buffer("codes", codes.clone())
        self.register_buffer("radii", (nearest[:, None] - separation).clamp(0.0, LARGEST_DIAMETER) / 2)
        self.shifts = nn.Parameter(torch.zeros_like(codes), requires_grad=not fixed_means)
        share = (scales - self.least_scale) / (self.greatest_scale - self.least_scale)
        self.scale_logits = nn.Parameter(torch.logit(share, eps=1e-3))
        self.log_weights = nn.Parameter(weights.log(), requires_grad=not fixed_weights)
        self.register_buffer("start_axes", torch.eye(self.n_components).to(codes)[None] if axes is None else axes.clone())
        self.turns = None if axes is None else nn.Parameter(torch.zeros_like(axes))

    def forward(self) -> Distribution:
        """The mixture, of event shape ``(K,)``."""
        labels = Categorical(logits=self.log_weights, validate_args=False)
        return MixtureSameFamily(labels, self.components(), validate_args=False)

    def components(self) -> Distribution:
        """p(w | y) of every label: batch shape ``(C,)``, event shape ``(K,)``."""
        means = self.means()
        if self.turns is None:
            return Independent(Normal(means, self.scales().expand_as(means), validate_args=False), 1, validate_args=False)
        return MultivariateNormal(means, self.covariances().expand(self.n_labels, -1, -1), validate_args=False)

    def means(self) -> Tensor:
        """The means, at least `separation` apart: ``(C, K)``."""
        return self.codes + self.radii * self.shifts * (1 + self.shifts.square().sum(-1, keepdim=True)).rsqrt()

    def scales(self) -> Tensor:
        """Standard deviations along the axes, within the bounds, in the shape in which they started."""
        return self.least_scale + (self.greatest_scale - self.least_scale) * self.scale_logits.sigmoid()

    def axes(self) -> Tensor:
        r"""Principal axes in columns, the starting ones turned by :math:`\exp(A - A^\top)`: ``(C, K, K)`` or ``(1, K, K)``."""
        if self.turns is None:
            return self.start_axes
        return self.start_axes @ torch.linalg.matrix_exp(self.turns - self.turns.mT)

    def covariances(self) -> Tensor:
        """Covariance matrices: ``(C, K, K)`` or ``(1, K, K)``."""
        spread = self.axes() * self.scales().unsqueeze(-2)
        return spread @ spread.mT

    def expected_log_joint(self, loc: Tensor, variance: Tensor | None = None) -> Tensor:
        """E[log p(y) p(w | y)] over w ~ N(loc, variance), at w = loc without a variance, for each label: ``(*, C or 1, K) -> (*, C)``."""
        scales = self.scales().expand(self.n_labels, self.n_components)
        whitening = (self.axes() / scales.unsqueeze(-2)).expand(self.n_labels, -1, -1)
        squares = torch.einsum("...ck,ckj->...cj", loc - self.means(), whitening).square().sum(-1)
        if variance is not None:
            squares = squares + (variance * whitening.square().sum(-1)).sum(-1)
        log_volume = scales.log().sum(-1) + 0.5 * self.n_components * math.log(2 * math.pi)
        return self.log_weights.log_softmax(-1) - log_volume - 0.5 * squares

    def label_probabilities(self, w: Tensor) -> Tensor:
        """p(y | w): ``(*, K) -> (*, C)``."""
        return self.expected_log_joint(w.unsqueeze(-2)).softmax(-1)

    def divergence(self, q: Distribution, w: Tensor, log_q: Tensor) -> Tensor:
        """The bound on KL(q || p) of a Gaussian q; of another q the average over its draws w ``(S, *, K)``, without bias: ``(*,)``."""
        if isinstance(q, Independent):
            return -q.entropy() - self.expected_log_joint(q.mean.unsqueeze(-2), q.variance.unsqueeze(-2)).logsumexp(-1)
        return (log_q - self.expected_log_joint(w.unsqueeze(-2)).logsumexp(-1)).mean(0)

    def sample_with_labels(self, n_samples: int) -> tuple[Tensor, Tensor]:
        """Draws of w ``(n, K)`` and the labels y ``(n,)`` they came from."""
        labels = Categorical(logits=self.log_weights).sample(torch.Size([n_samples]))
        draws = self.components().sample(torch.Size([n_samples]))
        return draws[torch.arange(n_samples), labels], labels

    def mutual_information_floor(self, inverse_lipschitz: float) -> float:
        """Least mutual information of w and x in nats behind an inverse-Lipschitz decoder."""
        scales = self.scales().expand(self.n_labels, self.n_components)
        return mixture_mutual_information_floor(self.log_weights.softmax(-1), scales, inverse_lipschitz)

    def elementary_mutual_information_floor(self, n_parameters: int, inverse_lipschitz: float) -> float:
        """The same by rate-distortion, from the number D of natural parameters: Shannon's lower bound with the entropy of the components."""
        log_volumes = self.scales().expand(self.n_labels, self.n_components).log().sum(-1)
        volume = (self.log_weights.softmax(-1) * log_volumes).sum().item()
        share = self.n_components * inverse_lipschitz**2 / n_parameters
        return max(0.0, volume + 0.5 * self.n_components * math.log(share))

    def kl_floor(self, decoded_variance: Tensor, mean: Tensor, inverse_lipschitz: float) -> Tensor:
        """Least KL(q || p) of posteriors with the given trace of Cov f(w), ``(*,)``, and mean, ``(*, K)``."""
        return mixture_kl_floor(decoded_variance, self.n_components, self.scales().min(), inverse_lipschitz)


LARGEST_DIAMETER = 100.0
"""Cap on the ball of a mean; a single component would have one without end."""
MOST_MOVES = 1000


def separated(codes: Tensor, least_distance: float) -> Tensor:
    """Codes moved apart, the nearest pair first, until all are at least `least_distance` from each other: ``(C, K) -> (C, K)``.

    Codes that are far enough apart stay where they are.

    Examples
    --------
    >>> import torch
    >>> from sklid.nn import separated
    >>> separated(torch.tensor([[0.0], [0.5], [9.0]]), 1.5).round(decimals=2).flatten()
    tensor([-0.5100,  1.0100,  9.0000])
    """
    codes = codes.clone()
    for _ in range(MOST_MOVES):
        distances = _distances(codes)
        first, second = divmod(int(distances.argmin()), len(codes))
        if distances.min() >= least_distance:
            return codes
        gap = codes[first] - codes[second]
        direction = gap / gap.norm() if gap.norm() > 0 else nn.functional.normalize(torch.randn_like(gap), dim=0)
        middle, step = (codes[first] + codes[second]) / 2, 0.507 * least_distance * direction
        codes[first], codes[second] = middle + step, middle - step
    return codes * (least_distance / _distances(codes).min()).clamp_min(1.0)


def _distances(codes: Tensor) -> Tensor:
    """Distances between codes, infinite on the diagonal: ``(C, K) -> (C, C)``."""
    return torch.cdist(codes, codes, compute_mode="donot_use_mm_for_euclid_dist") + torch.full((len(codes),), torch.inf).to(codes).diag()
