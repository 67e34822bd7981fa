r"""Probabilistic PCA with known noise, by the No-U-Turn sampler: its posterior with the rotation left in, or taken out.

.. math:: z_n \sim N(0, I_K), \quad w_{dk} \sim N(0, \tau^2), \quad x_n \mid z_n, w \sim N(w z_n, s^2 I_D)

A rotation of w and z leaves every density unchanged, so chains that reach different copies of one posterior never
agree; without it, what does not depend on it keeps its posterior. (Wang, Blei & Cunningham, NeurIPS 2021, section 4.2
and figure 2.)
"""

from functools import partial

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.linalg import qr
from sklearn.utils import check_array

from .chains import JITTER, Chains, checked, run_nuts

__all__ = ["ppca_model", "sample_ppca"]


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

    ``rotation="free"`` is the paper's model in (w, z), with one posterior at (w Q, z Q) for every orthogonal Q: expect
    an R-hat far from 1. ``rotation="removed"`` writes w = L Q with L lower trapezoidal and positive on the diagonal.
    For independent normal entries of w, L and Q are independent, with :math:`L_{ii} \sim \tau \chi_{K-i}` (i from 0)
    and :math:`L_{di} \sim N(0, \tau^2)` below, so that L and z have exactly the posterior of (w, z) in whatever Q
    leaves alone, as w w' and the density of x. The rows of L are the features in the order of a pivoted QR
    decomposition of the principal directions, which keeps the diagonal away from zero; the loadings returned are in the
    order of X. At small noise w and z all but determine each other, which makes steps short. So the chain moves in L
    and e, an exact change of variables:

    .. math:: z_n = M^{-1} L' x_n + s M^{-1/2} e_n, \quad M = L' L + s^2 I, \quad
        p(L, e \mid X) \propto p(L) \, N(X; 0, L L' + s^2 I) \, N(e; 0, I).

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features)
        The model has mean zero: subtract the mean of each feature first.
    n_components : int
        K, from 1 to the number of features.
    noise_variance, loading_scale : float
        s^2 > 0, in the squared units of X, and the prior standard deviation of the loadings, in the units of X (default
        2).
    rotation : {"removed", "free"}, default="removed"
    n_warmup, n_draws, n_chains, random_state
        Steps of each chain that adapt and are dropped, draws that it keeps (at least 4; both 1000 by default), chains
        (4), and seed.

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
        raise ValueError(
            f"n_components={n_components} exceeds the {X.shape[1]} features of X, which determine no more latents; "
            "choose fewer."
        )
    order, initial = _initial_loadings(X, n_components, noise_variance) if rotation == "removed" else (None, {})
    model = partial(ppca_model, X, order, n_components, noise_variance**0.5, loading_scale)
    return run_nuts(model, initial, n_warmup, n_draws, n_chains, random_state)


def ppca_model(X: NDArray, order: NDArray | None, K: int, s: float, tau: float) -> None:
    """The paper's model, or that without its rotation when an order of the features is given.

    A model in the sense of NumPyro. Noise s and loading scale tau are standard deviations; names with an underscore are
    not returned as draws.
    """
    import jax.numpy as jnp
    import numpyro.distributions as dist
    from jax.scipy.linalg import cho_solve, solve_triangular
    from numpyro import deterministic, factor, sample

    N, D = X.shape
    if order is None:
        w, z = (
            sample(name, dist.Normal(0, scale).expand([n, K]).to_event(2))
            for name, n, scale in (("w", D, tau), ("z", N, 1.0))
        )
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


def _initial_loadings(X: NDArray, K: int, noise_variance: float) -> tuple[NDArray, dict[str, tuple]]:
    """The order of the features, and centre and spread of the initial values: the loadings of greatest likelihood."""
    values, vectors = np.linalg.eigh(X.T @ X / len(X))
    loadings = vectors[:, -K:] * np.sqrt(np.maximum(values[-K:] - noise_variance, noise_variance / len(X)))
    upper, order = qr(loadings.T, mode="r", pivoting=True)
    L = upper.T * np.sign(np.diag(upper))
    parts = ("_squares", np.diag(L) ** 2), ("_rest", L[np.tril_indices(len(L), -1, K)])
    return order, {name: (part, JITTER * part) for name, part in parts}
