r"""What an inverse-Lipschitz decoder guarantees about information, for Gaussian likelihoods in noise units.

With :math:`z \sim N(0, I_K)`, :math:`x = s(f(z) + \varepsilon)` and :math:`|f(z) - f(z')| \ge r |z - z'|`,

.. math:: I(z; x) \ge \tfrac{K}{2} \log(1 + r^2)

because z is an r-contraction of f(z), and a contraction lowers entropy along the heat flow (Aishwarya & Li, arXiv
2409.03664); equality for r times an isometry. This speaks of the model p(z) p(x | z), not of an encoder. For any
posterior q with :math:`c = \operatorname{tr} Cov_q f(z)`,

.. math:: KL(q \| N(0, I)) \ge \tfrac{K}{2} h\!\left(\frac{c}{r^2 K}\right) + \tfrac12 |E_q z|^2, \qquad
    h(t) = t - 1 - \log t, \quad c < r^2 K,

since :math:`\operatorname{tr} Cov_q z \le c / r^2` and, at given mean and total variance, an isotropic Gaussian is
nearest to N(0, I): a good reconstruction has a positive divergence. Under a mixture of :math:`N(\mu_c, \Sigma_c)` with
:math:`\Sigma_c \ge \tau^2 I`,

.. math:: I(w; x) \ge \sum_c \pi_c \tfrac12 \log\det(I + r^2 \Sigma_c), \quad
    KL(q \| p) \ge \tfrac K2 \left( \log \frac{\tau^2 r^2 K}{c} - 1 \right).

These are Gaussian clusters. For independent coordinates of any law, the channel r w_k + e_k loses nothing by the
entropy-power inequality, and with the entropy power :math:`N(w_k) = e^{2 h(w_k)} / 2 \pi e` in place of the variance
the first floor holds; the second holds with the largest density of p,

.. math:: I(w; x) \ge \sum_c \pi_c \sum_k \tfrac12 \log(1 + r^2 N(w_k \mid c)), \quad
    KL(q \| p) \ge - \tfrac K2 \log \frac{2 \pi e \, c}{r^2 K} - \log \max_w p(w),

since q has at most the entropy of a Gaussian of its covariance. That density also bounds the probability of a ball.

c is a mean of squares, and of one whose tails are not known draws give no upper confidence limit (Bahadur & Savage
1956). Where the moments of q are known, c is known to be at least :math:`r^2 \operatorname{tr} Cov_q z`. Where they are
not, draws tell shares of q: the ball around a point that holds the j draws nearest to it, of S, holds at least the
:math:`\delta`-quantile of Beta(j, S + 1 - j) of q, with confidence :math:`1 - \delta` and whatever q is (Wilks 1941).
If it is rarer under p, that is a divergence (data processing),

.. math:: KL(q \| p) \ge a \log\frac{a}{b} + (1 - a) \log\frac{1 - a}{1 - b}, \qquad
    q(\text{ball}) \ge a \ge b \ge p(\text{ball}).

Bounded families (Bernoulli, Poisson, categorical) have no such floor: their noise vanishes at the edges.
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor
from torch.distributions import Binomial, Poisson

__all__ = [
    "ball_kl_floor",
    "ball_probability",
    "kl_floor",
    "mixture_kl_floor",
    "mixture_mutual_information_floor",
    "mutual_information_floor",
    "peak_ball_probability",
    "peak_kl_floor",
]

CONFIDENCE = 0.999
"""Of a floor from draws of a posterior whose moments are not known."""
SHARES = (1.0, 0.9, 0.7, 0.5)
"""Of the draws, that the balls hold: wide ones tell of narrow posteriors, narrow ones of wide posteriors."""
LEAST_PROBABILITY = 1e-12
"""Below it a bound stands for the distribution function, which loses its digits there."""
LEAST_FLOAT = torch.finfo(torch.float64).tiny
FARTHEST, N_TERMS, N_HALVINGS = 10.0, 160, 50
"""Distance of a centre from which on a bound stands for it, terms of its average, and halvings to find a share."""


def mutual_information_floor(n_components: int, inverse_lipschitz: float) -> float:
    """Least mutual information of z and x in nats, (K / 2) log(1 + r^2).

    Examples
    --------
    >>> from sklid.nn import mutual_information_floor
    >>> round(mutual_information_floor(10, 1.0), 2)
    3.47
    """
    return 0.5 * n_components * math.log1p(inverse_lipschitz**2)


def kl_floor(decoded_variance: Tensor, mean: Tensor, inverse_lipschitz: float) -> Tensor:
    """Least KL(q || N(0, I)) in nats of a posterior: ``(*,), (*, K) -> (*,)``.

    Given are its trace of Cov f(z), in noise units, and its mean.
    """
    n_components = mean.shape[-1]
    share = (decoded_variance / (inverse_lipschitz**2 * n_components)).clamp(max=1.0)
    return 0.5 * n_components * (share - 1 - share.log()) + 0.5 * mean.square().sum(-1)


def mixture_mutual_information_floor(weights: Tensor, scales: Tensor, inverse_lipschitz: float) -> float:
    """Least mutual information of w and x in nats: the floors of the components, averaged.

    Their principal standard deviations are of shape ``(C, K)``.
    """
    return 0.5 * (weights * torch.log1p((inverse_lipschitz * scales).square()).sum(-1)).sum().item()


def mixture_kl_floor(
    decoded_variance: Tensor, n_components: int, least_scale: Tensor | float, inverse_lipschitz: float
) -> Tensor:
    """Least KL(q || mixture) in nats of a posterior with the given trace of Cov f(w), in noise units: ``(*,) -> (*,)``.

    The density of the mixture is at most that of its narrowest component at its mean, and q has at most the entropy of
    an isotropic Gaussian.
    """
    share = decoded_variance / ((inverse_lipschitz * least_scale) ** 2 * n_components)
    return (-0.5 * n_components * (share.log() + 1)).clamp_min(0.0)


def peak_kl_floor(
    decoded_variance: Tensor, n_components: int, log_peak: Tensor | float, inverse_lipschitz: float
) -> Tensor:
    """Least KL(q || p) in nats of a posterior with the given trace of Cov f(w), in noise units: ``(*,) -> (*,)``.

    The density of p is nowhere above its peak, and q has at most the entropy of an isotropic Gaussian.
    """
    variance = decoded_variance / (inverse_lipschitz**2 * n_components)
    return (-0.5 * n_components * (variance.log() + math.log(2 * math.pi) + 1) - log_peak).clamp_min(0.0)


def peak_ball_probability(radius: Tensor, n_components: int, log_peak: Tensor | float) -> Tensor:
    """The most that a density which is nowhere above its peak gives a ball of a radius: ``(*,) -> (*,)``, in doubles.

    It is the peak times the volume.
    """
    log_volume = 0.5 * n_components * math.log(math.pi) - math.lgamma(0.5 * n_components + 1)
    return (log_peak + log_volume + n_components * radius.double().log()).exp().clamp_max(1.0)


def ball_kl_floor(distances: Tensor, probability: Callable[[Tensor], Tensor]) -> Tensor:
    """Least KL(q || p) in nats, with confidence .999, from draws of any posteriors: ``(S, *) -> (*,)``.

    Parameters
    ----------
    distances : Tensor of shape (S, *)
        Of the draws from a point that does not depend on them.
    probability : callable
        Radii ``(*,)`` of balls around that point to the most that p gives them.
    """
    n_draws, radii = len(distances), distances.sort(0).values
    numbers = sorted({math.ceil(share * n_draws) for share in SHARES})
    floors = []
    for number in numbers:
        a = _share(number, n_draws, (1 - CONFIDENCE) / len(numbers))
        b = probability(radii[number - 1]).clamp(LEAST_FLOAT, a)
        floors.append(a * (math.log(a) - b.log()) + (1 - a) * (math.log1p(-a) - torch.log1p(-b)))
    return torch.stack(floors).max(0).values


def ball_probability(radius: Tensor, centre: Tensor) -> Tensor:
    r"""The most that N(0, I) gives the ball of a radius ``(*,)`` around a centre ``(*, K)``: ``(*,)``, in doubles.

    It is the distribution function of a noncentral chi-squared number, that of a chi-squared one with K + 2J degrees of
    freedom averaged over J from a Poisson distribution; or where that is small, or the centre far away, Chernoff's
    bound :math:`\exp(\tfrac12 (1/s - 1)(\rho^2 - s |m|^2)) s^{K/2}` at its best s.
    """
    K, square, distance = centre.shape[-1], radius.double().square(), centre.double().square().sum(-1)
    s = 2 * square / (K + (K**2 + 4 * distance * square).sqrt())
    s = s.clamp(LEAST_FLOAT, 1.0)
    bound = (0.5 * (1 / s - 1) * (square - s * distance) + 0.5 * K * s.log()).exp()
    numbers = torch.arange(N_TERMS, dtype=square.dtype, device=square.device)
    shares = Poisson(distance.clamp_max(FARTHEST**2).unsqueeze(-1) / 2, validate_args=False).log_prob(numbers).exp()
    exact = (shares * torch.special.gammainc(0.5 * K + numbers, square.unsqueeze(-1) / 2)).sum(-1)
    return torch.where((exact > LEAST_PROBABILITY) & (distance < FARTHEST**2), exact, bound)


def _share(number: int, n_draws: int, error: float) -> float:
    """The share of a distribution that so many of its draws are found in with at most that probability."""
    counts = torch.arange(number, n_draws + 1, dtype=torch.float64)
    low, high = 0.0, 1.0
    for _ in range(N_HALVINGS):
        middle = torch.tensor((low + high) / 2, dtype=torch.float64)
        found = Binomial(n_draws, middle).log_prob(counts).logsumexp(0).exp()
        low, high = (middle.item(), high) if found <= error else (low, middle.item())
    return low
