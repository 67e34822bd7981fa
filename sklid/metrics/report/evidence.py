r"""Measurements that tell the causes of collapse apart, on a model and a sample of rows.

*Does the likelihood depend on the latent?* Redrawing all latents, or one, from the prior changes the distribution of
x by

.. math:: J = E \, KL(p(x \mid z) \| p(x \mid z')), \qquad J_d = E \, KL(p(x \mid z) \| p(x \mid z_{-d}, z_d')),

and convexity of the divergence gives :math:`I(z; x) \le J` and :math:`I(z_d; x \mid z_{-d}) \le J_d`: a latent with a
small J cannot matter.

*Does the exact posterior move?* With weights :math:`w_s \propto p(x \mid z_s)` of S prior draws,

.. math:: KL(p(z \mid x) \| p(z)) \approx \sum_s w_s \log(S w_s) \le \log S.
"""

import math
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.distributions import Distribution, kl_divergence

from ..importance import decoded_log_prob, decoder_of
from ..sources import BLOCK_NUMBERS, View

__all__ = ["WeightedDraws", "likelihood_variation", "posterior_by_prior_draws"]

N_PRIOR_DRAWS = 1024
N_PAIRS = 512


def likelihood_variation(view: View, prior: Distribution) -> tuple[float, NDArray[np.float64]]:
    """J, and J_d of every latent: bounds in nats on the information that the model can put into all and into each."""
    z, other = prior.sample(torch.Size([N_PAIRS])), prior.sample(torch.Size([N_PAIRS]))
    decode = decoder_of(view)
    p = decode(z)
    each = []
    for latent in range(z.shape[-1]):
        redrawn = z.clone()
        redrawn[:, latent] = other[:, latent]
        each.append(_mean_divergence(p, decode(redrawn)))
    return _mean_divergence(p, decode(other)), np.array(each)


class WeightedDraws(NamedTuple):
    """The exact posteriors of some rows as weighted prior draws.

    Attributes
    ----------
    divergence : float
        Mean KL of the posterior from the prior in nats, at most log S.
    weights, draws : Tensors of shape (N, S) and (S, n_components)
    """

    divergence: float
    weights: Tensor
    draws: Tensor


def posterior_by_prior_draws(view: View, prior: Distribution) -> WeightedDraws:
    """The exact posteriors of the rows, from draws that all rows share."""
    z = prior.sample(torch.Size([N_PRIOR_DRAWS]))
    log_weights = _log_prob_of_all_pairs(view, z).double().log_softmax(-1)
    weights = log_weights.exp()
    divergence = (weights * (log_weights + math.log(N_PRIOR_DRAWS))).nan_to_num(0.0).sum(-1).mean().item()
    return WeightedDraws(divergence, weights, z)


def _log_prob_of_all_pairs(view: View, z: Tensor) -> Tensor:
    """Log p(x | z) of every row under each of the latents ``(S, K)``: ``(N, S)``."""
    if view.given is not None:  # a row has a likelihood of its own
        blocks = ((block, z.unsqueeze(1).expand(-1, len(block.rows), -1)) for block in view.blocks(len(z)))
        return torch.cat([decoded_log_prob(block, latents).T for block, latents in blocks])
    p = decoder_of(view)(z)
    n_rows = max(1, BLOCK_NUMBERS // (len(z) * view.rows[:1].numel()))
    blocks = view.rows.split(n_rows)
    return torch.cat([p.log_prob(rows.unsqueeze(1)).reshape(len(rows), len(z), -1).sum(-1) for rows in blocks])


def _mean_divergence(p: Distribution, other: Distribution) -> float:
    """Average over rows of KL(p || other), in closed form or from one draw each."""
    try:
        divergences = kl_divergence(p, other)
    except NotImplementedError:
        x = p.sample()
        divergences = p.log_prob(x) - other.log_prob(x)
    return max(0.0, divergences.reshape(len(divergences), -1).sum(-1).mean().item())
