r"""How many latents are in use, and how many are worth having.

A latent is *active* when its posterior mean varies over the data (Burda et al. 2016). A model that is inverse-Lipschitz
by construction keeps every latent active, on white noise too; so activity proves nothing there. A latent is
*informative* when the model without it, the latent held at its prior mean in the likelihood,

.. math:: p_{-d}(x) = \int p(x \mid z_{-d}, z_d = E z_d) \, p(z_{-d}) \, dz_{-d},

explains rows worse than the whole model does, by more than two standard errors and a thousandth of a nat.
"""

import math
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.utils import check_array
from torch import Tensor
from torch.distributions import Distribution

from ..randomness import from_random_state
from ..surroundings import ordinary_settings
from .encodings import Encodings, encodings, encodings_of, without
from .importance import decoded_log_prob, gaussian
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

    Both log-likelihoods are importance-weighted with the same draws, so that their difference has little noise. Rows
    that were not fitted give the fairer answer.

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
        If the marginals of the prior are not known: it is no Gaussian and no mixture of Gaussians.

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
    with from_random_state(random_state):
        units = informative_units_of(view_of(model, X), n_importance_samples)
    if units is None:
        raise ValueError(
            "The prior has no known marginals, which a Gaussian and a mixture of Gaussians have, "
            "so no latent can be left out of the model."
        )
    return units


def informative_units_of(view: View, n_importance_samples: int) -> InformativeUnits | None:
    """The same as `informative_units`, with draws from torch's generator; None without known marginals of the prior."""
    blocks = []
    for block in view.blocks(n_importance_samples):
        encoded = encodings_of(block)
        if without(encoded.prior, 0) is None:
            return None
        blocks.append(_gains(block, encoded, n_importance_samples))
    gains = torch.cat(blocks).double().cpu()
    means, errors = gains.mean(0).numpy(), (gains.std(0) / math.sqrt(len(gains))).numpy()
    informative = means > np.maximum(SIGNIFICANCE * errors, LEAST_GAIN)
    return InformativeUnits(float(informative.mean()), int(informative.sum()), informative, means, errors)


def _gains(view: View, encoded: Encodings, n_draws: int) -> Tensor:
    """Log-likelihood of each row under the model less that without each latent: ``(N, K)``."""
    q, p = encoded
    if without(q, 0) is None:
        q = gaussian(encoded)
    z = q.sample(torch.Size([n_draws]))
    whole = decoded_log_prob(view, z) + p.log_prob(z) - q.log_prob(z)
    centre = p.mean
    gains = []
    for latent in range(z.shape[-1]):
        held = z.clone()
        held[..., latent] = centre[latent]
        others = torch.cat([z[..., :latent], z[..., latent + 1 :]], dim=-1)
        reduced = decoded_log_prob(view, held)
        if others.shape[-1]:
            reduced = reduced + without(p, latent).log_prob(others) - without(q, latent).log_prob(others)
        gains.append(whole.logsumexp(0) - reduced.logsumexp(0))
    return torch.stack(gains, dim=-1)
