r"""The linear Gaussian model in its identified form, and what follows from it in closed form.

.. math:: z \sim N(0, I_K), \qquad x \mid z \sim N(m + W z, \sigma^2 I_D), \qquad W = U \operatorname{diag}(s_1 \ge \dots \ge s_K), \quad U^\top U = I

Any loadings equal these up to a rotation of z (Tipping & Bishop, "Probabilistic Principal Component Analysis", 1999). In this form the posterior
factorises: with :math:`\lambda_k = s_k^2 + \sigma^2` and :math:`y = U^\top (x - m)`,

.. math::
    p(z_k \mid x) = N\!\left( \frac{s_k}{\lambda_k} y_k, \frac{\sigma^2}{\lambda_k} \right), \qquad
    -2 \log p(x) = D \log 2\pi + \sum_k \left( \log \lambda_k + \frac{y_k^2}{\lambda_k} \right)
    + (D - K) \log \sigma^2 + \frac{|x - m - U y|^2}{\sigma^2}.
"""

from collections.abc import Iterator
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from ..data.blocks import chunks
from ..metrics.sources import linear_posterior
from .covariance import SHARE, Rows

__all__ = ["LinearGaussian"]

TIE = 1e-8
"""Third moment of all scores under which its sign is a matter of rounding."""


class LinearGaussian(NamedTuple):
    """A model by its mean m ``(D,)``, directions U' ``(K, D)``, amplitudes s ``(K,)`` in descending order, and noise variance."""

    mean: NDArray[np.float64]
    directions: NDArray[np.float64]
    amplitudes: NDArray[np.float64]
    noise_variance: float

    @classmethod
    def of_loadings(cls, mean: NDArray, loadings: NDArray, noise_variance: float) -> Self:
        """The identified form of any loadings W ``(D, K)``; signs stay open."""
        directions, amplitudes, _ = np.linalg.svd(loadings, full_matrices=False)
        return cls(mean, directions.T, amplitudes, noise_variance)

    @property
    def variances(self) -> NDArray[np.float64]:
        """Variance of x along each direction: ``(K,)``."""
        return self.amplitudes**2 + self.noise_variance

    @property
    def loadings(self) -> NDArray[np.float64]:
        """W, ``(D, K)``."""
        return self.directions.T * self.amplitudes

    @property
    def mutual_information(self) -> NDArray[np.float64]:
        """I(z_k; x) in nats: ``(K,)``."""
        return 0.5 * np.log(self.variances / self.noise_variance)

    @property
    def posterior_scales(self) -> NDArray[np.float64]:
        """Standard deviations of the posterior, the same for every row: ``(K,)``."""
        return linear_posterior(self.amplitudes, self.noise_variance)[1]

    def mean_kl(self, variances: NDArray) -> NDArray[np.float64]:
        """Mean KL(p(z_k | x), p(z_k)) over rows that have the given variances along the directions: ``(K,)``."""
        ratio = self.noise_variance / self.variances
        return 0.5 * (ratio + self.amplitudes**2 * variances / self.variances**2 - 1 - np.log(ratio))

    def posterior_means(self, X: NDArray) -> NDArray[np.float64]:
        """E[z | x]: ``(N, D) -> (N, K)``."""
        return np.concatenate([y for y, _ in self._scored(X)]) * linear_posterior(self.amplitudes, self.noise_variance)[0]

    def log_likelihoods(self, X: NDArray) -> NDArray[np.float64]:
        """Log p(x) of each row in nats: ``(N, D) -> (N,)``."""
        n_features, n_components = len(self.mean), len(self.amplitudes)
        constant = n_features * np.log(2 * np.pi) + np.log(self.variances).sum() + (n_features - n_components) * np.log(self.noise_variance)
        parts = [(y**2 / self.variances).sum(1) + (rest**2).sum(1) / self.noise_variance for y, rest in self._scored(X)]
        return -0.5 * (constant + np.concatenate(parts))

    def decoded(self, Z: NDArray) -> NDArray[np.float64]:
        """E[x | z]: ``(N, K) -> (N, D)``."""
        return self.mean + Z @ self.loadings.T

    def sample(self, n_samples: int, random: np.random.RandomState) -> NDArray[np.float64]:
        """Draws of x: ``(n, D)``."""
        latents = random.standard_normal((n_samples, len(self.amplitudes)))
        return self.decoded(latents) + self.noise_variance**0.5 * random.standard_normal((n_samples, len(self.mean)))

    def covariance(self) -> NDArray[np.float64]:
        """W W' + sigma^2 I, ``(D, D)``."""
        return self.loadings @ self.loadings.T + self.noise_variance * np.eye(len(self.mean))

    def precision(self) -> NDArray[np.float64]:
        """Its inverse, from the directions alone: ``(D, D)``."""
        shares = self.amplitudes**2 / self.variances
        return (np.eye(len(self.mean)) - (self.directions.T * shares) @ self.directions) / self.noise_variance

    def third_moments(self, rows: Rows) -> NDArray[np.float64]:
        """Sums over rows of the cubes of their scores along the directions, in standard deviations under the model: ``(K,)``."""
        projections = self.directions / np.sqrt(self.variances)[:, None]
        centre, total = (projections @ self.mean)[:, None], np.zeros(len(projections))
        for x, w in rows.chunks():
            y = projections @ x.T - centre
            total += np.einsum("kn,kn->k", np.square(y), y) if w is None else (np.square(y) * y) @ w
        return total

    def signed(self, skewness: NDArray) -> Self:
        """Each direction with the sign that makes scores of such third moments skewed to the right, or else its largest entry positive."""
        largest = np.take_along_axis(self.directions, np.abs(self.directions).argmax(1)[:, None], axis=1)[:, 0]
        signs = np.where(np.abs(skewness) > TIE, np.sign(skewness), np.sign(largest))
        return self._replace(directions=self.directions * np.where(signs == 0, 1.0, signs)[:, None])

    def _scored(self, X: NDArray) -> Iterator[tuple[NDArray, NDArray]]:
        """Scores ``(n, K)`` along the directions, and what they leave of the rows ``(n, D)``, block by block."""
        for x in chunks(X, SHARE * X.shape[1]):
            centred = x - self.mean
            y = centred @ self.directions.T
            yield y, centred - y @ self.directions
