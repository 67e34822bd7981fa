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
MOST_WORSE = 1.05
"""Times the least error so far, above which no more components are tried."""


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
    """The model that fills hidden values with the least error, of those with 1, 2, 4, .. components; and this error.

    Components that stand out from the noise are no measure: in columns that hardly vary all of them do.

    Parameters
    ----------
    known : array of shape (n_samples, n_features)
        Rows with gaps.
    error : callable
        Of a fitted model.
    seed : int
    """
    n_rows = int((~np.isnan(known)).any(axis=1).sum())
    most = max(min(known.shape[1], n_rows) - 1, 1)
    best: LinearFilling | None = None
    least, n_components = np.inf, 1
    while True:
        model = LinearFilling(n_components=n_components, tol=TOL, random_state=seed).fit(known)
        found = error(model)
        if best is None or found < least:
            best, least = model, found
        if n_components == most or found > MOST_WORSE * least:
            return best, least
        n_components = min(2 * n_components, most)
