r"""Divergence and mutual information of the latent and the data under q, in nats.

.. math::
    KL = \frac1N \sum_n KL(q(z|x_n) \| p(z)), \qquad
    I_q(x, z) = \frac1N \sum_n E_{q(z|x_n)} \log \frac{q(z | x_n)}{q(z)}, \qquad
    KL(q(z) \| p(z)) = KL - I_q(x, z)

with the aggregate posterior :math:`q(z) = \frac1N \sum_n q(z | x_n)` (Hoffman & Johnson, "ELBO surgery", 2016). The
information is estimated over the whole set of rows and bracketed. With the row's own posterior in the average the
estimate errs low and is at most log N; without it it errs high, and so does KL (Poole et al., "On variational bounds of
mutual information", ICML 2019, section 2). Over mini-batches of B rows it would be at most log B.
"""

import math
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.distributions import Distribution
from torch.distributions import kl_divergence as closed_kl

from ..exceptions import CappedEstimateWarning, warn_user
from ..randomness import from_random_state
from .aggregate import aggregate_log_densities, most_evaluated
from .encodings import Encodings, draws_of, encodings, marginal, marginals, n_draws_of

__all__ = [
    "AggregatePosteriorKL",
    "Divergence",
    "MutualInformation",
    "aggregate_posterior_kl",
    "divergence_of",
    "information_by_latent",
    "information_of",
    "kl_divergence",
    "mutual_information",
    "standard_error",
]

PRIOR_NUMBERS = 1 << 18
"""Numbers in the latents whose density under the prior is computed at once."""
CAPPED_SHARE = 0.9
"""Share of log N above which the lower estimate says only that there is at least so much."""
MARGIN = 2.0
"""Standard errors added to either end of a bracket."""


class Divergence(NamedTuple):
    """Mean KL(q(z | x) || p(z)) in nats.

    Attributes
    ----------
    value : float
    per_dimension : array of shape (n_components,)
        Of the marginals; they add up to the value when posterior and prior factorise. nan where the marginals are not
        known.
    standard_error : float
        Of the mean over rows.
    """

    value: float
    per_dimension: NDArray[np.float64]
    standard_error: float


class MutualInformation(NamedTuple):
    """Mutual information of x and z in nats, with a bracket.

    Attributes
    ----------
    value : float
        The middle of the two estimates.
    lower, upper : float
        The estimates that err low and high, less and plus two standard errors.
    standard_error : float
        Of the mean over rows.
    capped : bool
        Whether the lower estimate is near its ceiling log N, so that the value says little and only the bracket holds.
    """

    value: float
    lower: float
    upper: float
    standard_error: float
    capped: bool


class AggregatePosteriorKL(NamedTuple):
    """KL(q(z) || p(z)) of the aggregate posterior in nats, with a bracket.

    Attributes
    ----------
    value, lower, upper, standard_error : float
    """

    value: float
    lower: float
    upper: float
    standard_error: float


def kl_divergence(
    first: Any, second: Any = None, *, random_state: int | np.random.RandomState | None = 0
) -> Divergence:
    """Mean divergence of the posteriors from the prior, in all and of each latent.

    Parameters
    ----------
    first, second
        A model and rows X, a pair (posterior, prior) of `torch.distributions`, or arrays (loc, scale) of shape
        (n_samples, n_components) for Gaussian posteriors under the standard normal prior.
    random_state : int, RandomState instance or None, default=0
        For at least 64 draws per row where there is no closed form: flows and mixtures.

    Returns
    -------
    divergence : Divergence

    Raises
    ------
    TypeError, ValueError
        If the arguments are no such pair, shapes differ, or a standard deviation is not positive.

    Examples
    --------
    >>> from sklid.metrics import kl_divergence
    >>> kl_divergence([[1.0, 0.0], [1.0, 0.0]], [[1.0, 1.0], [1.0, 1.0]]).per_dimension.tolist()
    [0.5, 0.0]
    """
    with from_random_state(random_state):
        return divergence_of(encodings(first, second))


def mutual_information(
    first: Any, second: Any = None, *, random_state: int | np.random.RandomState | None = 0
) -> MutualInformation:
    """Mutual information of x and z under q, over the whole set of rows.

    The aggregate posterior is the average over all rows, evaluated at one draw for each row, of at most 20 000 rows
    chosen at random, or of at most 1000 where posteriors are no diagonal Gaussians. Time grows with the square of the
    number of rows up to these and in proportion beyond, memory in proportion.

    Parameters
    ----------
    first, second
        As in `kl_divergence`.
    random_state : int, RandomState instance or None, default=0
        For the one draw of z per row.

    Returns
    -------
    information : MutualInformation

    Warns
    -----
    CappedEstimateWarning
        If there are too few rows to measure so much information.

    Examples
    --------
    >>> import numpy as np
    >>> from sklid.metrics import mutual_information
    >>> round(mutual_information(np.zeros((100, 2)), np.ones((100, 2))).upper, 6)
    0.0
    """
    with from_random_state(random_state):
        return _warned(information_of(encodings(first, second)))


def aggregate_posterior_kl(
    first: Any, second: Any = None, *, random_state: int | np.random.RandomState | None = 0
) -> AggregatePosteriorKL:
    """Divergence of the average of all posteriors from the prior, the part of the KL term that carries no information.

    Parameters
    ----------
    first, second, random_state
        As in `mutual_information`.

    Returns
    -------
    divergence : AggregatePosteriorKL

    Warns
    -----
    CappedEstimateWarning
        As `mutual_information`.

    Examples
    --------
    >>> import numpy as np
    >>> from sklid.metrics import aggregate_posterior_kl
    >>> round(aggregate_posterior_kl(np.ones((100, 1)), np.ones((100, 1))).value, 3)
    0.5
    """
    with from_random_state(random_state):
        encoded = encodings(first, second)
        total = divergence_of(encoded).value
        information = _warned(information_of(encoded))
    rest = (total - nats for nats in (information.value, information.upper, information.lower))
    return AggregatePosteriorKL(*(max(0.0, nats) for nats in rest), information.standard_error)


def divergence_of(encoded: Encodings) -> Divergence:
    """The same as `kl_divergence`, with draws from torch's generator."""
    q, p = encoded
    per_row = _divergences(q, p)
    pair = marginals(q), marginals(p)
    each = torch.full(q.event_shape, torch.nan) if None in pair else _divergences(*pair).mean(0)
    return Divergence(per_row.mean().item(), each.double().cpu().numpy(), standard_error(per_row))


def information_of(encoded: Encodings) -> MutualInformation:
    """The same as `mutual_information`, with draws from torch's generator and no warning."""
    return _bracket(*encoded)


def information_by_latent(q: Distribution) -> NDArray[np.float64]:
    """Mutual information of x and each latent alone, in nats: ``(K,)``, nan where marginals are not known.

    Draws are from torch's generator.
    """
    each = marginals(q)
    if each is None:
        return np.full(q.event_shape, np.nan)
    return np.array([_bracket(marginal(each, number)).value for number in range(q.event_shape[0])])


def _divergences(q: Distribution, p: Distribution) -> Tensor:
    """KL(q || p) over the batch shape of q, in closed form or from draws."""
    try:
        return closed_kl(q, p)
    except NotImplementedError:
        return sum((q.log_prob(z) - _log_prob(p, z)).sum(0) for z in draws_of(q)) / n_draws_of(q)


def _log_prob(p: Distribution, z: Tensor) -> Tensor:
    """Log p(z) of draws ``(S, N, K)`` in blocks: a mixture needs room for every cluster."""
    flat = z.flatten(0, 1)
    log_probs = torch.empty(flat.shape[: flat.dim() - len(p.event_shape)], dtype=z.dtype, device=z.device)
    step = max(1, PRIOR_NUMBERS // flat.shape[-1])
    for start in range(0, len(flat), step):
        log_probs[start : start + step] = p.log_prob(flat[start : start + step])
    return log_probs.unflatten(0, z.shape[:2])


def _bracket(q: Distribution, p: Distribution | None = None) -> MutualInformation:
    """The two estimates from one draw per row; the upper is at most the divergence from a prior."""
    n_rows = q.batch_shape[0]
    z = q.sample()
    most = most_evaluated(q)
    evaluated = torch.arange(n_rows) if n_rows <= most else torch.randperm(n_rows)[:most]
    own, others = aggregate_log_densities(q, z, evaluated)
    with_itself = own - (torch.logaddexp(own, others) - math.log(n_rows))
    without_itself = own - (others - math.log(n_rows - 1)) if n_rows > 1 else with_itself
    lower, error = max(0.0, with_itself.mean().item()), standard_error(with_itself)
    highs = [without_itself] if p is None else [without_itself, _divergences(q, p).double()]
    high = min(highs, key=lambda per_row: per_row.mean().item())
    upper = max(lower, high.mean().item())
    bracket = max(0.0, lower - MARGIN * error), upper + MARGIN * standard_error(high)
    return MutualInformation((lower + upper) / 2, *bracket, error, lower > CAPPED_SHARE * math.log(n_rows))


def standard_error(per_row: Tensor) -> float:
    """Of the mean of a quantity measured on independent rows; nan for one row."""
    return (per_row.std() / len(per_row) ** 0.5).item() if len(per_row) > 1 else math.nan


def _warned(information: MutualInformation) -> MutualInformation:
    if information.capped:
        warn_user(
            f"The rows are too few to measure so much information: it lies between {information.lower:.1f} and "
            f"{information.upper:.1f} nats. Use the bracket rather than the value, or more rows.",
            CappedEstimateWarning,
        )
    return information
