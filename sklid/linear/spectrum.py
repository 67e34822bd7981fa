r"""Principal variances of data, and which of their components are noise.

With a known noise variance s^2 the loadings of probabilistic PCA are :math:`w_i^2 = \max(\lambda_i - s^2, 0)` (Tipping
& Bishop 1999, equation 7), so component i is not identified, and its posterior is its prior, exactly when

.. math:: \lambda_i \le s^2.

With unknown noise every loading is positive, since noise alone spreads the sample variances of n degrees of freedom
over the Marchenko-Pastur bulk. Components are then tested from the largest down (Kritchman & Nadler, "Determining the
number of components in a factor model from limited noisy data", 2008). With k of them found, what is left has the
variances of noise of n - k degrees of freedom in D - k directions, so the next stands out when

.. math:: \lambda_{k+1} > \sigma^2 \left(1 - k / n\right) c_\alpha(D - k, n - k),

with :math:`\sigma^2` from the variances that follow the first k, and c the quantile of `largest_noise`. The first test
decides whether there is any structure, at a level of .5 %; each later one adds a component to others, at 2.5 %. One
too many is found when a test errs that should have been the last, so these are the levels of the whole. Features that
others determine exactly, a constant, a copy, a sum, or the last of shares that sum to one, have no noise of their own.
Such tables are tested twice, in the directions that they span and in the features that determine the others; a
component must stand out in both.
"""

from collections.abc import Callable
from numbers import Integral
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from .edge import largest_noise
from .weak import MOST, next_share

__all__ = ["Judgement", "Spectrum", "bulk_noise", "decisive", "judged", "noise_limit", "number_of_components"]

LEVELS = (0.005, 0.025)
"""Of the first test, and of each later one."""
WEAK = 2.0
"""Variance over the limit up to which a component lowers the variances after it."""
NEAR = 0.92
"""Share of the limit that the next variance must reach for this to matter."""


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

    def rest(self, k: int) -> float:
        """Sum of the variances after the first k."""
        if len(self.variances) >= self.n_spanned:
            return float(self.variances[k:].sum())
        return max(self.total - float(self.variances[:k].sum()), 0.0)

    def centred_rows(self) -> NDArray[np.float64]:
        """D rows ``(D, D)`` that stand for all: centred, their mean square being the covariance."""
        return self.leading(self.n_features) * np.sqrt(self.n_features * self.variances)[:, None]


class Judgement(NamedTuple):
    """How many leading components stand out, and the variance of the next beside the limit that it does not exceed."""

    count: int
    variance: float = float("nan")
    limit: float = float("nan")

    def in_units_of(self, scale: float) -> Self:
        """For rows divided by a scale."""
        return self._replace(variance=self.variance / scale / scale, limit=self.limit / scale / scale)


def judged(spectrum: Spectrum, noise_variance: float | None = None) -> Judgement:
    """Which leading components of those in a spectrum stand out from the noise, which is known or None."""
    return _judged(decisive(spectrum, noise_variance), noise_variance)


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
    return min(spectrum.reduced, key=lambda part: _judged(part).count)


def _judged(spectrum: Spectrum, noise_variance: float | None = None) -> Judgement:
    """Components above their limits; unknown noise leaves the last of them to estimate it from."""
    most = len(spectrum.variances)
    if noise_variance is None:
        most = min(most, spectrum.n_features - 1)
    for k in range(most):
        limit = noise_limit(spectrum, k, noise_variance)
        if spectrum.variances[k] <= limit and (noise_variance is not None or not _beside_weak(spectrum, k, limit)):
            return Judgement(k, float(spectrum.variances[k]), limit)
    return Judgement(most)


def _beside_weak(spectrum: Spectrum, k: int, limit: float) -> bool:
    """Whether component k stands out beside the weak ones before it, though it is within the limit of white noise."""
    signals, degrees = spectrum.variances[:k], spectrum.weight - 1 - k
    weak, near = signals[-1:] < WEAK * limit, spectrum.variances[k] > NEAR * limit
    if not (weak.any() and near and min(spectrum.n_features, degrees) <= MOST):
        return False
    noise = bulk_noise(spectrum, k)
    population = _population(signals, noise, (spectrum.n_features - k) / (spectrum.weight - 1)) / noise
    share = float(spectrum.variances[k]) / spectrum.rest(k)
    return bool(np.mean(next_share(population, spectrum.n_features, spectrum.weight - 1) >= share) <= LEVELS[1])


def noise_limit(spectrum: Spectrum, k: int, noise_variance: float | None = None) -> float:
    """The variance that component k must exceed, the components before it being identified."""
    if noise_variance is not None:
        return noise_variance
    degrees = spectrum.weight - 1
    left = max(degrees - k, 1.0)
    return bulk_noise(spectrum, k) * left / degrees * largest_noise(spectrum.n_features - k, left, LEVELS[k > 0])


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
    rest = spectrum.rest(n_signals)
    first = noise = rest / n_rest
    for _ in range(100):
        excess = float((signals - _population(signals, noise, n_rest / (spectrum.weight - 1))).sum())
        noise, before = max(rest + excess, 0.0) / n_rest, noise
        if abs(noise - before) <= 1e-8 * first:
            break
    return noise


def _population(signals: NDArray, noise: float, ratio: float) -> NDArray[np.float64]:
    """Variances of the population of signals that have such sample variances, or these where they are too weak."""
    unit = float(signals.max(initial=noise)) or 1.0  # squares of variances may overflow
    relative, share = signals / unit, noise / unit
    half = (relative + share - share * ratio) / 2
    squared = half**2 - relative * share
    return unit * np.where(squared >= 0, half + np.sqrt(np.maximum(squared, 0)), relative)
