r"""The next variance of noise beside components that are weak themselves.

Sample variances repel each other. Beside strong components the largest variance of the noise is that of white noise;
beside components that are hardly beyond it, it stays lower, and a test that takes it for that of white noise misses
weak components more often than its level asks for. What then decides is simulation at the variances
:math:`\rho_1 .. \rho_k` of the population that the components found are estimated to have,

.. math:: \frac{\lambda_{k+1}}{\sum_{j > k} \lambda_j}, \qquad
    \lambda \text{ the eigenvalues of } W_D(n, \operatorname{diag}(\rho_1 .. \rho_k, 1 .. 1)) / n.

The draws are always the same.
"""

import numpy as np
from numpy.typing import NDArray

__all__ = ["MOST", "next_share"]

N_DRAWS = 400
MOST = 100
"""Features or rows up to which it is simulated; with more of both, there is less between weak and strong."""


def next_share(population: NDArray, n_features: int, degrees: float) -> NDArray[np.float64]:
    """Draws of the next variance over the sum of it and those after it.

    Parameters
    ----------
    population : array of shape (k,)
        Variances of the components before it, where that of the noise is 1.
    n_features : int
    degrees : float
        Degrees of freedom; part of one does not count.
    """
    rng, k, degrees = np.random.default_rng(0), len(population), int(degrees)
    size = min(n_features, degrees)
    if degrees >= n_features:
        factors = _triangles(rng, size, degrees)
        factors[:, :k] *= np.sqrt(population)[:, None]
    else:
        signals = rng.standard_normal((N_DRAWS, size, k)) * np.sqrt(population)
        factors = np.concatenate([signals, _triangles(rng, size, n_features - k)], axis=2)
    variances = np.linalg.eigvalsh(factors @ factors.mT)[:, ::-1]
    return variances[:, k] / variances[:, k:].sum(axis=1)


def _triangles(rng: np.random.Generator, size: int, degrees: int) -> NDArray[np.float64]:
    """Lower triangles of white Wishart matrices (Bartlett 1933): ``(N_DRAWS, size, min(size, degrees))``."""
    factors = np.tril(rng.standard_normal((N_DRAWS, size, min(size, degrees))), -1)
    places = np.arange(min(size, degrees))
    factors[:, places, places] = np.sqrt(rng.chisquare(degrees - places, (N_DRAWS, len(places))))
    return factors
