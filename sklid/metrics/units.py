r"""How many latents are in use, and how many are worth having.

A latent is *active* when its posterior mean varies over the data (Burda et al. 2016). A model that is inverse-Lipschitz
by construction keeps every latent active, on white noise too; so activity proves nothing there. A latent is
*informative* when the model without it, the latent held at its prior mean in the likelihood,

.. math:: p_{-d}(x) = \int p(x \mid z_{-d}, z_d = E z_d) \, p(z_{-d}) \, dz_{-d},

explains rows worse than the whole model does, by more than two standard errors and a thousandth of a nat. Both
likelihoods are estimated by the same noise, so that draws of the other latents differ by what follows from the value of
this one alone, and the errors of the two nearly cancel (common random numbers; Owen, "Monte Carlo theory, methods and
examples", section 8.6). What the estimate of the smaller likelihood errs low by beyond the other, to first order in the
variance of their weights, does not count.
"""

import math
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.utils import check_array
from torch import Tensor
from torch.distributions import Distribution, MultivariateNormal

from ..nn.draws import standard_noise
from ..randomness import from_random_state
from ..surroundings import ordinary_settings
from ..validation import checked_size
from .encodings import Encodings, encodings, encodings_of, without
from .gaussians import fitted, held, moved, noise_of_others
from .importance import gaussian, joint, joint_without, likelihood_by
from .sources import View, is_model, view_of

__all__ = [
    "ACTIVE_VARIANCE",
    "ActiveUnits",
    "InformativeUnits",
    "active_units",
    "informative_units",
    "informative_units_of",
]

ACTIVE_VARIANCE = 0.01
"""Least variance of the posterior mean of an active latent."""
SIGNIFICANCE = 2.0
"""Standard errors by which a latent must raise the log-likelihood."""
LEAST_GAIN = 1e-3
"""Nats by which it must do so, which keeps rounding errors from counting."""
MOST_ROWS = 1000
N_STEPS = 8
"""Of Newton's method for the posteriors with and without a latent."""
LEAST_COPIES = 64
"""Of a row, as its gradients need room."""
MOST_REFITTED = 6
"""Latents of a model whose covariances are fitted anew for each latent that is left out."""


class ActiveUnits(NamedTuple):
    """Active units: their share of the latents, their count, and the variance over rows of each posterior mean.

    Attributes
    ----------
    fraction : float
    count : int
    active : bool array of shape (n_components,)
    variances : array of shape (n_components,)
    """

    fraction: float
    count: int
    active: NDArray[np.bool_]
    variances: NDArray[np.floating]


class InformativeUnits(NamedTuple):
    """Informative units: their share of the latents, their count, and what each adds to the log-likelihood.

    Attributes
    ----------
    fraction : float
    count : int
    informative : bool array of shape (n_components,)
    gains : array of shape (n_components,)
        In nats per row.
    standard_errors : array of shape (n_components,)
    """

    fraction: float
    count: int
    informative: NDArray[np.bool_]
    gains: NDArray[np.float64]
    standard_errors: NDArray[np.float64]


def active_units(
    first: Any,
    second: Any = None,
    *,
    threshold: float = ACTIVE_VARIANCE,
    random_state: int | np.random.RandomState | None = 0,
) -> ActiveUnits:
    """Latents whose posterior mean varies over the data.

    Parameters
    ----------
    first, second
        As in `kl_divergence`; of arrays, the posterior means of shape (n_samples, n_components) alone suffice.
    threshold : float, default=0.01
        Least variance of an active latent.
    random_state : int, RandomState instance or None, default=0
        For posteriors whose mean has no closed form: what the means of draws vary by themselves is subtracted.

    Returns
    -------
    units : ActiveUnits

    References
    ----------
    Burda, Grosse & Salakhutdinov, "Importance Weighted Autoencoders", ICLR 2016, section 5.2.

    Examples
    --------
    >>> from sklid.metrics import active_units
    >>> active_units([[1.0, 0.0], [-1.0, 0.01]]).count
    1
    """
    if isinstance(first, Distribution) or is_model(first):
        with from_random_state(random_state):
            encoded = encodings(first, second)
            variances = encoded.variances_of_means(*encoded.moments()).cpu().numpy()
    else:
        with ordinary_settings():
            variances = check_array(first, dtype=[np.float64, np.float32]).var(axis=0, dtype=np.float64)
    active = variances >= threshold
    return ActiveUnits(float(active.mean()), int(active.sum()), active, variances)


def informative_units(
    model: Any, X: Any, *, n_importance_samples: int = 100, random_state: int | np.random.RandomState | None = 0
) -> InformativeUnits:
    """Latents without which the model explains the rows worse.

    Both log-likelihoods are importance-weighted, with proposals fitted to each row's posterior under the model and
    under the model without the latent: an estimate with a poor proposal errs low, and would make a latent look
    informative. A decoder without gradients has the encoder's posterior as its proposal. Measured on at most 1000 rows,
    drawn at random; rows that were not fitted give the fairer answer.

    Parameters
    ----------
    model, X, n_importance_samples, random_state
        As in `log_likelihood`.

    Returns
    -------
    units : InformativeUnits

    Raises
    ------
    TypeError
        If the model shows no encoder and decoder.
    ValueError
        If the marginals of the prior are not known: it is no Gaussian and no mixture of Gaussians. If there is a single
        row, or no draw.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.decomposition import PCA
    >>> from sklid.metrics import informative_units
    >>> rng = np.random.default_rng(0)
    >>> X = rng.standard_normal((500, 5)) + 3 * rng.standard_normal((500, 1))    # one direction, and noise
    >>> informative_units(PCA(2).fit(X[:250]), X[250:]).count
    1
    """
    n_draws = checked_size(n_importance_samples, "n_importance_samples", "draws")
    view = view_of(model, X)
    if len(view.rows) < 2:
        raise ValueError("One row tells no error of what a latent adds: pass more rows, some hundreds or more.")
    with from_random_state(random_state):
        units = informative_units_of(view.drawn(MOST_ROWS), n_draws)
    if units is None:
        raise ValueError(
            "The prior has no known marginals, which a Gaussian and a mixture of Gaussians have, "
            "so no latent can be left out of the model."
        )
    return units


def informative_units_of(view: View, n_importance_samples: int) -> InformativeUnits | None:
    """The same as `informative_units`, with draws from torch's generator; None without known marginals of the prior."""
    blocks = []
    for block in view.blocks(max(n_importance_samples, LEAST_COPIES)):
        encoded = encodings_of(block)
        if without(encoded.prior, 0) is None:
            return None
        blocks.append(_gains(block, encoded, n_importance_samples))
    gains, biases = (torch.cat(parts).double().cpu() for parts in zip(*blocks, strict=True))
    means, errors = gains.mean(0).numpy(), (gains.std(0) / math.sqrt(len(gains))).numpy()
    informative = means - biases.mean(0).clamp_min(0).numpy() > np.maximum(SIGNIFICANCE * errors, LEAST_GAIN)
    return InformativeUnits(float(informative.mean()), int(informative.sum()), informative, means, errors)


def _gains(view: View, encoded: Encodings, n_draws: int) -> tuple[Tensor, Tensor]:
    """Log-likelihood of each row under the model less that without each latent, and what that errs by: ``(N, K)``."""
    q, p = encoded
    plain = gaussian(encoded)
    start = MultivariateNormal(plain.mean.double(), scale_tril=plain.stddev.double().diag_embed(), validate_args=False)
    exact = fitted(joint(view, p), start, N_STEPS)
    noise = standard_noise((n_draws, *exact.mean.shape), exact.mean)
    whole = likelihood_by(joint(view, p), [exact, q], [noise, noise])
    reduced = [_reduced(view, p, latent, exact, plain, noise, whole.best) for latent in range(len(p.mean))]
    likelihoods, biases = (torch.stack(parts, dim=-1) for parts in zip(*reduced, strict=True))
    return whole.value.unsqueeze(-1) - likelihoods, biases - whole.low.unsqueeze(-1)


def _reduced(
    view: View,
    p: Distribution,
    latent: int,
    exact: MultivariateNormal,
    plain: Distribution,
    noise: Tensor,
    preferred: Tensor,
) -> tuple[Tensor, Tensor]:
    """Log-likelihood of each row without a latent, and by how much it errs low: ``(N,), (N,)``.

    The Gaussian fitted to the posterior, held at the value of the latent, is near the posterior without it.
    """
    log_joint, n_latents = joint_without(view, p, latent), len(p.mean)
    if n_latents == 1:
        nothing = exact.mean.new_empty(1, len(exact.mean), 0)
        return log_joint(nothing)[0], exact.mean.new_zeros(len(exact.mean))
    better = fitted if n_latents <= MOST_REFITTED else moved
    proposal = better(log_joint, held(exact, latent, p.mean[latent].double()), N_STEPS)
    noises = [noise_of_others(exact, latent, noise), torch.cat([noise[..., :latent], noise[..., latent + 1 :]], dim=-1)]
    estimate = likelihood_by(log_joint, [proposal, without(plain, latent)], noises, preferred)
    return estimate.value, estimate.low
