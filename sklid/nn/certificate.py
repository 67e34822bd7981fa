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

Bounded families (Bernoulli, Poisson, categorical) have no such floor: their noise vanishes at the edges.
"""

import math

import torch
from torch import Tensor

__all__ = [
    "kl_floor",
    "mixture_kl_floor",
    "mixture_mutual_information_floor",
    "mutual_information_floor",
]


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
