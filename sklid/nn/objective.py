r"""Bounds on the log-likelihood, as functions of tensors; all in nats per row.

.. math::
    \text{ELBO}(x) = E_q[\log p(x \mid z)] - KL(q(z \mid x) \| p(z)) \le
    \text{IWAE}_S(x) = E\,\log \frac1S \sum_s \frac{p(x, z_s)}{q(z_s \mid x)} \le \log p(x)

(Kingma & Welling 2014; Burda, Grosse & Salakhutdinov 2016, equation 8.)
"""

import math
from typing import NamedTuple

import torch
from torch import Tensor
from torch.distributions import Distribution, kl_divergence

__all__ = ["Bound", "gaussian_kl", "iwae", "kl_estimate"]


class Bound(NamedTuple):
    """The two terms of the evidence lower bound of each row, in nats.

    Attributes
    ----------
    reconstruction : Tensor of shape (*,)
        E_q[log p(x | z)].
    kl : Tensor of shape (*,)
        KL(q(z | x) || p(z)).
    """

    reconstruction: Tensor
    kl: Tensor

    def elbo(self, kl_weight: float = 1.0) -> Tensor:
        """Reconstruction less the weighted divergence: ``(*,)``."""
        return self.reconstruction - kl_weight * self.kl


def iwae(log_weights: Tensor) -> Tensor:
    """Importance-weighted bound from log p(x, z_s) - log q(z_s | x): ``(S, *) -> (*,)``.

    Examples
    --------
    >>> import torch
    >>> from sklid.nn import iwae
    >>> iwae(torch.tensor([[0.0], [0.0]]))
    tensor([0.])
    """
    return torch.logsumexp(log_weights, dim=0) - math.log(log_weights.shape[0])


def kl_estimate(q: Distribution, p: Distribution, z: Tensor, log_q: Tensor) -> Tensor:
    """KL(q || p) of each row: in closed form where there is one, else the average over the draws z ``(S, *, K)``."""
    try:
        return kl_divergence(q, p)
    except NotImplementedError:
        return (log_q - p.log_prob(z)).mean(0)


def gaussian_kl(loc: Tensor, scale: Tensor) -> Tensor:
    """KL(N(loc, scale^2) || N(0, 1)) of each latent dimension: ``(*, K) -> (*, K)``."""
    return 0.5 * (loc.square() + scale.square() - 1) - scale.log()
