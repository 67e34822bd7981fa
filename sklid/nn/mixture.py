r"""A mixture prior whose clusters cannot merge: :math:`y \sim Cat(\pi)`, :math:`w \mid y \sim p(w; \mu_y)`.

Each mean moves in a ball of its own around the code :math:`a_c` that it is given first,

.. math:: \mu_c = a_c + \rho_c \frac{v_c}{\sqrt{1 + |v_c|^2}}, \qquad
    \rho_c = \tfrac12 \left( \min_{j \ne c} |a_c - a_j| - \delta \right),

and since :math:`\rho_i + \rho_j \le |a_i - a_j| - \delta`, any two means keep :math:`|\mu_i - \mu_j| \ge \delta` for
every v. Different labels then have different distributions of w: what the full-rank :math:`\beta_1^\top y` is for in
the paper (Wang, Blei & Cunningham, NeurIPS 2021, section 3). Where means are to be positive, as those of gamma clusters
are, each coordinate has a radius of its own, :math:`\min(\rho_c, a_{ck} - m)`: the ball becomes an ellipsoid inside it,
and no coordinate falls below m.

The divergence of a Gaussian posterior from a Gaussian mixture has no closed form. Its bound by the best posterior over
labels has one,

.. math::
    KL(q \| p) &\le \min_r \, KL(r \| \pi) + \sum_c r_c \, KL(q \| N_c) \\
               &= -H(q) - \log \sum_c \pi_c \exp E_q[\log N(w; \mu_c, \Sigma_c)],

and is exact where one cluster accounts for all of q. Training uses the bound: it has no sampling noise, and its optimum
separates the labels better.
"""

import torch
from torch import Tensor, nn
from torch.distributions import Categorical, Distribution, Independent, MixtureSameFamily

from .clusters import Clusters

__all__ = ["SeparatedMixture", "separated"]


class SeparatedMixture(nn.Module):
    r"""Mixture of clusters with means at least :math:`\delta` apart, for every value of its parameters.

    Parameters
    ----------
    codes : Tensor of shape (C, K)
        The initial means, at least `separation` apart.
    clusters : Clusters
        The distribution around each mean, a module such as `GaussianClusters`.
    weights : Tensor of shape (C,)
        The initial mixture weights: positive numbers with sum 1.
    separation : float, default=0.5
        The distance :math:`\delta`.
    fixed_means, fixed_weights : bool, default=False
        Whether the means, or the weights, keep their initial values.
    least_mean : float, optional
        The m that no coordinate of a mean falls below. By default there is none.

    Raises
    ------
    ValueError
        If two codes are nearer than `separation`, or one is below `least_mean`.

    Examples
    --------
    >>> import torch
    >>> from sklid.nn import GaussianClusters, SeparatedMixture
    >>> prior = SeparatedMixture(2.0 * torch.eye(3), GaussianClusters(torch.ones(3, 3), 3), torch.ones(3) / 3)
    >>> prior().event_shape, prior.label_probabilities(torch.zeros(7, 3)).shape
    (torch.Size([3]), torch.Size([7, 3]))
    """

    codes: Tensor
    radii: Tensor

    def __init__(
        self,
        codes: Tensor,
        clusters: Clusters,
        weights: Tensor,
        *,
        separation: float = 0.5,
        fixed_means: bool = False,
        fixed_weights: bool = False,
        least_mean: float | None = None,
    ) -> None:
        super().__init__()
        nearest = _distances(codes).min(dim=1).values
        if nearest.min() < separation * (1 - 1e-4):
            raise ValueError(
                f"Two codes are {nearest.min():.3g} apart, nearer than separation={separation:g}; "
                "spread them with `separated` first."
            )
        if least_mean is not None and codes.min() < least_mean * (1 - 1e-4):
            raise ValueError(
                f"A code has a coordinate of {codes.min():.3g}, below least_mean={least_mean:g}; "
                "lift them with `separated` first."
            )
        self.n_labels, self.n_components = codes.shape
        radii = (nearest[:, None] - separation).clamp(0.0, LARGEST_DIAMETER) / 2
        self.register_buffer("codes", codes.clone())
        self.register_buffer(
            "radii", radii if least_mean is None else torch.minimum(radii, (codes - least_mean).clamp_min(0.0))
        )
        self.shifts = nn.Parameter(torch.zeros_like(codes), requires_grad=not fixed_means)
        self.clusters = clusters
        self.log_weights = nn.Parameter(weights.log(), requires_grad=not fixed_weights)

    def forward(self) -> Distribution:
        """The mixture, of event shape ``(K,)``."""
        labels = Categorical(logits=self.log_weights, validate_args=False)
        return MixtureSameFamily(labels, self.clusters(self.means()), validate_args=False)

    def means(self) -> Tensor:
        """The means, at least `separation` apart: ``(C, K)``."""
        return self.codes + self.radii * self.shifts * (1 + self.shifts.square().sum(-1, keepdim=True)).rsqrt()

    def weights(self) -> Tensor:
        """The mixture weights: ``(C,)``."""
        return self.log_weights.softmax(-1)

    def covariances(self) -> Tensor:
        """Covariance matrices of the clusters: ``(C, K, K)``."""
        return self.clusters.covariances(self.means()).expand(self.n_labels, -1, -1)

    def log_joint(self, w: Tensor) -> Tensor:
        """Log p(y) p(w | y) of each label: ``(*, C or 1, K) -> (*, C)``."""
        return self.clusters.log_joint(self.log_weights.log_softmax(-1), self.means(), w)

    def expected_log_joint(self, loc: Tensor, variance: Tensor) -> Tensor:
        """Its expectation over w ~ N(loc, variance), ``(*, C or 1, K) -> (*, C)``.

        NotImplementedError where there is no closed form.
        """
        return self.clusters.expected_log_joint(self.log_weights.log_softmax(-1), self.means(), loc, variance)

    def label_probabilities(self, w: Tensor) -> Tensor:
        """p(y | w): ``(*, K) -> (*, C)``."""
        return self.log_joint(w.unsqueeze(-2)).softmax(-1)

    def divergences(self, q: Distribution, w: Tensor, log_q: Tensor) -> Tensor:
        """KL(q || p) as one part, ``(*, 1)``: the bound of a Gaussian q where it has a closed form.

        Else it is the average over draws ``(S, *, K)``.
        """
        if isinstance(q, Independent):
            try:
                bound = self.expected_log_joint(q.mean.unsqueeze(-2), q.variance.unsqueeze(-2))
                return (-q.entropy() - bound.logsumexp(-1)).unsqueeze(-1)
            except NotImplementedError:
                pass
        return (log_q - self.log_joint(w.unsqueeze(-2)).logsumexp(-1)).mean(0).unsqueeze(-1)

    def sample_with_labels(self, n_samples: int) -> tuple[Tensor, Tensor]:
        """Draws of w ``(n, K)`` and the labels y ``(n,)`` they came from."""
        labels = Categorical(logits=self.log_weights).sample(torch.Size([n_samples]))
        draws = self.clusters(self.means()).sample(torch.Size([n_samples]))
        return draws[torch.arange(n_samples), labels], labels

    def mutual_information_floor(self, inverse_lipschitz: float) -> float:
        """Least mutual information of w and x in nats behind an inverse-Lipschitz decoder."""
        return self.clusters.mutual_information_floor(self.weights(), self.means(), inverse_lipschitz)

    def kl_floor(self, decoded_variance: Tensor, mean: Tensor, inverse_lipschitz: float) -> Tensor:
        """Least KL(q || p) of posteriors with the given trace of Cov f(w), ``(*,)``, and mean, ``(*, K)``."""
        return self.clusters.kl_floor(self.means(), decoded_variance, inverse_lipschitz)

    def ball_probability(self, radius: Tensor, centre: Tensor) -> Tensor:
        """The most that p gives balls of the given radius, ``(*,)``, wherever they are: that of a cluster around it."""
        return self.clusters.ball_probability(self.means(), radius)


LARGEST_DIAMETER = 100.0
"""Cap on the ball of a mean; a single cluster would have one without end."""
MARGIN = 1.05
MOST_MOVES = 1000


def separated(codes: Tensor, least_distance: float, least_value: float | None = None) -> Tensor:
    """Codes moved apart, the nearest pair first, until all are at least `least_distance` from each other.

    ``(C, K) -> (C, K)``; codes that are far enough apart stay where they are. Where a coordinate is then below
    `least_value` in one of them, it is lifted in all of them, which leaves their distances as they are.

    Examples
    --------
    >>> import torch
    >>> from sklid.nn import separated
    >>> separated(torch.tensor([[0.0], [0.5], [9.0]]), 1.5).round(decimals=2).flatten()
    tensor([-0.5100,  1.0100,  9.0000])
    """
    apart = _moved_apart(codes.clone(), least_distance)
    return apart if least_value is None else apart + (least_value - apart.min(0).values).clamp_min(0.0)


def _moved_apart(codes: Tensor, least_distance: float) -> Tensor:
    for _ in range(MOST_MOVES):
        distances = _distances(codes)
        first, second = divmod(int(distances.argmin()), len(codes))
        if distances.min() >= least_distance:
            return codes
        gap = codes[first] - codes[second]
        direction = gap / gap.norm() if gap.norm() > 0 else nn.functional.normalize(torch.randn_like(gap), dim=0)
        middle, step = (codes[first] + codes[second]) / 2, 0.507 * least_distance * direction
        codes[first], codes[second] = middle + step, middle - step
    while 0 < (nearest := _distances(codes).min()) < least_distance:
        codes = codes * (MARGIN * least_distance / nearest)  # far from the origin rounding takes part of a distance
    return codes


def _distances(codes: Tensor) -> Tensor:
    """Distances between codes, infinite on the diagonal: ``(C, K) -> (C, C)``."""
    return (
        torch.cdist(codes, codes, compute_mode="donot_use_mm_for_euclid_dist")
        + torch.full((len(codes),), torch.inf).to(codes).diag()
    )
