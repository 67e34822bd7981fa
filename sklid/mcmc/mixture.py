r"""A mixture of two Gaussians, by the No-U-Turn sampler and by variational inference.

.. math::
    \theta \sim \operatorname{Beta}(a, b), \quad \mu_j \sim N(0, \tau^2), \quad \sigma_j \sim N^+(0, \tau^2), \quad
    x_n \sim (1 - \theta) N(\mu_1, \sigma_1^2) + \theta N(\mu_2, \sigma_2^2)

Where the two clusters are not identified, the exact posterior of the weight is its prior. (Wang, Blei & Cunningham,
NeurIPS 2021, appendix A.)
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils import check_array

from .chains import JITTER, Chains, checked, initial_value, numpyro_key, run_nuts

__all__ = ["fit_mixture", "mixture_model", "sample_mixture"]

LEARNING_RATE = 0.02
"""Of a variational fit, at its first step."""


@checked
def sample_mixture(
    x: ArrayLike,
    *,
    weight_prior: tuple[float, float] = (5.0, 5.0),
    location_scale: float = 2.0,
    ordered: bool = False,
    n_warmup: int = 1000,
    n_draws: int = 1000,
    n_chains: int = 4,
    random_state: int | np.random.RandomState | None = None,
) -> Chains:
    """Weight, means and standard deviations of a mixture of two Gaussians, by NUTS.

    Parameters
    ----------
    x : array-like of shape (n_samples,) or (n_samples, 1)
    weight_prior : pair of float, default=(5.0, 5.0)
        a and b of the Beta prior of the second cluster's weight.
    location_scale : float, default=2.0
        Standard deviation of the means' normal prior and scale of the standard deviations' half-normal prior, in the
        units of x.
    ordered : bool, default=False
        Keep the prior to means in ascending order. Otherwise, with a symmetric prior, the posterior of the weight is
        symmetric too, and where the clusters are far apart a chain stays in the labelling that it found.
    n_warmup, n_draws, n_chains, random_state
        As in `sample_ppca`.

    Returns
    -------
    chains : Chains
        Draws of ``weight``, that of the second cluster, in (0, 1), and of ``loc`` and ``scale``, (..., 2).

    Raises
    ------
    ImportError, ValueError
        As `sample_ppca`; ValueError also if x has several columns or a single value.

    Examples
    --------
    >>> from sklid.mcmc import sample_mixture
    >>> x = [-5 + row / 40 for row in range(80)] + [4 + row / 10 for row in range(20)]
    >>> chains = sample_mixture(x, ordered=True, n_warmup=200, n_draws=200, n_chains=1, random_state=0)
    >>> round(float(chains.draws["weight"].mean()), 1)     # (20 + 5) / (100 + 10), were the clusters certain
    0.2
    """
    return run_nuts(*mixture_model(x, weight_prior, location_scale, ordered), n_warmup, n_draws, n_chains, random_state)


@checked
def fit_mixture(
    x: ArrayLike,
    guide: str = "mean_field",
    *,
    weight_prior: tuple[float, float] = (5.0, 5.0),
    location_scale: float = 2.0,
    n_steps: int = 5000,
    n_draws: int = 1000,
    random_state: int | np.random.RandomState | None = None,
) -> Chains:
    """The same posterior by variational inference, and draws from the fit.

    One Gaussian holds one mode, and tells less uncertainty than there is.

    Parameters
    ----------
    x, weight_prior, location_scale, n_draws, random_state
        As in `sample_mixture`.
    guide : {"mean_field", "full_rank"}, default="mean_field"
        A Gaussian with independent coordinates or with any covariance, of the log-odds of the weight, the means and the
        log standard deviations.
    n_steps : int, default=5000
        Of Adam; its rate falls linearly to zero.

    Returns
    -------
    chains : Chains
        One "chain" of independent draws from the fitted guide; R-hat is ``nan``, for it would say nothing of the fit.

    Raises
    ------
    ImportError, ValueError
        As `sample_mixture`.

    Examples
    --------
    >>> from sklid.mcmc import fit_mixture
    >>> fitted = fit_mixture([-1.2, -0.3, 0.1, 0.4, 1.5], "full_rank", n_steps=200, n_draws=50, random_state=0)
    >>> fitted.draws["loc"].shape
    (1, 50, 2)
    """
    model, initial = mixture_model(x, weight_prior, location_scale, ordered=False)
    with numpyro_key(random_state) as key:
        from numpyro import infer, optim

        guides = {"mean_field": infer.autoguide.AutoNormal, "full_rank": infer.autoguide.AutoMultivariateNormal}
        q = guides[guide](model, init_loc_fn=partial(initial_value, initial=initial))
        adam = optim.Adam(lambda step: LEARNING_RATE * (1 - step / n_steps))
        fitted = infer.SVI(model, q, adam, infer.Trace_ELBO(num_particles=4)).run(key, n_steps, progress_bar=False)
        found = q.sample_posterior(fitted.state.rng_key, fitted.params, sample_shape=(n_draws,))
        draws = {name: np.array(found[name])[None] for name in initial}
    r_hat, size = (
        {name: np.full(array.shape[2:], value) for name, array in draws.items()} for value in (np.nan, float(n_draws))
    )
    return Chains(draws, r_hat, size, 0)


def mixture_model(
    x: Any, weight_prior: tuple[float, float], tau: float, ordered: bool
) -> tuple[Callable, dict[str, tuple]]:
    """The model of the data in the sense of NumPyro, and centre and spread of its initial values.

    The means begin anywhere in the data when their order is free.
    """
    x = _checked(x, weight_prior)
    mean, width = x.mean(), x.std()
    loc = (mean + width * np.array([-0.5, 0.5]), JITTER * width) if ordered else (np.full(2, mean), width)
    initial = {"weight": (0.5, JITTER * 0.5), "loc": loc, "scale": (np.full(2, width), JITTER * width)}

    def model() -> None:
        import jax.numpy as jnp
        import numpyro.distributions as dist
        from numpyro import factor, sample

        weight = sample("weight", dist.Beta(*weight_prior))
        order = dist.constraints.ordered_vector if ordered else dist.constraints.real_vector
        loc = sample("loc", dist.ImproperUniform(order, (), (2,)))
        factor("prior of loc", dist.Normal(0, tau).log_prob(loc).sum())
        scale = sample("scale", dist.HalfNormal(tau).expand([2]).to_event(1))
        first, second = (dist.Normal(loc[j], scale[j]).log_prob(x.ravel()) for j in (0, 1))
        factor("x", jnp.logaddexp(jnp.log1p(-weight) + first, jnp.log(weight) + second).sum())

    return model, initial


def _checked(x: Any, weight_prior: tuple[float, float]) -> NDArray:
    """One varying number, ``(N,)`` or ``(N, 1)``, and a Beta prior."""
    x = check_array(x, dtype=np.float64, ensure_2d=False, ensure_min_samples=2)
    if x.size != len(x) or x.std() == 0:
        raise ValueError(
            f"x of shape {x.shape} and standard deviation {x.std():.3g} is no sample of one varying number; "
            "pass one such column."
        )
    if len(weight_prior) != 2 or not min(weight_prior) > 0:
        raise ValueError(
            f"weight_prior={weight_prior} is no Beta distribution, which has two positive parameters; "
            "the paper's are (5, 5)."
        )
    return x
