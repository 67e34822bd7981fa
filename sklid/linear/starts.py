"""Where a fit of rows with gaps begins: at principal components, and where columns seldom meet at random too.

What few rows tell of two columns together, the rows with gaps filled by means tell wrongly: the two look uncorrelated.
A fit that begins at their principal components may then end at a maximum of the likelihood that is not the greatest.
"""

import math

import numpy as np

from .incomplete import IncompleteRows
from .linear_gaussian import LinearGaussian

__all__ = ["columns_seldom_meet", "random_starts"]

N_RANDOM = 5
"""Starts at random loadings, beside that at principal components."""
NOISE = 10.0
"""Noise variance that these begin with, as a multiple of the mean variance: little is decided by the first steps."""
SELDOM = 0.1
"""Share of the rows that two columns must both be observed in."""
MOST_COLUMNS = 1_000
"""Columns, evenly spaced, of which all pairs are looked at."""


def random_starts(at_components: LinearGaussian, random_state: np.random.RandomState) -> list[LinearGaussian]:
    """Models of random loadings, of as many components, the same mean and much noise; of no component none."""
    n_features, n_components = at_components.loadings.shape
    if n_components == 0:
        return []
    variance = float((at_components.amplitudes**2).sum()) / n_features + at_components.noise_variance
    scale, shape = math.sqrt(variance / n_components), (n_features, n_components)
    loadings = [scale * random_state.standard_normal(shape) for _ in range(N_RANDOM)]
    return [LinearGaussian.of_loadings(at_components.mean, W, NOISE * variance) for W in loadings]


def columns_seldom_meet(rows: IncompleteRows) -> bool:
    """Whether there are two columns that few rows have both of."""
    step = math.ceil(rows.patterns.shape[1] / MOST_COLUMNS)
    observed, counts = rows.patterns[:, ::step].astype(np.float64), rows.counts
    return bool(((observed.T * counts) @ observed).min() < SELDOM * counts.sum())
