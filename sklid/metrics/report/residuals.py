r"""Residuals of rows under a model, that are independent noise where the model and its posterior are right.

With z a draw of p(z | x) the pair (x, z) is a draw of the model, so that given z the columns of x are independent with
the distributions of p(x | z) (Dawid 1984). Two tables follow: standardised residuals :math:`(x - E[x|z]) / sd(x|z)`, of
categories the indicators :math:`(1[x = v] - p_v) / \sqrt{p_v}`; and the normal scores

.. math:: u = \Phi^{-1}\big( F(x^- \mid z) + U \, p(x \mid z) \big), \qquad U \sim \text{uniform on } (0, 1)

(Dunn & Smyth, "Randomized quantile residuals", 1996), standard normal whatever the distribution.
"""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.distributions import Distribution, Independent, MultivariateNormal, Normal

from ..encodings import encodings_of
from ..importance import decoded_log_prob, decoder_of
from ..sources import View

__all__ = ["Residuals", "posterior_draw", "residuals_of", "rows_that_differ"]

N_PROPOSALS = 32
MOST_LEVELS = 64
"""Values of a discrete column that are summed over."""
LEAST_SPREAD = 1e-6
"""Least standard deviation by which a residual is divided: that of a Bernoulli of probability 0 or 1 is zero."""
LEAST_PROBABILITY = 1e-3
"""The same of a category."""
LARGEST = 1e100
"""Residuals from which squares would overflow."""
ROUNDS = 6
"""Of the variance of the noise against draws that are as wide."""
EDGE = 1e-9
"""Least distance of a probability from 0 and 1 before it becomes a normal score."""


class Residuals(NamedTuple):
    """What is left of rows that a model has explained; each is None where it is not known.

    Attributes
    ----------
    standardised : Tensor of shape (N, D, V) or None
        V numbers of each column: 1, or one for each category.
    scores : Tensor of shape (N, D) or None
        Normal scores.
    has_scale : bool
        Whether the family has noise of any size, so that residuals count in units of their own spread.
    has_one_scale : bool
        Whether that noise is the same in every column, so that a column that varies more than others holds a direction.
    """

    standardised: Tensor | None
    scores: Tensor | None
    has_scale: bool
    has_one_scale: bool


def rows_that_differ(view: View, most: int) -> View:
    """At most so many rows in order, of real numbers without those that repeat an earlier one, which tell nothing."""
    n_rows = len(view.rows)
    chosen = torch.arange(n_rows) if n_rows <= most else torch.randperm(n_rows)[:most].sort().values
    flat = view.rows[chosen].flatten(1).cpu().numpy()
    if (flat == np.round(flat)).all():
        return view.at(chosen)
    first = np.sort(np.unique(flat, axis=0, return_index=True)[1])
    return view.at(chosen[torch.from_numpy(first)])


def posterior_draw(view: View) -> Tensor:
    """A draw of p(z | x) for each row, ``(N, K)``: one of 32 of the encoder's, by importance resampling."""
    drawn = []
    for block in view.blocks(N_PROPOSALS):
        q, p = encodings_of(block)
        z = q.sample(torch.Size([N_PROPOSALS]))
        log_weights = (decoded_log_prob(block, z) + p.log_prob(z) - q.log_prob(z)).double()
        chosen = torch.multinomial(log_weights.nan_to_num(-1e30, -1e30, -1e30).softmax(0).T, 1).squeeze(1)
        drawn.append(z[chosen, torch.arange(z.shape[1], device=z.device)])
    return torch.cat(drawn)


def residuals_of(view: View, z: Tensor, centre: Tensor) -> Residuals:
    """The residuals of the rows at draws of their latents, and at their means, each ``(N, K)``."""
    p, x = _by_column(decoder_of(view)(z)), view.features
    if isinstance(p, MultivariateNormal):
        whitened = torch.linalg.solve_triangular(p.scale_tril, (x - p.mean).unsqueeze(-1), upper=False)
        return Residuals(_finite(whitened.double()), _finite(whitened.squeeze(-1).double()), True, False)
    if p.event_shape or p.batch_shape != x.shape:
        return Residuals(None, None, False, False)
    n_levels = _number_of_levels(p, x)
    standardised = _finite(_standardised(p, x, n_levels))
    if not isinstance(p, Normal):
        return Residuals(standardised, _finite(_scores(p, x, n_levels)), hasattr(p, "scale"), False)
    scales = p.scale.flatten(1)
    has_one_scale = bool((scales == scales[:, :1]).all())
    at_centre = _standardised(_by_column(decoder_of(view)(centre)), x, 0)
    if standardised is not None and at_centre is not None:
        standardised = _finite(_in_noise_of_their_size(at_centre, standardised, has_one_scale))
    scores = None if standardised is None else standardised.squeeze(-1)
    return Residuals(standardised, scores, True, has_one_scale)


def _by_column(p: Distribution) -> Distribution:
    while isinstance(p, Independent):
        p = p.base_dist
    return p


def _in_noise_of_their_size(at_centre: Tensor, at_draw: Tensor, has_one_scale: bool) -> Tensor:
    """Residuals of Gaussian rows at draws that are as wide as the noise that the rows have, ``(N, D, 1)``.

    Draws of a model that takes too much noise are too wide and would leave more along its latents than beside them.
    """
    variance = torch.ones_like(at_draw[:1])
    for _ in range(ROUNDS):
        found = at_centre + variance.sqrt() * (at_draw - at_centre)
        variance = found.square().mean(0, keepdim=True)
        variance = variance.mean().expand_as(variance) if has_one_scale else variance
    return found


def _number_of_levels(p: Distribution, x: Tensor) -> int:
    """1 and the largest value of discrete rows; 0 of others."""
    try:
        is_discrete = bool(p.support.is_discrete)
    except NotImplementedError:
        is_discrete = False
    return int(x.max()) + 1 if is_discrete and bool((x == x.round()).all() and x.min() >= 0) else 0


def _standardised(p: Distribution, x: Tensor, n_levels: int) -> Tensor | None:
    """Residuals in standard deviations, ``(N, D, 1)``, or of categories that have no mean ``(N, D, V)``."""
    try:
        mean, spread = p.mean, p.stddev
    except NotImplementedError:
        mean = spread = torch.tensor(torch.nan)
    if torch.isfinite(mean).all():
        return ((x - mean) / spread.clamp_min(LEAST_SPREAD)).flatten(1).double().unsqueeze(-1)
    if not 0 < n_levels <= MOST_LEVELS:
        return None
    probabilities = torch.stack([_probability(p, value, x) for value in range(n_levels)], -1)
    seen = x.unsqueeze(-1) == torch.arange(n_levels, device=x.device)
    return ((seen.double() - probabilities) / probabilities.clamp_min(LEAST_PROBABILITY).sqrt()).flatten(1, -2)


def _scores(p: Distribution, x: Tensor, n_levels: int) -> Tensor | None:
    """Normal scores of values with a distribution function, or of few levels, ``(N, D)``."""
    try:
        below, at = p.cdf(x).double(), torch.zeros_like(x).double()
    except NotImplementedError:
        if not 0 < n_levels <= MOST_LEVELS:
            return None
        each = [_probability(p, value, x) for value in range(n_levels)]
        below = torch.stack([torch.where(x > value, mass, 0.0) for value, mass in enumerate(each)]).sum(0)
        at = torch.stack([torch.where(x == value, mass, 0.0) for value, mass in enumerate(each)]).sum(0)
    places = (below + torch.rand(at.shape, dtype=at.dtype, device=at.device) * at).clamp(EDGE, 1 - EDGE)
    return torch.special.ndtri(places).flatten(1)


def _probability(p: Distribution, value: int, x: Tensor) -> Tensor:
    return p.log_prob(torch.full_like(x, value)).exp().double()


def _finite(table: Tensor | None) -> Tensor | None:
    return table if table is not None and bool((table.abs() < LARGEST).all()) else None
