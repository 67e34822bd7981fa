"""Gaps filled by a probabilistic PCA: by their mean given what was seen, or by draws."""

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch.distributions import MultivariateNormal

from ..linear.ppca import IdentifiablePPCA
from ..linear.verdict import Verdict
from ..randomness import from_random_state

__all__ = ["LinearFilling", "best_linear"]

TOL = 1e-3
"""Nats per row to come at which a fit stops: what is filled changes no more."""
NOISE_VARIANCES = (5.0, 2.0, 1.0, 0.5, 0.3, 0.2, 0.1, 0.05, 0.02, 0.01, 0.003, 0.001)
"""In units of the variance of a column; with the first few, what stands out of few rows of noise is noise, too."""
MOST_WORSE = 1.05
"""Times the least error so far, above which less noise is not tried."""


class LinearFilling(IdentifiablePPCA):
    """`IdentifiablePPCA` with the two ways of `LIDVAE` to fill gaps.

    A component more or less makes little difference there, so it does not warn of doubts about their number.
    """

    def impute(self, X: NDArray[np.floating]) -> NDArray[np.floating]:
        """Rows with each gap filled by its mean given what was seen: ``(N, P) -> (N, P)``."""
        return np.where(np.isnan(X), self.predict(X), X)

    def sample_posterior_predictive(self, X: NDArray[np.floating], n_samples: int = 1) -> NDArray[np.floating]:
        """Rows with each gap filled by draws given what was seen: ``(N, P) -> (n, N, P)``."""
        q = self.posterior(X)
        with from_random_state(self.random_state):
            noise_of_latents = torch.randn(n_samples, *q.mean.shape, dtype=q.mean.dtype)
        root = q.scale_tril if isinstance(q, MultivariateNormal) else q.stddev.diag_embed()
        Z = (q.mean + torch.einsum("nkl,snl->snk", root, noise_of_latents)).numpy()
        noise = np.random.default_rng(self.random_state).standard_normal((n_samples, *X.shape))
        drawn = self.mean_ + Z @ self.loadings_.T + np.sqrt(self.noise_variance_) * noise
        return np.where(np.isnan(X), drawn, X)

    def _warn(self, verdict: Verdict) -> None:
        """Nothing: see above."""


def best_linear(
    known: NDArray[np.floating], error: Callable[[LinearFilling], float], seed: int
) -> tuple[LinearFilling, float]:
    """The model that fills hidden values with the least error, of those that take less and less to be noise.

    Its components are all that exceed the noise. Noise that is learned would be too little where columns hardly vary,
    and components that stand out from it all of them.

    Parameters
    ----------
    known : array of shape (n_samples, n_features)
        Standardised rows with gaps.
    error : callable
        Of a fitted model.
    seed : int
    """
    most = max(min(known.shape[1], int((~np.isnan(known)).any(axis=1).sum()) - 1), 1)
    best: LinearFilling | None = None
    least = np.inf
    for noise_variance in NOISE_VARIANCES:
        model = LinearFilling(most, noise_variance=noise_variance, tol=TOL, random_state=seed).fit(known)
        found = error(model)
        if best is None or found < least:
            best, least = model, found
        if found > MOST_WORSE * least:
            break
    assert best is not None
    return best, least
