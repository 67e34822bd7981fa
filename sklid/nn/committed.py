r"""Posteriors that cannot be the prior, whatever their networks say.

Under the prior N(0, 1), the divergence of one latent is

.. math:: KL(N(\mu, \sigma^2) \| N(0, 1)) = \tfrac12 (\mu^2 + \sigma^2 - 1) - \log \sigma.

`CommittedPosterior` bounds the scale away from 1, `NormalisedPosterior` fixes the spread of the means over the rows.
"""

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .posterior import MINIMAL_SCALE, GaussianPosterior

__all__ = ["CommittedPosterior", "NormalisedPosterior", "largest_scale"]

MOST_SHARE = 0.99
"""Of the way from the least scale to the largest, where a scale starts that should be larger."""


def largest_scale(rate: float) -> float:
    """The standard deviation below 1 of a normal distribution of mean 0 whose divergence from N(0, 1) is `rate` nats.

    Examples
    --------
    >>> from sklid.nn.committed import largest_scale
    >>> round(largest_scale(0.1), 3)
    0.702
    """
    lower, upper = math.exp(-rate - 0.5), 1.0  # where the divergence is above rate, and where it is 0
    for _ in range(60):
        middle = (lower + upper) / 2
        lower, upper = (middle, upper) if (middle**2 - 1) / 2 - math.log(middle) > rate else (lower, middle)
    return lower


class CommittedPosterior(GaussianPosterior):
    r"""Gaussian whose divergence from N(0, I) is at least a given rate, in every latent and for every row.

    .. math:: q(z \mid x) = N(\mu(x), \operatorname{diag} \sigma^2(x)), \qquad \sigma_k(x) < \sigma_\delta < 1, \qquad
        \tfrac12 (\sigma_\delta^2 - 1) - \log \sigma_\delta = \delta

    (the committed rate of Razavi, van den Oord, Poole & Vinyals, "Preventing Posterior Collapse with delta-VAEs", ICLR
    2019, for independent latents.)

    Parameters
    ----------
    n_inputs, n_components : int
    rate : float
        The least divergence of each latent, in nats; above 0.
    **options
        As in `GaussianPosterior`.
    """

    def __init__(self, n_inputs: int, n_components: int, rate: float, **options: Any) -> None:
        super().__init__(n_inputs, n_components, **options)
        self.largest = largest_scale(rate)
        self.least = min(MINIMAL_SCALE, self.largest / 2)

    def scale(self, raw: Tensor) -> Tensor:
        """Standard deviations between a least and the largest: ``(*, K) -> (*, K)``."""
        return self.least + (self.largest - self.least) * torch.sigmoid(raw)

    def raw(self, scale: Tensor) -> Tensor:
        """What the networks have to say for given standard deviations: ``(*, K) -> (*, K)``."""
        share = (scale - self.least) / (self.largest - self.least)
        return torch.logit(share.clamp(1 - MOST_SHARE, MOST_SHARE))


class NormalisedPosterior(GaussianPosterior):
    r"""Gaussian whose means have a fixed standard deviation over the rows of a batch.

    .. math:: \mu_k(x) = \gamma \, \frac{m_k(x) - \operatorname{mean} m_k}{\operatorname{std} m_k} + b_k

    so that the divergence from N(0, I), averaged over the batch, is at least :math:`K \gamma^2 / 2` (Zhu, Bi, Liu, Ma,
    Li & Wu, "A Batch Normalized Inference Network Keeps the KL Vanishing Away", ACL 2020). Out of training mean and
    standard deviation are running averages of those of the batches.

    Parameters
    ----------
    n_inputs, n_components : int
    spread : float
        The gamma.
    **options
        As in `GaussianPosterior`.
    """

    mean: Tensor
    variance: Tensor

    def __init__(self, n_inputs: int, n_components: int, spread: float, **options: Any) -> None:
        super().__init__(n_inputs, n_components, **options)
        self.spread = spread
        self.offset = nn.Parameter(torch.zeros(n_components))
        self.register_buffer("mean", torch.zeros(n_components))
        self.register_buffer("variance", torch.ones(n_components))

    def location(self, loc: Tensor) -> Tensor:
        """The normalised means: ``(*, K) -> (*, K)``."""
        rows = loc.reshape(-1, loc.shape[-1])
        uses_batch = self.training and len(rows) > 1  # one row has no spread
        spread = torch.full_like(self.offset, self.spread)
        return F.batch_norm(rows, self.mean, self.variance, spread, self.offset, uses_batch).reshape(loc.shape)
