r"""Which principal components are noise.

With a known noise variance s^2 the loadings of probabilistic PCA are :math:`w_i^2 = \max(\lambda_i - s^2, 0)` (Tipping & Bishop 1999, equation 7), so
component i is not identified, and its posterior is its prior, exactly when

.. math:: \lambda_i \le s^2.

With unknown noise every loading is positive, since noise alone spreads the sample variances of n degrees of freedom over the Marchenko-Pastur bulk.
What the data tell apart from noise lies above its edge,

.. math:: \lambda_i > \sigma^2 \left[ \left(1 + \sqrt{D' / n}\right)^2 + t \, \delta(n, D') \right],

with :math:`\sigma^2` from the D' variances that follow. The largest of D' noise variances fluctuates around the edge with scale :math:`\delta`
by the Tracy-Widom law (Johnstone, "On the distribution of the largest eigenvalue in principal components analysis", 2001); t is its quantile of
99.9 %, without which white noise would seem to hold a component in four data sets of ten. Components are tested from the largest down (Kritchman &
Nadler, "Determining the number of components in a factor model from limited noisy data", 2008).
"""

import numpy as np
from numpy.typing import NDArray

from .covariance import Rows
from .spectrum import Spectrum, spectrum_of_rows

__all__ = ["bulk_noise", "largest_noise", "n_identifiable", "noise_limit", "spectrum_down_to_noise"]

FIRST_LEADING = 20

TRACY_WIDOM = 3.2724
"""Quantile of 99.9 % of the Tracy-Widom law of order 1."""
TRACY_WIDOM_DEVIATION = 1.2680


def n_identifiable(spectrum: Spectrum, noise_variance: float | None = None) -> int:
    """How many leading components of those in a spectrum stand out from the noise, which is known or None.

    Unknown noise leaves the last component to estimate it from.
    """
    most = len(spectrum.variances) if noise_variance is not None else min(len(spectrum.variances), spectrum.n_features - 1)
    return next((k for k in range(most) if spectrum.variances[k] <= noise_limit(spectrum, k, noise_variance)), most)


def noise_limit(spectrum: Spectrum, k: int, noise_variance: float | None = None) -> float:
    """The variance that component k must exceed, the components before it being identified."""
    if noise_variance is not None:
        return noise_variance
    n_rest = spectrum.n_features - k
    if n_rest == 1:
        return float(spectrum.variances[k])
    return bulk_noise(spectrum, k + 1) * largest_noise(n_rest, spectrum.weight - 1)


def spectrum_down_to_noise(rows: Rows, noise_variance: float | None, random_state: np.random.RandomState) -> Spectrum:
    """Spectrum of rows with at least one component that is noise, where rows and features are too many for all of it."""
    n_leading = FIRST_LEADING
    while True:
        spectrum = spectrum_of_rows(rows, n_leading, random_state)
        found = len(spectrum.variances)
        if found >= min(spectrum.n_spanned, n_leading + 1) or n_identifiable(spectrum, noise_variance) < found:
            return spectrum
        n_leading *= 2


def largest_noise(n_features: int, degrees: float) -> float:
    """Upper limit, at 99.9 %, of the largest of D' = `n_features` sample variances of white noise, over the noise that the others show.

    That noise is itself an estimate, with a relative variance of 2 / (n (D' - 1)).
    """
    root, other = np.sqrt(max(degrees - 0.5, 0.5)), np.sqrt(n_features - 0.5)
    edge = (root + other) ** 2 / degrees
    own = (root + other) * (1 / root + 1 / other) ** (1 / 3) / degrees
    of_estimate = edge * np.sqrt(2 / (degrees * (n_features - 1))) / TRACY_WIDOM_DEVIATION
    return float(edge + TRACY_WIDOM * np.hypot(own, of_estimate))


def bulk_noise(spectrum: Spectrum, n_signals: int) -> float:
    r"""Noise variance from what follows the first k variances, and from the noise within these: at most 0 where nothing follows.

    The sample variances of the signals have drawn some noise out of the bulk; the equations of Kritchman & Nadler (2008, section 3.1),

    .. math:: \rho^2 - \rho (\lambda + \sigma^2 - \sigma^2 (D - k)/n) + \lambda \sigma^2 = 0, \quad
        \sigma^2 = \frac{1}{D - k} \Big( \sum_{j > k} \lambda_j + \sum_{j \le k} (\lambda_j - \rho_j) \Big),

    are iterated to a fixed point.
    """
    signals = spectrum.variances[:n_signals]
    n_rest = spectrum.n_features - n_signals
    rest = max(spectrum.total - float(signals.sum()), 0.0)
    first = noise = rest / n_rest
    for _ in range(100):
        drained = _drained(signals, noise, n_rest / (spectrum.weight - 1))
        noise, before = (rest + drained) / n_rest, noise
        if abs(noise - before) <= 1e-8 * first:
            break
    return noise


def _drained(signals: NDArray, noise: float, ratio: float) -> float:
    """What noise adds to the variances of the signals, in all; nothing where a signal is too weak to tell."""
    half = (signals + noise - noise * ratio) / 2
    squared = half**2 - signals * noise
    rho = np.where(squared >= 0, half + np.sqrt(np.maximum(squared, 0)), signals)
    return float((signals - rho).sum())
