r"""How much wider the draws of a model must be for their intervals to hold what they say.

A model that is fitted to few rows is too sure of itself. Of values that were hidden from it, with mean m and the
quantiles :math:`q_5, q_{95}` of draws each, the factor is the 90 % quantile of

.. math:: \frac{|x - m|}{|q - m|}, \qquad q = q_{95} \text{ where } x > m, \text{ else } q_5

so that the interval between the quantiles, stretched by it about m, holds 90 % of them: split conformal prediction.
"""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import gen_batches

__all__ = ["spread_of_draws"]

INTERVAL = (0.05, 0.95)
N_DRAWS, N_ROWS = 200, 500
NARROWEST = 1e-6
"""Half of an interval, in standard deviations of a column."""


def spread_of_draws(model: Any, known: NDArray[np.floating], truth: NDArray[np.floating]) -> float:
    """The factor for the draws of a model that fills gaps.

    Parameters
    ----------
    model : estimator with ``impute`` and ``sample_posterior_predictive``
        Fitted to the rows with gaps.
    known, truth : array of shape (n_samples, n_features)
        Rows with gaps, and with the values that were hidden there; nan is what is not known either way.

    Returns
    -------
    factor : float
        Positive; 1 means that the model is as sure as it may be.

    References
    ----------
    Lei, G'Sell, Rinaldo, Tibshirani & Wasserman, "Distribution-Free Predictive Inference for Regression", JASA 2018.
    """
    ratios = np.concatenate([_ratios(model, known[rows], truth[rows]) for rows in gen_batches(len(known), N_ROWS)])
    share = INTERVAL[1] - INTERVAL[0]
    level = min(1.0, math.ceil((len(ratios) + 1) * share) / len(ratios))  # of a sample that is as small as this one
    return max(float(np.quantile(ratios, level, method="inverted_cdf")), NARROWEST)


def _ratios(model: Any, known: NDArray[np.floating], truth: NDArray[np.floating]) -> NDArray[np.floating]:
    hidden = np.isnan(known) & ~np.isnan(truth)
    has_some = hidden.any(axis=1)
    if not has_some.any():
        return np.empty(0)
    known, truth, hidden = known[has_some], truth[has_some], hidden[has_some]
    means, values = model.impute(known)[hidden], truth[hidden]
    low, high = np.quantile(model.sample_posterior_predictive(known, N_DRAWS)[:, hidden], INTERVAL, axis=0)
    reach = np.where(values > means, high - means, means - low)
    return abs(values - means) / np.maximum(reach, NARROWEST)
