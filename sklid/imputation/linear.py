"""Gaps filled by a probabilistic PCA: by their mean given what was seen, or by draws."""

import numpy as np
import torch
from numpy.typing import NDArray

from ..linear.ppca import IdentifiablePPCA
from ..linear.verdict import Verdict
from ..randomness import from_random_state

__all__ = ["LinearFilling"]


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
            latent_noise = torch.randn(n_samples, *q.mean.shape, dtype=q.mean.dtype)
        Z = (q.mean + torch.einsum("nkl,snl->snk", q.scale_tril, latent_noise)).numpy()
        noise = np.random.default_rng(self.random_state).standard_normal((n_samples, *X.shape))
        drawn = self.mean_ + Z @ self.loadings_.T + np.sqrt(self.noise_variance_) * noise
        return np.where(np.isnan(X), drawn, X)

    def _warn(self, verdict: Verdict) -> None:
        """Nothing: see above."""
