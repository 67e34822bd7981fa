r"""Log-densities of latents under the aggregate posterior, the average of the posteriors of all rows.

.. math:: \log q(z_i) = \log \frac1N \sum_j q(z_i | x_j)

All pairs of a latent and a row are needed, so they are made in blocks.
"""

import math
from typing import Any

import torch
from torch import Tensor
from torch.distributions import Distribution, Independent, Normal

__all__ = ["aggregate_log_densities", "most_evaluated"]

TABLE_NUMBERS = 1 << 22
"""Log-densities of latents under posteriors held at once: 32 MB."""

MOST_EVALUATED, MOST_EVALUATED_ONE_BY_ONE = 20_000, 1_000
"""Rows at whose draws the aggregate posterior of all rows is evaluated: of diagonal Gaussians, and of others."""


def most_evaluated(q: Distribution) -> int:
    """At the draws of how many rows the aggregate posterior is evaluated at most."""
    return MOST_EVALUATED if _is_diagonal(q) else MOST_EVALUATED_ONE_BY_ONE


def aggregate_log_densities(q: Distribution, z: Tensor, evaluated: Tensor) -> tuple[Tensor, Tensor]:
    """Log q(z_i | x_i) and the log of the sum of q(z_i | x_j) over the other rows j, for the rows i to evaluate.

    In blocks and in double precision.
    """
    log_table = _gaussian_table(q) if _is_diagonal(q) else _general_table(q)
    # small tensors made between large ones would keep their memory from going back
    own, others = torch.empty(2, len(evaluated), dtype=torch.float64)
    step = max(1, TABLE_NUMBERS // len(z))
    for start in range(0, len(evaluated), step):
        places = evaluated[start : start + step]
        table = log_table(z[places]).double().cpu()
        diagonal = torch.arange(len(places)), places
        own[start : start + step] = table[diagonal]
        table[diagonal] = -math.inf
        others[start : start + step] = table.logsumexp(1)
    return own, others


def _is_diagonal(q: Distribution) -> bool:
    """Whether they are diagonal Gaussians, of several latents or of one."""
    return isinstance(q, Normal) or (isinstance(q, Independent) and isinstance(q.base_dist, Normal))


def _gaussian_table(q: Distribution) -> Any:
    """Latents ``(B, K)`` or ``(B,)`` to their log-densities under all N Gaussians, ``(B, N)``, as two products."""
    loc, scale = (moment.double().reshape(len(moment), -1) for moment in (q.mean, q.stddev))
    precision = scale.square().reciprocal()
    constant = -(
        scale.log().sum(-1) + 0.5 * loc.shape[1] * math.log(2 * math.pi) + 0.5 * (loc.square() * precision).sum(-1)
    )
    shifted = loc * precision

    def log_table(z: Tensor) -> Tensor:
        z = z.double().reshape(len(z), -1)
        return constant + z @ shifted.T - 0.5 * z.square() @ precision.T

    return log_table


def _general_table(q: Distribution) -> Any:
    """The same for any posterior, latent by latent: a flow takes as many latents as it has posteriors."""
    return lambda z: torch.stack([q.log_prob(latent.expand(*q.batch_shape, *q.event_shape)) for latent in z])
