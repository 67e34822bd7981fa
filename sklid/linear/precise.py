r"""Principal variances that keep their digits however small they are beside others.

A covariance has lost what is under :math:`10^{-16}` of its largest variance: noise of :math:`10^{-8}` of the signal, or
all that a column in small units shows beside one in large units. Centred rows have not: by orthogonal triangles
(Householder), each column keeping its digits, and the singular values of their product R by Jacobi rotations, exact in
all digits for columns of any scale (Drmač & Veselić, "New fast and accurate Jacobi SVD algorithm", 2008; LAPACK's
``dgejsv``),

.. math:: \sqrt{w_n} (x_n - m)_n = Q R, \qquad \lambda_k = \frac{s_k(R)^2}{w - 1}.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import lapack

from .covariance import Moments, WeightedRows
from .isotropy import isotropy_pvalue
from .leftover import ISOTROPY_LEVEL
from .spectrum import Spectrum, judged

__all__ = ["with_small_variances"]

SMALL = 1e-9
"""Share of the largest variance under which those of a covariance are computed anew."""
LARGEST_JACOBI = 300
"""Columns up to which rotations are worth their time; more of them keep digits as far as their scales are alike."""
ROUNDING = 8.0
"""Rounding errors of a value, times the root of the number of columns, that a direction without variance may show."""


def with_small_variances(spectrum: Spectrum, rows: WeightedRows, moments: Moments, offset: NDArray) -> Spectrum:
    """The spectrum of moments of rows, computed anew from these where some of its variances are small.

    Features that others determine are known from the moments, to five digits; unless what components leave over is
    noise of one variance in half of all directions, they still count. The rows had an offset ``(D,)`` when they were
    rounded.
    """
    if spectrum.variances[-1] > SMALL * spectrum.variances[0] or not spectrum.variances[0]:
        return spectrum
    values, directions = _decomposed(_triangle(rows))
    variances = values**2 / (rows.total - 1)
    errors = ROUNDING * np.sqrt(len(values)) * np.finfo(rows.X.dtype).eps * _sizes(moments, offset)
    variances = np.where(variances > np.square(directions) @ np.square(errors), variances, 0.0)
    total = float(variances.sum())
    precise = Spectrum(variances, lambda k: directions[:k], rows.mean, total, rows.total)
    count = judged(precise).count
    if variances.all() and 2 * count <= len(variances) and isotropy_pvalue(precise, count) > ISOTROPY_LEVEL:
        return precise
    return precise._replace(reduced=tuple(_as_precise(part, spectrum, precise) for part in spectrum.reduced))


def _as_precise(part: Spectrum, whole: Spectrum, precise: Spectrum) -> Spectrum:
    """A part of a spectrum, with the digits of the precise one where it has the variances of the whole."""
    return precise._replace(mean=part.mean) if part.variances is whole.variances else part


def _triangle(rows: WeightedRows) -> NDArray[np.float64]:
    """R ``(D, D)``, whose product with its transpose is the scatter of the rows."""
    triangle = np.zeros((0, len(rows.mean)))
    for centred in rows.centred_chunks():
        triangle = np.linalg.qr(np.vstack([triangle, centred]), mode="r")
    n_less = triangle.shape[1] - len(triangle)  # of few rows with many repetitions
    return np.vstack([triangle, np.zeros((n_less, triangle.shape[1]))])


def _decomposed(triangle: NDArray) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Singular values, descending, and right singular vectors as rows."""
    if len(triangle) > LARGEST_JACOBI:
        _, values, directions = np.linalg.svd(triangle)
        return values, directions
    values, _, vectors, work, _, _ = lapack.dgejsv(triangle, joba=0, jobu=3, jobv=0, jobr=0)
    return values * (work[0] / work[1]), vectors.T


def _sizes(moments: Moments, offset: NDArray) -> NDArray[np.float64]:
    """Of the values of each column, rounding errors included: their root mean square."""
    return np.sqrt((moments.mean + offset) ** 2 + moments.scatter.diagonal() / moments.weight)
