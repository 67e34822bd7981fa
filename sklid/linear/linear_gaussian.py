r"""The linear Gaussian model in its identified form, and what follows from it in closed form.

.. math:: z \sim N(0, I_K), \qquad x \mid z \sim N(m + W z, \sigma^2 I_D), \qquad
    W = U \operatorname{diag}(s_1 \ge \dots \ge s_K), \quad U^\top U = I

Any loadings equal these up to a rotation of z (Tipping & Bishop, "Probabilistic Principal Component Analysis", 1999).
The likelihood is greatest where U are principal directions of the data and, with their variances :math:`\lambda_k`,

.. math:: \sigma^2 = \frac{1}{D - K} \sum_{k > K} \lambda_k, \qquad s_k = \sqrt{\lambda_k - \sigma^2}

(equations 7 and 8), or :math:`s_k = \sqrt{\max(\lambda_k - \sigma^2, 0)}` where :math:`\sigma^2` is known. In this form
the posterior factorises: with :math:`\lambda_k = s_k^2 + \sigma^2` and :math:`y = U^\top (x - m)`,

.. math::
    p(z_k \mid x) = N\!\left( \frac{s_k}{\lambda_k} y_k, \frac{\sigma^2}{\lambda_k} \right), \qquad
    -2 \log p(x) = D \log 2\pi + \sum_k \left( \log \lambda_k + \frac{y_k^2}{\lambda_k} \right)
    + (D - K) \log \sigma^2 + \frac{|x - m - U y|^2}{\sigma^2}.
"""

import math
from collections.abc import Iterator
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from scipy import linalg

from ..metrics.sources import linear_posterior
from .covariance import SHARE
from .dense_blocks import dense_blocks
from .spectrum import Spectrum

__all__ = ["LEAST_NOISE", "LinearGaussian", "most_components"]

LEAST_NOISE = 1e-12
"""Least noise variance as a share of the largest variance; rows without any noise have no maximum of the likelihood."""
LEAST_SCALE = 1e-12
"""Least noise standard deviation, for rows that are all equal."""
TIE = 1e-8
"""Third moment of all scores under which its sign is a matter of rounding."""


class LinearGaussian(NamedTuple):
    """Mean m ``(D,)``, directions U' ``(K, D)``, amplitudes s ``(K,)`` in descending order, and noise variance."""

    mean: NDArray[np.float64]
    directions: NDArray[np.float64]
    amplitudes: NDArray[np.float64]
    noise_variance: float

    @classmethod
    def of_spectrum(cls, spectrum: Spectrum, n_components: int, noise_variance: float | None = None) -> Self:
        """The maximum of the likelihood; unless the noise is known, of fewer components than features."""
        variances = spectrum.variances[:n_components]
        noise = noise_variance
        if noise is None:
            noise = spectrum.rest(n_components) / (spectrum.n_features - n_components)
            noise = noise or LEAST_NOISE * float(spectrum.variances[0]) or LEAST_SCALE**2
        return cls(spectrum.mean, spectrum.leading(n_components), np.sqrt(np.maximum(variances - noise, 0)), noise)

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
    def standardising(self) -> NDArray[np.float64]:
        """Directions over the standard deviations of x along them, which give scores of variance 1: ``(K, D)``."""
        return self.directions / np.sqrt(self.variances)[:, None]

    @property
    def initial_noise(self) -> float:
        """Half the variance of the last component: under this noise none collapses before its loadings are found."""
        return float(self.variances[-1]) / 2

    @property
    def inverse_lipschitz(self) -> float:
        """Least distance of the means of two latents at distance 1, in noise standard deviations."""
        return float(self.amplitudes[-1] / math.sqrt(self.noise_variance))

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
        return (
            np.concatenate([y for y, _ in self._scored(X)]) * linear_posterior(self.amplitudes, self.noise_variance)[0]
        )

    def log_likelihoods(self, X: NDArray) -> NDArray[np.float64]:
        """Log p(x) of each row in nats: ``(N, D) -> (N,)``."""
        n_features, n_components = len(self.mean), len(self.amplitudes)
        constant = (
            n_features * np.log(2 * np.pi)
            + np.log(self.variances).sum()
            + (n_features - n_components) * np.log(self.noise_variance)
        )
        scales, noise = np.sqrt(self.variances), math.sqrt(self.noise_variance)
        parts = [((y / scales) ** 2).sum(1) + ((rest / noise) ** 2).sum(1) for y, rest in self._scored(X)]
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

    def completed(self, n_identifiable: int, n_components: int, noise_variance: float | None) -> Self:
        """With so many components, those that are added having loading zero.

        So have, under known noise, all that do not exceed it; solvers only come near these zeros.
        """
        amplitudes, directions = self.amplitudes, self.directions
        if noise_variance is not None:
            amplitudes = np.where(np.arange(len(amplitudes)) < n_identifiable, amplitudes, 0.0)
        n_more = n_components - len(amplitudes)
        if n_more:
            spare = linalg.null_space(directions).T[:n_more] if len(amplitudes) else np.eye(len(self.mean))[:n_more]
            directions, amplitudes = np.vstack([directions, spare]), np.append(amplitudes, np.zeros(n_more))
        return self._replace(directions=directions, amplitudes=amplitudes)

    def signed(self, third_moments: NDArray) -> Self:
        """With the signs that skew scores of such third moments to the right, or else make largest entries positive."""
        largest = np.take_along_axis(self.directions, np.abs(self.directions).argmax(1)[:, None], axis=1)[:, 0]
        signs = np.where(np.abs(third_moments) > TIE, np.sign(third_moments), np.sign(largest))
        return self._replace(directions=self.directions * np.where(signs == 0, 1.0, signs)[:, None])

    def in_units(self, offset: NDArray, scale: float) -> Self:
        """Of ``offset + scale x``."""
        noise = self.noise_variance * scale * scale
        return type(self)(offset + scale * self.mean, self.directions, scale * self.amplitudes, noise)

    def _scored(self, X: NDArray) -> Iterator[tuple[NDArray, NDArray]]:
        """Scores ``(n, K)`` along the directions, and what they leave of the rows ``(n, D)``, block by block."""
        for x in dense_blocks(X, SHARE * X.shape[1]):
            centred = x - self.mean
            y = centred @ self.directions.T
            yield y, centred - y @ self.directions


def most_components(n_features: int, noise_variance: float | None) -> int:
    """The largest number of components with a loading: noise that is learned is that of the last direction."""
    return n_features if noise_variance is not None else n_features - 1
