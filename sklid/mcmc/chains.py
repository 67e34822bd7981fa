"""Draws from a posterior by NumPyro's No-U-Turn sampler, the extra ``sklid[mcmc]``, and whether the chains agree."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from numbers import Integral, Real
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import check_random_state

from ..validation import Interval, StrOptions, validate_params

__all__ = ["JITTER", "Chains", "checked", "initial_value", "numpyro_key", "run_nuts"]

JITTER = 0.1
"""Relative spread of the initial values of chains."""
checked = validate_params(
    {
        "n_draws": [Interval(Integral, 4, None, closed="left")],
        "weight_prior": [tuple, list],
        "ordered": ["boolean"],
        "random_state": ["random_state"],
    }
    | {"rotation": [StrOptions({"removed", "free"})], "guide": [StrOptions({"mean_field", "full_rank"})]}
    | {
        name: [Interval(Real, 0, None, closed="neither")]
        for name in ("noise_variance", "loading_scale", "location_scale")
    }
    | {
        name: [Interval(Integral, 1, None, closed="left")]
        for name in ("n_components", "n_warmup", "n_chains", "n_steps")
    },
    prefer_skip_nested_validation=True,
)


class Chains(NamedTuple):
    """Draws from a posterior, and whether the chains agree; the dicts have one entry for each random quantity.

    Attributes
    ----------
    draws : dict of arrays of shape (n_chains, n_draws, ...)
    r_hat, effective_sample_size : dict of arrays of shape (...)
        Split R-hat (near 1 when chains agree) and how many independent draws tell the mean as well; ``nan`` if fixed,
        R-hat also without chains.
    n_divergent : int
        Draws at which the steps were too long for the curvature; more than a few make the rest doubtful.
    """

    draws: dict[str, NDArray[np.float64]]
    r_hat: dict[str, NDArray[np.float64]]
    effective_sample_size: dict[str, NDArray[np.float64]]
    n_divergent: int

    @property
    def worst_r_hat(self) -> float:
        """The largest R-hat of all entries that vary; ``nan`` when there is none."""
        return float(
            max((value for part in self.r_hat.values() for value in part.flat if not np.isnan(value)), default=np.nan)
        )

    @property
    def least_effective_sample_size(self) -> float:
        """The smallest effective sample size of all entries that vary."""
        return float(
            min(
                (value for part in self.effective_sample_size.values() for value in part.flat if not np.isnan(value)),
                default=np.nan,
            )
        )


@contextmanager
def numpyro_key(random_state: Any) -> Iterator[Any]:
    """JAX in double precision inside the block, and as it was after it; what comes is a key."""
    try:
        import jax
        import numpyro  # noqa: F401
    except ImportError as error:
        raise ImportError('Posterior sampling needs NumPyro: pip install "sklid[mcmc]".') from error
    with jax.enable_x64(True):
        yield jax.random.PRNGKey(check_random_state(random_state).randint(2**31 - 1))


def initial_value(site: dict, initial: dict[str, tuple]) -> Any:
    """NumPyro's protocol for initial values: around centres that are given by name, else by its own rule."""
    from jax import random
    from numpyro.infer import init_to_uniform

    if site["name"] in initial:
        centre, spread = initial[site["name"]]
        return centre + spread * random.normal(site["kwargs"]["rng_key"], np.shape(centre))
    return init_to_uniform(site)


def run_nuts(
    model: Callable, initial: dict[str, tuple], n_warmup: int, n_draws: int, n_chains: int, random_state: Any
) -> Chains:
    """Draws from the posterior of a NumPyro model, the chains beginning around the centres given."""
    # entries that are fixed have no R-hat
    with numpyro_key(random_state) as key, np.errstate(divide="ignore", invalid="ignore"):
        from numpyro.diagnostics import effective_sample_size, split_gelman_rubin
        from numpyro.infer import MCMC, NUTS

        kernel = NUTS(model, init_strategy=partial(initial_value, initial=initial))
        mcmc = MCMC(
            kernel,
            num_warmup=n_warmup,
            num_samples=n_draws,
            num_chains=n_chains,
            chain_method="vectorized",
            progress_bar=False,
        )
        mcmc.run(key, extra_fields=("diverging",))
        draws = {name: np.array(part) for name, part in mcmc.get_samples(group_by_chain=True).items() if name[0] != "_"}
        r_hat, size = (
            {name: np.asarray(of(part)) for name, part in draws.items()}
            for of in (split_gelman_rubin, effective_sample_size)
        )
        return Chains(draws, r_hat, size, int(mcmc.get_extra_fields()["diverging"].sum()))
