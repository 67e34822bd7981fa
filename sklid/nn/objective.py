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
from torch.distributions import Distribution, Independent, Normal, kl_divergence

__all__ = ["Bound", "iwae", "kl_estimate", "kl_estimates"]


class Bound(NamedTuple):
    """The two terms of the evidence lower bound of each row, in nats.

    Attributes
    ----------
    reconstruction : Tensor of shape (*,)
        E_q[log p(x | z)].
    divergences : Tensor of shape (*, G)
        Parts of KL(q(z | x) || p(z)) that add up to it: one for each latent where posterior and prior factorise, else
        one for all.
    """

    reconstruction: Tensor
    divergences: Tensor

    @property
    def kl(self) -> Tensor:
        """KL(q(z | x) || p(z)): ``(*,)``."""
        return self.divergences.sum(-1)

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


def kl_estimates(q: Distribution, p: Distribution, z: Tensor, log_q: Tensor) -> Tensor:
    """The same in parts that add up, ``(*, G)``: one per latent where both factorise into normals, else one for all."""
    if all(isinstance(each, Independent) and isinstance(each.base_dist, Normal) for each in (q, p)):
        return kl_divergence(q.base_dist, p.base_dist)  # type: ignore[attr-defined]
    return kl_estimate(q, p, z, log_q).unsqueeze(-1)
