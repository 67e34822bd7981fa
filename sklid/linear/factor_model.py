r"""The linear Gaussian model whose columns have noise of their own: factor analysis in its identified form.

.. math:: z \sim N(0, I_K), \qquad x \mid z \sim N(m + W z, \Psi), \qquad \Psi = \operatorname{diag}(\psi_1 .. \psi_D),
    \qquad W^\top \Psi^{-1} W = \operatorname{diag}(s_1^2 \ge \dots \ge s_K^2)

Divided by the noise, :math:`\Psi^{-1/2} (x - m)`, rows follow probabilistic PCA with a noise variance of 1, which
answers all questions exactly; densities gain :math:`-\tfrac12 \sum_j \log \psi_j`. In this form, the canonical one of
Rubin & Thayer ("EM algorithms for ML factor analysis", 1982), posteriors factorise.
"""

from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from .covariance import SHARE
from .dense_blocks import dense_blocks
from .linear_gaussian import LinearGaussian

__all__ = ["FactorModel"]


class FactorModel(NamedTuple):
    """Mean m ``(D,)``, noise variances ``(D,)``, and the model of rows about m in noise standard deviations."""

    mean: NDArray[np.float64]
    noise_variance: NDArray[np.float64]
    white: LinearGaussian

    @classmethod
    def of_white(cls, mean: NDArray, noise_variance: NDArray, directions: NDArray, amplitudes: NDArray) -> Self:
        """From orthonormal directions ``(K, D)`` and amplitudes ``(K,)`` in noise standard deviations."""
        return cls(mean, noise_variance, LinearGaussian(np.zeros(len(mean)), directions, amplitudes, 1.0))

    @property
    def noise_scales(self) -> NDArray[np.float64]:
        """Standard deviations of the noise: ``(D,)``."""
        return np.sqrt(self.noise_variance)

    @property
    def loadings(self) -> NDArray[np.float64]:
        """W, ``(D, K)``."""
        return self.noise_scales[:, None] * self.white.loadings

    @property
    def directions(self) -> NDArray[np.float64]:
        """Loadings of unit length ``(K, D)``: orthogonal in noise standard deviations, not in units of the data."""
        directions = self.white.directions * self.noise_scales
        return directions / np.linalg.norm(directions, axis=1, keepdims=True)

    @property
    def amplitudes(self) -> NDArray[np.float64]:
        """Lengths of the loadings in noise standard deviations: ``(K,)``."""
        return self.white.amplitudes

    @property
    def variances(self) -> NDArray[np.float64]:
        """Variances along them, where the noise has variance 1: ``(K,)``."""
        return self.white.variances

    @property
    def explained(self) -> NDArray[np.float64]:
        """What each component adds to the variances of the columns, summed: ``(K,)``."""
        return np.square(self.loadings).sum(axis=0)

    @property
    def standardising(self) -> NDArray[np.float64]:
        """Projections of x - m that give scores of variance 1: ``(K, D)``."""
        return self.white.standardising / self.noise_scales

    @property
    def inverse_lipschitz(self) -> float:
        """Least distance of the means of two latents at distance 1, in noise standard deviations."""
        return self.white.inverse_lipschitz

    @property
    def mutual_information(self) -> NDArray[np.float64]:
        """I(z_k; x) in nats: ``(K,)``."""
        return self.white.mutual_information

    @property
    def posterior_scales(self) -> NDArray[np.float64]:
        """Standard deviations of the posterior, the same for every row: ``(K,)``."""
        return self.white.posterior_scales

    @property
    def log_volume(self) -> float:
        """Log of the volume that noise standard deviations span, in units of the data."""
        return 0.5 * float(np.log(self.noise_variance).sum())

    def whitened(self, X: NDArray) -> NDArray[np.float64]:
        """Rows about the mean in noise standard deviations: ``(N, D) -> (N, D)``."""
        return (X - self.mean) / self.noise_scales

    def posterior_means(self, X: NDArray) -> NDArray[np.float64]:
        """E[z | x]: ``(N, D) -> (N, K)``."""
        return np.concatenate(
            [self.white.posterior_means(self.whitened(x)) for x in dense_blocks(X, SHARE * X.shape[1])]
        )

    def log_likelihoods(self, X: NDArray) -> NDArray[np.float64]:
        """Log p(x) of each row in nats: ``(N, D) -> (N,)``."""
        parts = [self.white.log_likelihoods(self.whitened(x)) for x in dense_blocks(X, SHARE * X.shape[1])]
        return np.concatenate(parts) - self.log_volume

    def decoded(self, Z: NDArray) -> NDArray[np.float64]:
        """E[x | z]: ``(N, K) -> (N, D)``."""
        return self.mean + Z @ self.loadings.T

    def sample(self, n_samples: int, random: np.random.RandomState) -> NDArray[np.float64]:
        """Draws of x: ``(n, D)``."""
        return self.mean + self.noise_scales * self.white.sample(n_samples, random)

    def covariance(self) -> NDArray[np.float64]:
        """W W' + Psi, ``(D, D)``."""
        return self.loadings @ self.loadings.T + np.diag(self.noise_variance)

    def precision(self) -> NDArray[np.float64]:
        """Its inverse, from the directions alone: ``(D, D)``."""
        return self.white.precision() / np.outer(self.noise_scales, self.noise_scales)

    def signed(self, third_moments: NDArray) -> Self:
        """With the signs that skew scores of such third moments to the right, or else make largest entries positive."""
        return self._replace(white=self.white.signed(third_moments))

    def in_units(self, offset: NDArray, scale: float) -> Self:
        """Of ``offset + scale x``."""
        return self._replace(mean=offset + scale * self.mean, noise_variance=self.noise_variance * scale * scale)
