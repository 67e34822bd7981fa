r"""Principal variances of data, and which of their components are noise.

With a known noise variance s^2 the loadings of probabilistic PCA are :math:`w_i^2 = \max(\lambda_i - s^2, 0)` (Tipping
& Bishop 1999, equation 7), so component i is not identified, and its posterior is its prior, exactly when

.. math:: \lambda_i \le s^2.

With unknown noise every loading is positive, since noise alone spreads the sample variances of n degrees of freedom
over the Marchenko-Pastur bulk. What the data tell apart from noise lies above its edge,

.. math:: \lambda_i > \sigma^2 \left[ \left(1 + \sqrt{D' / n}\right)^2 + t \, \delta(n, D') \right],

with :math:`\sigma^2` from the D' variances that follow. The largest of D' noise variances fluctuates around the edge
with scale :math:`\delta` by the Tracy-Widom law (Johnstone, "On the distribution of the largest eigenvalue in principal
components analysis", 2001); t is its quantile of 99.9 %, without which white noise would seem to hold a component in
four data sets of ten. Components are tested from the largest down (Kritchman & Nadler, "Determining the number of
components in a factor model from limited noisy data", 2008). Features that others determine exactly, a constant, a
copy, a sum, or the last of shares that sum to one, have no noise of their own. Such tables are tested twice, in the
directions that they span and in the features that determine the others; a component must stand out in both.
"""

from collections.abc import Callable
from numbers import Integral
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "Spectrum",
    "bulk_noise",
    "decisive",
    "largest_noise",
    "n_identifiable",
    "noise_limit",
    "number_of_components",
]

TRACY_WIDOM = 3.2724
"""Quantile of 99.9 % of the Tracy-Widom law of order 1."""
TRACY_WIDOM_DEVIATION = 1.2680
"""Standard deviation of that law."""


class Spectrum(NamedTuple):
    """Principal variances, and the directions on demand.

    Attributes
    ----------
    variances : array of shape (R,)
        In descending order; all that can differ from zero, or the leading ones.
    leading : callable
        ``leading(k)`` gives the first k directions as orthonormal rows ``(k, D)``.
    mean : array of shape (D,)
    total : float
        Sum of all D variances.
    weight : float
        Total weight of the rows; the variances have weight - 1 degrees of freedom.
    reduced : tuple of Spectrum
        What is left without features that others determine, where there are such, as the noise is seen in no others:
        the directions that all features span, and the features that determine the others.
    """

    variances: NDArray[np.float64]
    leading: Callable[[int], NDArray[np.float64]]
    mean: NDArray[np.float64]
    total: float
    weight: float
    reduced: "tuple[Spectrum, ...]" = ()

    @property
    def n_features(self) -> int:
        """The number D of features."""
        return len(self.mean)

    @property
    def n_spanned(self) -> int:
        """Directions that centred rows in general position span: min(w - 1, D)."""
        return int(min(self.weight - 1, self.n_features))

    def centred_rows(self) -> NDArray[np.float64]:
        """D rows ``(D, D)`` that stand for all: centred, their mean square being the covariance."""
        return self.leading(self.n_features) * np.sqrt(self.n_features * self.variances)[:, None]


def n_identifiable(spectrum: Spectrum, noise_variance: float | None = None) -> int:
    """How many leading components of those in a spectrum stand out from the noise, which is known or None."""
    return _count(decisive(spectrum, noise_variance), noise_variance)


def number_of_components(spectrum: Spectrum, wanted: int | float | None, n_identifiable: int) -> int:
    """How many there are to be: a number, as many as exceed a share of the variance, or those that are identifiable."""
    if wanted is None:
        return max(n_identifiable, 1)
    if isinstance(wanted, Integral):
        return int(wanted)
    shares = np.cumsum(spectrum.variances) / (spectrum.total or 1.0)
    return min(int(np.searchsorted(shares, wanted, side="right")) + 1, len(shares))


def decisive(spectrum: Spectrum, noise_variance: float | None = None) -> Spectrum:
    """The spectrum in which the fewest components stand out: itself, or one without features that others determine."""
    if noise_variance is not None or not spectrum.reduced:
        return spectrum
    return min(spectrum.reduced, key=_count)


def _count(spectrum: Spectrum, noise_variance: float | None = None) -> int:
    """Components above their limits; unknown noise leaves the last of them to estimate it from."""
    most = len(spectrum.variances)
    if noise_variance is None:
        most = min(most, spectrum.n_features - 1)
    return next((k for k in range(most) if spectrum.variances[k] <= noise_limit(spectrum, k, noise_variance)), most)


def noise_limit(spectrum: Spectrum, k: int, noise_variance: float | None = None) -> float:
    """The variance that component k must exceed, the components before it being identified."""
    if noise_variance is not None:
        return noise_variance
    n_rest = spectrum.n_features - k
    if n_rest == 1:
        return float(spectrum.variances[k])
    return bulk_noise(spectrum, k + 1) * largest_noise(n_rest, spectrum.weight - 1)


def largest_noise(n_features: int, degrees: float) -> float:
    """Upper limit, at 99.9 %, of the largest of D' sample variances of white noise, over the noise of the others.

    That noise is itself an estimate, with a relative variance of 2 / (n (D' - 1)).
    """
    root, other = np.sqrt(max(degrees - 0.5, 0.5)), np.sqrt(n_features - 0.5)
    edge = (root + other) ** 2 / degrees
    own = (root + other) * (1 / root + 1 / other) ** (1 / 3) / degrees
    of_estimate = edge * np.sqrt(2 / (degrees * (n_features - 1))) / TRACY_WIDOM_DEVIATION
    return float(edge + TRACY_WIDOM * np.hypot(own, of_estimate))


def bulk_noise(spectrum: Spectrum, n_signals: int) -> float:
    r"""Noise variance from the variances after the first k, corrected for the noise within these.

    The largest sample variances exceed those of the population, at the cost of the others. The equations of Kritchman &
    Nadler (2008, section 3.1),

    .. math:: \rho^2 - \rho (\lambda + \sigma^2 - \sigma^2 (D - k)/n) + \lambda \sigma^2 = 0, \quad
        \sigma^2 = \frac{1}{D - k} \Big( \sum_{j > k} \lambda_j + \sum_{j \le k} (\lambda_j - \rho_j) \Big),

    with rho the variances of the population, are iterated to a fixed point.
    """
    signals = spectrum.variances[:n_signals]
    n_rest = spectrum.n_features - n_signals
    rest = max(spectrum.total - float(signals.sum()), 0.0)
    first = noise = rest / n_rest
    for _ in range(100):
        excess = _excess_of_signals(signals, noise, n_rest / (spectrum.weight - 1))
        noise, before = (rest + excess) / n_rest, noise
        if abs(noise - before) <= 1e-8 * first:
            break
    return noise


def _excess_of_signals(signals: NDArray, noise: float, ratio: float) -> float:
    """By how much the sample variances of all signals that are not too weak exceed those of the population."""
    unit = float(signals.max(initial=noise)) or 1.0  # squares of variances may overflow
    relative, share = signals / unit, noise / unit
    half = (relative + share - share * ratio) / 2
    squared = half**2 - relative * share
    population = np.where(squared >= 0, half + np.sqrt(np.maximum(squared, 0)), relative)
    return float((relative - population).sum()) * unit
