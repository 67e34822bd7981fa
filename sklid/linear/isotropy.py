r"""Whether what a model leaves over is normal noise of one variance in all directions.

The rule that tells components from noise of unknown variance takes the noise to be isotropic. With k components found,
the D' = D - k variances left over, of n' = n - k degrees of freedom, are then those of a Marchenko-Pastur bulk. Their
spread,

.. math:: U = \frac{1}{D'} \sum_{j > k} \left( \frac{\lambda_j}{\bar\lambda} - 1 \right)^2,

is the locally most powerful invariant statistic for sphericity (John, "Some optimal multivariate tests", 1971). Of
white noise :math:`n' D' U / 2` is distributed as chi-squared with :math:`D' (D' + 1) / 2 - 1` degrees of freedom, to
good approximation with more features than rows too (Ledoit & Wolf, "Some hypothesis tests for the covariance matrix
when the dimension is large compared to the sample size", 2002); its mean is exactly :math:`(D' + 2)(D' - 1) / (n' D' +
2)`. Both tails count: noise of unequal variances spreads them, and of such noise a rule that takes its largest
variances for components leaves too little.

Heavy tails raise the largest variances as well, and the components that come of it take the spread along. What tells
them is the fourth moment of the lengths of the residuals (Mardia, "Measures of multivariate skewness and kurtosis with
applications", 1970),

.. math:: \kappa = (D' + 2) \left( \frac{D'}{D' + 2} \frac{E |r|^4}{(E |r|^2)^2} - 1 \right),

the excess kurtosis of independent entries; 0 for normal noise, 3 for Laplace's.
"""

import math

import numpy as np
from scipy import stats

from .covariance import WeightedRows
from .dense_blocks import dense
from .linear_gaussian import LinearGaussian
from .spectrum import Spectrum

__all__ = ["isotropy_pvalue", "residual_kurtosis"]

ROUNDING = 1e-12
"""Share of the variance under which what is left over is a rounding error."""
LEAST_ROWS = 30
"""Under which a direction that fits one row leaves lengths that look like heavy tails."""
MOST_NUMBERS = 1 << 17
"""Numbers of the rows, at even distances, of which the fourth moment is taken."""


def isotropy_pvalue(spectrum: Spectrum, n_components: int) -> float:
    """Two-sided p-value of the isotropy of what so many leading components leave over.

    It is nan where there is nothing to compare: fewer than two directions, no variance, or only the leading variances
    known.
    """
    n_rest, degrees = spectrum.n_features - n_components, spectrum.weight - 1 - n_components
    rest = spectrum.variances[n_components:]
    known = len(spectrum.variances) >= min(math.floor(spectrum.weight - 1), spectrum.n_features)
    if n_rest < 2 or degrees < 1 or not known or not rest.any():
        return math.nan
    shares = rest / rest.sum()
    spread = n_rest * float(np.sum(shares**2)) - 1
    freedom = (n_rest + 2) * (n_rest - 1) / 2
    law = stats.chi2(freedom)
    statistic = spread * (n_rest * degrees + 2) / 2
    return 2 * float(min(law.cdf(statistic), law.sf(statistic), 0.5))


def residual_kurtosis(rows: WeightedRows, model: LinearGaussian, n_features: int) -> float:
    """Excess kurtosis of what a model leaves over of complete rows, nan where it leaves nothing or rows are few.

    Features that others determine do not count among the `n_features`.
    """
    if rows.X.shape[0] < LEAST_ROWS:
        return math.nan
    step = -(-rows.X.shape[0] * rows.X.shape[1] // MOST_NUMBERS)
    centred, weights = dense(rows.X[::step]) - model.mean, None if rows.weights is None else rows.weights[::step]
    squares = np.square(centred).sum(axis=1) - np.square(centred @ model.directions.T).sum(axis=1)
    n_rest, mean = n_features - len(model.directions), float(np.average(squares, weights=weights))
    if n_rest < 1 or mean <= ROUNDING * float(np.square(centred).mean()) * len(model.mean):
        return math.nan
    fourth = float(np.average(np.square(squares / mean), weights=weights))
    return n_rest * fourth - (n_rest + 2)
