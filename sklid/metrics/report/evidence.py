r"""Measurements that tell the causes of collapse apart, on a model and a sample of rows.

*Does the likelihood depend on the latent?* Redrawing all latents, or one, from the prior changes the distribution of
x by

.. math:: J = E \, KL(p(x \mid z) \| p(x \mid z')), \qquad J_d = E \, KL(p(x \mid z) \| p(x \mid z_{-d}, z_d')),

and convexity of the divergence gives :math:`I(z; x) \le J` and :math:`I(z_d; x \mid z_{-d}) \le J_d`: a latent with a
small J cannot matter.

*Does the exact posterior move?* With weights :math:`w_s \propto p(x \mid z_s)` of S prior draws,

.. math:: KL(p(z \mid x) \| p(z)) \approx \sum_s w_s \log(S w_s) \le \log S.

*Is there a direction in the data that no latent explains?* A small random effect along u adds :math:`\tfrac12 a^2
(u^\top R u - 1)` nats to the log-likelihood, with R the covariance of the standardised residuals (a score test). So
an eigenvalue of R must exceed 1, and what sampling makes of residuals of variance v without a direction, about
:math:`v (1 + \sqrt{D/N})^2` (Marchenko & Pastur 1967).
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

__all__ = ["WeightedDraws", "likelihood_variation", "posterior_by_prior_draws", "unexplained_direction"]

N_PRIOR_DRAWS = 1024
N_PAIRS = 512
MOST_RESIDUALS = 2_000
LEAST_VARIANCE = 1e-3
"""Least variance of a column's residuals for it to count: a pixel that is always blank tells nothing."""
LEAST_SPREAD = 1e-6
"""Least standard deviation by which a residual is divided: that of a Bernoulli of probability 0 or 1 is zero."""


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


def unexplained_direction(view: View, means: Tensor) -> float:
    """Largest eigenvalue of the residuals' covariance over what it must exceed; nan where p(x | z) has no moments.

    The residuals are those at the encoder's posterior means ``(N, K)``, of at most 2000 rows: with fewer rows the
    eigenvalue must exceed more. The variance v of the residuals is taken to be the mean of the eigenvalues weighted
    by themselves, and at most 1; it is less where the model expects more noise than there is, as a Bernoulli does of
    grey values.
    """
    chosen = torch.randperm(len(view.rows))[:MOST_RESIDUALS]
    view = view.at(chosen)
    p = decoder_of(view)(means[chosen])
    try:
        residuals = ((view.rows - p.mean) / p.stddev.clamp_min(LEAST_SPREAD)).flatten(1).double()
    except NotImplementedError:
        return math.nan
    if not torch.isfinite(residuals).all() or len(residuals) < 2:
        return math.nan
    residuals = residuals - residuals.mean(0)
    residuals = residuals[:, residuals.var(0) > LEAST_VARIANCE]
    n_rows, n_columns = residuals.shape
    if not n_columns:
        return 0.0
    products = residuals @ residuals.T if n_rows < n_columns else residuals.T @ residuals
    eigenvalues = torch.linalg.eigvalsh(products) / n_rows
    variance = min(1.0, (eigenvalues.square().sum() / eigenvalues.sum()).item())
    return eigenvalues[-1].item() / max(1.0, variance * (1 + (n_columns / n_rows) ** 0.5) ** 2)


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
