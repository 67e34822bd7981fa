r"""Factor analysis at the maximum of its likelihood: each column has noise of its own.

With the noise variances :math:`\psi` given, the best loadings are a closed form: probabilistic PCA of rows in noise
standard deviations. With :math:`\lambda_k, u_k` the principal variances and directions of :math:`\Psi^{-1/2} S
\Psi^{-1/2}`, twice the negative log-likelihood of a row is, up to a constant,

.. math:: f(\log \psi) = \sum_i \Big( \log \psi_i + \frac{S_{ii}}{\psi_i} \Big) + \sum_{k \le K} (\log \lambda_k -
    \lambda_k + 1), \qquad \frac{\partial f}{\partial \log \psi_i} = 1 - \frac{S_{ii}}{\psi_i} + \sum_{k \le K}
    (\lambda_k - 1) u_{ki}^2

over the :math:`\lambda_k > 1` (Jöreskog, "Some contributions to maximum likelihood factor analysis", 1967; Rubin &
Thayer 1982). It is minimised by L-BFGS-B of SciPy, as in R's ``factanal``, in standard deviations of the columns, so
that these may have any units. Alternating between loadings and noise, as `sklearn.decomposition.FactorAnalysis` does,
climbs the same likelihood, and stops far from its maximum where steps are short.

How many components there are is tested in noise units, one after the other: with k of them fitted, the next stands out
when :math:`\lambda_{k+1}` exceeds what `largest_noise` reaches. The greatest variance of a sample correlation matrix
has the same law in the limit (Bao, Pan & Zhou, "Tracy-Widom law for the extreme eigenvalues of sample correlation
matrices", 2012). A covariance determines at most :math:`D + \tfrac12 - \sqrt{2 D + \tfrac14}` of them (Ledermann 1937).
"""

import math
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from .covariance import Moments
from .edge import largest_noise
from .factor_model import FactorModel
from .solver import Fit, Problem
from .spectrum import LEVELS, Judgement, Spectrum

__all__ = ["Columns", "fit_factors", "searched"]

LEAST_SHARE = 1e-12
"""Least share of a column's variance that is its noise; a column without any has no maximum of the likelihood."""


class Noise(NamedTuple):
    """Noise variances ``(D,)`` at the maximum, steps, and nats per row still to come."""

    variances: NDArray[np.float64]
    n_iter: int
    to_come: float


class Columns(NamedTuple):
    """Rows ``(N, D)`` whose squares sum to the correlations of the columns, and the standard deviations ``(D,)``."""

    rows: NDArray[np.float64]
    scales: NDArray[np.float64]

    @classmethod
    def of(cls, centred: NDArray) -> Self:
        """Of centred rows ``(N, D)`` whose mean square is their covariance."""
        scales = np.sqrt(np.square(centred).mean(axis=0))
        scales[scales == 0] = 1.0
        return cls(centred / (scales * math.sqrt(len(centred))), scales)

    @classmethod
    def of_moments(cls, moments: Moments) -> Self:
        """Of D rows that stand for all, exact whatever the units of the columns."""
        scales = np.sqrt(moments.scatter.diagonal() / (moments.weight - 1))
        scales[scales == 0] = 1.0
        correlations = moments.scatter / (moments.weight - 1) / scales / scales[:, None]
        variances, directions = np.linalg.eigh(correlations)
        return cls((directions * np.sqrt(np.maximum(variances, 0))).T, scales)

    def spectrum(self, noise: NDArray, n_components: int) -> tuple[NDArray, NDArray]:
        """Leading principal variances in noise standard deviations, descending, and directions ``(K, D)``."""
        _, values, directions = np.linalg.svd(self.rows / np.sqrt(noise), full_matrices=False)
        return values[:n_components] ** 2, directions[:n_components]

    def loss(self, log_noise: NDArray, n_components: int) -> tuple[float, NDArray[np.float64]]:
        """The function f and its gradient ``(D,)``."""
        variances, directions = self.spectrum(np.exp(log_noise), n_components)
        variances = np.maximum(variances, 1.0)
        ratios = np.square(self.rows).sum(axis=0) * np.exp(-log_noise)
        loss = float((log_noise + ratios).sum() + (np.log(variances) - variances + 1).sum())
        return loss, 1 - ratios + (variances - 1) @ np.square(directions)

    def noise(self, n_components: int, problem: Problem) -> Noise:
        """The noise variances of the most likely model of so many components."""
        found = minimize(
            self.loss,
            np.full(len(self.scales), math.log(0.5)),
            (n_components,),
            method="L-BFGS-B",
            jac=True,
            bounds=[(math.log(LEAST_SHARE), math.log(2))] * len(self.scales),
            options={"maxiter": problem.max_iter, "ftol": problem.tol, "gtol": problem.tol, "maxcor": 30},
        )
        to_come = float(found.jac @ found.hess_inv.matvec(found.jac)) / 4 if found.nit >= problem.max_iter else 0.0
        return Noise(np.exp(found.x), found.nit, to_come)

    def model(self, noise: NDArray, n_components: int, mean: NDArray) -> FactorModel:
        """The most likely model of such noise, in units of the data."""
        variances, directions = self.spectrum(noise, n_components)
        amplitudes = np.sqrt(np.maximum(variances - 1, 0))
        return FactorModel.of_white(mean, np.square(self.scales) * noise, directions, amplitudes)

    def mean_kl(self, model: FactorModel, degrees: float) -> NDArray[np.float64]:
        """Mean KL(p(z_k | x), p(z_k)) over the rows: ``(K,)``."""
        scores = self.rows * (self.scales / model.noise_scales) @ model.white.directions.T
        return model.white.mean_kl(np.square(scores).sum(axis=0) * degrees / (degrees + 1))


def searched(columns: Columns, degrees: float, most: int, problem: Problem) -> Judgement:
    """How many components stand out, of `most` that there can be."""
    noise, n_features = np.ones_like(columns.scales), len(columns.scales)
    for k in range(most):
        if k:
            noise = columns.noise(k, problem).variances
        found = float(columns.spectrum(noise, k + 1)[0][k])
        limit = largest_noise(n_features - k, max(degrees - k, 1.0), LEVELS[k > 0])
        if found <= limit:
            return Judgement(k, found, limit)
    return Judgement(most, limit=math.inf)


def fit_factors(columns: Columns, spectrum: Spectrum, wanted: int | float, most: int, problem: Problem) -> Fit:
    """The factor model of a number of components, or of as many as explain more than a share of the variance."""
    n_components = 1 if isinstance(wanted, float) else int(wanted)
    while True:
        noise = columns.noise(n_components, problem)
        model = columns.model(noise.variances, n_components, spectrum.mean)
        share = float(model.explained.sum()) / (spectrum.total or 1.0)
        if not isinstance(wanted, float) or share > wanted or n_components >= most:
            return Fit(model, noise.n_iter, noise.to_come)
        n_components += 1
