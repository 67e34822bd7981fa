r"""The largest of the sample variances of white noise, over their mean: what a component has to exceed.

Of D principal variances of white noise with n degrees of freedom the largest is about the Marchenko-Pastur edge, and

.. math:: \frac{\lambda_1}{\bar\lambda} = \mu + t \, \delta, \qquad
    \mu = \frac{(a + b)^2}{n}, \quad \delta = \frac{a + b}{n} \Big( \frac1a + \frac1b \Big)^{1/3}, \quad
    a = \sqrt{n - \tfrac12}, \; b = \sqrt{D - \tfrac12},

with t from the Tracy-Widom law of order 1 in the limit (Johnstone, "On the distribution of the largest eigenvalue in
principal components analysis", 2001; Ma, "Accuracy of the Tracy-Widom limits for the extreme eigenvalues in white
Wishart matrices", 2012). The mean in the denominator narrows it (Nadler, "On the distribution of the ratio of the
largest eigenvalue to the trace of a Wishart matrix", 2011), and few features or rows move it further: with p the less
and q the greater of D and n, quantiles are

.. math:: t = t_\infty + \sum_{i=1}^{3} \sum_{j=0}^{3} c_{ij} \, p^{-2i/3} \, (p/q)^{j/2},

fitted to 24 000 to 600 000 Wishart matrices of each of 70 shapes from p = 3 to 64. The level that results is within a
fifth of the nominal one. Two variances have a closed form, since :math:`1 - w^2` with :math:`w = (\lambda_1 -
\lambda_2) / (\lambda_1 + \lambda_2)` is below x with probability :math:`x^{(q - 1) / 2}` (Mauchly 1940).
"""

import numpy as np

__all__ = ["largest_noise"]

LIMITS = {0.005: 2.4224, 0.025: 1.4538}
"""Quantiles of the Tracy-Widom law of order 1 that are exceeded at each level."""
CORRECTIONS = {
    0.005: (
        (-2.4370, -1.2851, 1.8391, -1.8324),
        (0.9845, -0.3649, -22.0479, 10.0527),
        (-1.7398, -4.9176, 28.6409, -7.1529),
    ),
    0.025: (
        (-1.6367, -2.4059, 2.1699, -1.6857),
        (-0.2258, 4.3601, -16.9601, 9.6433),
        (-0.2462, -6.1389, 22.4064, -10.7925),
    ),
}
"""Coefficients c of the correction, by level."""


def largest_noise(n_features: int, degrees: float, level: float) -> float:
    """Limit that the largest of D sample variances of white noise exceeds, over their mean, at a level.

    Parameters
    ----------
    n_features : int
        The number D, at least 1.
    degrees : float
        Degrees of freedom n, at least 1.
    level : {0.005, 0.025}

    Returns
    -------
    limit : float
        Infinite where there is but one variance that is not zero, as it then says nothing.
    """
    less, more = sorted((float(n_features), float(degrees)))
    if less < 2:
        return float("inf")
    if less < 3:
        return n_features * float(1 + np.sqrt(1 - level ** (2 / (more - 1)))) / 2
    root, other = np.sqrt(degrees - 0.5), np.sqrt(n_features - 0.5)
    powers = np.outer(less ** (-2 * np.arange(1, 4) / 3), (less / more) ** (np.arange(4) / 2))
    t = LIMITS[level] + float(np.sum(CORRECTIONS[level] * powers))
    scale = (root + other) * (1 / root + 1 / other) ** (1 / 3)
    return float(((root + other) ** 2 + t * scale) / degrees)
