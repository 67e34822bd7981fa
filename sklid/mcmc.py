r"""Exact inference for two small models, by the No-U-Turn sampler: where a posterior collapses here, no approximation is to blame.

.. math::
    z_n \sim N(0, I_K), \quad w_{dk} \sim N(0, \tau^2), \quad x_n \mid z_n, w \sim N(w z_n, s^2 I_D); \\
    \theta \sim \operatorname{Beta}(a, b), \quad \mu_j \sim N(0, \tau^2), \quad \sigma_j \sim N^+(0, \tau^2), \quad
    x_n \sim (1 - \theta) N(\mu_1, \sigma_1^2) + \theta N(\mu_2, \sigma_2^2).

A rotation of w and z, and an exchange of the labels, leave every density unchanged, so chains that reach different copies of one posterior never
agree. Both symmetries can be removed, and what does not depend on them keeps its posterior. The engine is NumPyro, the extra ``sklid[mcmc]``. (Wang,
Blei & Cunningham, "Posterior Collapse and Latent Variable Non-identifiability", NeurIPS 2021, section 4.2, figure 2 and appendix A.)
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from numbers import Integral, Real
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.linalg import qr
from sklearn.utils import check_array, check_random_state
from sklearn.utils._param_validation import Interval, StrOptions, validate_params

__all__ = ["Chains", "fit_mixture", "sample_mixture", "sample_ppca"]

JITTER, LEARNING_RATE = 0.1, 0.02  # relative spread of where chains start; of a variational fit
checked = validate_params(
    {"n_draws": [Interval(Integral, 4, None, closed="left")], "weight_prior": [tuple, list], "ordered": ["boolean"], "random_state": ["random_state"]}
    | {"rotation": [StrOptions({"removed", "free"})], "guide": [StrOptions({"mean_field", "full_rank"})]}
    | {name: [Interval(Real, 0, None, closed="neither")] for name in ("noise_variance", "loading_scale", "location_scale")}
    | {name: [Interval(Integral, 1, None, closed="left")] for name in ("n_components", "n_warmup", "n_chains", "n_steps")},
    prefer_skip_nested_validation=True,
)


class Chains(NamedTuple):
    """Draws from a posterior, and whether the chains agree; the dicts have one entry for each random quantity.

    Attributes
    ----------
    draws : dict of arrays of shape (n_chains, n_draws, ...)
    r_hat, effective_sample_size : dict of arrays of shape (...)
        Split R-hat (near 1 when chains agree) and how many independent draws tell the mean as well; ``nan`` if fixed, R-hat also without chains.
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
        return float(max((value for part in self.r_hat.values() for value in part.flat if not np.isnan(value)), default=np.nan))

    @property
    def least_effective_sample_size(self) -> float:
        """The smallest effective sample size of all entries that vary."""
        return float(min((value for part in self.effective_sample_size.values() for value in part.flat if not np.isnan(value)), default=np.nan))


@checked
def sample_ppca(
    X: ArrayLike,
    n_components: int,
    noise_variance: float,
    *,
    loading_scale: float = 2.0,
    rotation: str = "removed",
    n_warmup: int = 1000,
    n_draws: int = 1000,
    n_chains: int = 4,
    random_state: int | np.random.RandomState | None = None,
) -> Chains:
    r"""Loadings and latents of probabilistic PCA with known noise, by NUTS.

    ``rotation="free"`` is the paper's model in (w, z), with one posterior at (w Q, z Q) for every orthogonal Q: expect an R-hat far from 1.
    ``rotation="removed"`` writes w = L Q with L lower trapezoidal and positive on the diagonal. For independent normal entries of w, L and Q are
    independent, with :math:`L_{ii} \sim \tau \chi_{K-i}` (i from 0) and :math:`L_{di} \sim N(0, \tau^2)` below, so that L and z have exactly the
    posterior of (w, z) in whatever Q leaves alone, as w w' and the density of x. The rows of L are the features in the order of a pivoted QR
    decomposition of the principal directions, which keeps the diagonal away from zero; the loadings returned are in the order of X.
    At small noise w and z all but determine each other, which makes steps short. So the chain moves in L and e, an exact change of variables:

    .. math:: z_n = M^{-1} L' x_n + s M^{-1/2} e_n, \quad M = L' L + s^2 I, \quad p(L, e \mid X) \propto p(L) \, N(X; 0, L L' + s^2 I) \, N(e; 0, I).

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features)
        The model has mean zero: subtract the mean of each feature first.
    n_components : int
        K, from 1 to the number of features.
    noise_variance, loading_scale : float
        s^2 > 0, in the squared units of X, and the prior standard deviation of the loadings, in the units of X (default 2).
    rotation : {"removed", "free"}, default="removed"
    n_warmup, n_draws, n_chains, random_state
        Steps of each chain that adapt and are dropped, draws that it keeps (at least 4; both 1000 by default), chains (4), and seed.

    Returns
    -------
    chains : Chains
        Draws of ``w``, (..., n_features, n_components), and of ``z``, (..., n_samples, n_components).

    Raises
    ------
    ImportError, ValueError
        If NumPyro is not installed; if a parameter is out of its range or X is not a finite matrix.

    Examples
    --------
    >>> from sklid.mcmc import sample_ppca
    >>> X = [[2.1, 1.3], [-1.8, -0.4], [3.9, 2.2], [-0.4, 0.3], [-3.9, -2.7], [0.2, -0.6]]
    >>> chains = sample_ppca(X, 1, 0.25, n_warmup=200, n_draws=200, n_chains=1, random_state=0)
    >>> chains.worst_r_hat < 1.1, chains.draws["w"].shape
    (True, (1, 200, 2, 1))
    """
    X = check_array(X, dtype=np.float64)
    if n_components > X.shape[1]:
        raise ValueError(f"n_components={n_components} exceeds the {X.shape[1]} features of X, which determine no more latents; choose fewer.")
    order, start = _principal_start(X, n_components, noise_variance) if rotation == "removed" else (None, {})
    model = partial(_ppca, X, order, n_components, noise_variance**0.5, loading_scale)
    return _sample(model, start, n_warmup, n_draws, n_chains, random_state)


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
        a and b of the Beta prior of the second component's weight.
    location_scale : float, default=2.0
        Standard deviation of the means' normal prior and scale of the standard deviations' half-normal prior, in the units of x.
    ordered : bool, default=False
        Keep the prior to means in ascending order. Otherwise, with a symmetric prior, the posterior of the weight is symmetric too, and where the
        components are far apart a chain stays in the labelling that it found.
    n_warmup, n_draws, n_chains, random_state
        As in `sample_ppca`.

    Returns
    -------
    chains : Chains
        Draws of ``weight``, that of the second component, in (0, 1), and of ``loc`` and ``scale``, (..., 2).

    Raises
    ------
    ImportError, ValueError
        As `sample_ppca`; ValueError also if x has several columns or a single value.

    Examples
    --------
    >>> from sklid.mcmc import sample_mixture
    >>> x = [-5 + row / 40 for row in range(80)] + [4 + row / 10 for row in range(20)]
    >>> chains = sample_mixture(x, ordered=True, n_warmup=200, n_draws=200, n_chains=1, random_state=0)
    >>> round(float(chains.draws["weight"].mean()), 1)     # (20 + 5) / (100 + 10), were the components certain
    0.2
    """
    return _sample(*_mixture_of(x, weight_prior, location_scale, ordered), n_warmup, n_draws, n_chains, random_state)


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
    """The same posterior by variational inference, and draws from the fit; one Gaussian holds one mode, and tells less uncertainty than there is.

    Parameters
    ----------
    x, weight_prior, location_scale, n_draws, random_state
        As in `sample_mixture`.
    guide : {"mean_field", "full_rank"}, default="mean_field"
        A Gaussian with independent coordinates or with any covariance, of the log-odds of the weight, the means and the log standard deviations.
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
    >>> fit_mixture([-1.2, -0.3, 0.1, 0.4, 1.5], "full_rank", n_steps=200, n_draws=50, random_state=0).draws["loc"].shape
    (1, 50, 2)
    """
    model, start = _mixture_of(x, weight_prior, location_scale, ordered=False)
    with _numpyro(random_state) as key:
        from numpyro import infer, optim

        guides = {"mean_field": infer.autoguide.AutoNormal, "full_rank": infer.autoguide.AutoMultivariateNormal}
        q = guides[guide](model, init_loc_fn=partial(_start_at, start=start))
        adam = optim.Adam(lambda step: LEARNING_RATE * (1 - step / n_steps))
        fitted = infer.SVI(model, q, adam, infer.Trace_ELBO(num_particles=4)).run(key, n_steps, progress_bar=False)
        found = q.sample_posterior(fitted.state.rng_key, fitted.params, sample_shape=(n_draws,))
        draws = {name: np.array(found[name])[None] for name in start}
    r_hat, size = ({name: np.full(array.shape[2:], value) for name, array in draws.items()} for value in (np.nan, float(n_draws)))
    return Chains(draws, r_hat, size, 0)


@contextmanager
def _numpyro(random_state: Any) -> Iterator[Any]:
    """JAX in double precision inside the block, and as it was after it; what comes is a key."""
    try:
        import jax
        import numpyro  # noqa: F401
    except ImportError as error:
        raise ImportError('Posterior sampling needs NumPyro: pip install "sklid[mcmc]".') from error
    with jax.enable_x64(True):
        yield jax.random.PRNGKey(check_random_state(random_state).randint(2**31 - 1))


def _ppca(X: NDArray, order: NDArray | None, K: int, s: float, tau: float) -> None:
    """The paper's model when no order of the features is given; else that without its rotation, the latents drawn from their conditional."""
    import jax.numpy as jnp
    import numpyro.distributions as dist
    from jax.scipy.linalg import cho_solve, solve_triangular
    from numpyro import deterministic, factor, sample

    N, D = X.shape
    if order is None:
        w, z = (sample(name, dist.Normal(0, scale).expand([n, K]).to_event(2)) for name, n, scale in (("w", D, tau), ("z", N, 1.0)))
        sample("x", dist.Normal(z @ w.T, s).to_event(2), obs=X)
        return
    diagonal, below = np.diag_indices(K), np.tril_indices(D, -1, K)
    squares = sample("_squares", dist.Gamma(np.arange(K, 0, -1) / 2, 1 / (2 * tau**2)).to_event(1))
    rest = sample("_rest", dist.Normal(0, tau).expand([len(below[0])]).to_event(1))
    w = deterministic("w", jnp.zeros((D, K)).at[diagonal].set(jnp.sqrt(squares)).at[below].set(rest)[np.argsort(order)])
    root = jnp.linalg.cholesky(w.T @ w + s**2 * jnp.eye(K))
    log_det = 2 * jnp.log(jnp.diag(root)).sum() + 2 * (D - K) * np.log(s)
    explained = jnp.trace(cho_solve((root, True), w.T @ (X.T @ X) @ w))
    factor("x", -(N * (D * np.log(2 * np.pi) + log_det) + ((X**2).sum() - explained) / s**2) / 2)
    e = sample("_e", dist.Normal(0, 1).expand([N, K]).to_event(2))
    deterministic("z", (cho_solve((root, True), w.T @ X.T) + s * solve_triangular(root, e.T, trans=1, lower=True)).T)


def _principal_start(X: NDArray, K: int, noise_variance: float) -> tuple[NDArray, dict[str, tuple]]:
    """The order of the features, and centre and spread of where chains start: at the loadings of greatest likelihood."""
    values, vectors = np.linalg.eigh(X.T @ X / len(X))
    loadings = vectors[:, -K:] * np.sqrt(np.maximum(values[-K:] - noise_variance, noise_variance / len(X)))
    upper, order = qr(loadings.T, mode="r", pivoting=True)
    L = upper.T * np.sign(np.diag(upper))
    parts = ("_squares", np.diag(L) ** 2), ("_rest", L[np.tril_indices(len(L), -1, K)])
    return order, {name: (part, JITTER * part) for name, part in parts}


def _mixture_of(x: Any, weight_prior: tuple[float, float], tau: float, ordered: bool) -> tuple[Callable, dict[str, tuple]]:
    """The model of the data, and centre and spread of where chains start; the means start anywhere in the data when their order is free."""
    x = check_array(x, dtype=np.float64, ensure_2d=False, ensure_min_samples=2)
    mean, width = x.mean(), x.std()
    if x.size != len(x) or width == 0:
        raise ValueError(f"x of shape {x.shape} and standard deviation {width:.3g} is no sample of one varying number; pass one such column.")
    if len(weight_prior) != 2 or not min(weight_prior) > 0:
        raise ValueError(f"weight_prior={weight_prior} is no Beta distribution, which has two positive parameters; the paper's are (5, 5).")
    loc = (mean + width * np.array([-0.5, 0.5]), JITTER * width) if ordered else (np.full(2, mean), width)
    start = {"weight": (0.5, JITTER * 0.5), "loc": loc, "scale": (np.full(2, width), JITTER * width)}

    def model() -> None:
        import jax.numpy as jnp
        import numpyro.distributions as dist
        from numpyro import factor, sample

        weight = sample("weight", dist.Beta(*weight_prior))
        loc = sample("loc", dist.ImproperUniform(dist.constraints.ordered_vector if ordered else dist.constraints.real_vector, (), (2,)))
        factor("prior of loc", dist.Normal(0, tau).log_prob(loc).sum())
        scale = sample("scale", dist.HalfNormal(tau).expand([2]).to_event(1))
        first, second = (dist.Normal(loc[j], scale[j]).log_prob(x.ravel()) for j in (0, 1))
        factor("x", jnp.logaddexp(jnp.log1p(-weight) + first, jnp.log(weight) + second).sum())

    return model, start


def _start_at(site: dict, start: dict[str, tuple]) -> Any:
    """NumPyro's protocol for where chains start: centre and spread by name, and its own start for what is not named."""
    from jax import random
    from numpyro.infer import init_to_uniform

    if site["name"] in start:
        centre, spread = start[site["name"]]
        return centre + spread * random.normal(site["kwargs"]["rng_key"], np.shape(centre))
    return init_to_uniform(site)


def _sample(model: Callable, start: dict[str, tuple], n_warmup: int, n_draws: int, n_chains: int, random_state: Any) -> Chains:
    with _numpyro(random_state) as key, np.errstate(divide="ignore", invalid="ignore"):  # entries that are fixed have no R-hat
        from numpyro.diagnostics import effective_sample_size, split_gelman_rubin
        from numpyro.infer import MCMC, NUTS

        kernel = NUTS(model, init_strategy=partial(_start_at, start=start))
        mcmc = MCMC(kernel, num_warmup=n_warmup, num_samples=n_draws, num_chains=n_chains, chain_method="vectorized", progress_bar=False)
        mcmc.run(key, extra_fields=("diverging",))
        draws = {name: np.array(part) for name, part in mcmc.get_samples(group_by_chain=True).items() if name[0] != "_"}
        r_hat, size = ({name: np.asarray(of(part)) for name, part in draws.items()} for of in (split_gelman_rubin, effective_sample_size))
        return Chains(draws, r_hat, size, int(mcmc.get_extra_fields()["diverging"].sum()))
