r"""Agreement of the latents that two models give to the same rows: the mean correlation coefficient after alignment.

Latents of a model are known up to what leaves its distribution of the data as it is. So those of two fits are aligned
first, by the best affine maps or by the best permutation with signs, and compared then:

.. math:: \rho = \frac1K \sum_k \operatorname{corr}(a_k \cdot z, \; b_k \cdot z'), \qquad K = \min(K_1, K_2)

Affine maps are at their best in the canonical variates, whose correlations decrease from the largest there is
(Hotelling 1936); permutations by the Hungarian method on the absolute correlations. The alignment that is best for some
rows is too good on these: with K latents and N rows, independent latents have canonical correlations of about
:math:`\sqrt{K / N}` and not 0. Here the rows are dealt into folds; each fold is aligned as the others say, and the
correlations are those of all rows thus aligned. Independent latents then give 0 on average.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import linear_sum_assignment
from sklearn.model_selection import KFold
from sklearn.utils import check_array, check_consistent_length

from ..surroundings import ordinary_settings
from ..validation import StrOptions, validate_params

__all__ = ["LatentAgreement", "latent_agreement"]

N_FOLDS = 5
ROUNDING = 1e-6
"""Spread, as a share of the largest number there is, below which latents do not vary but for rounding."""


class LatentAgreement(NamedTuple):
    """Mean correlation of two sets of latents, each aligned with the other.

    Attributes
    ----------
    value : float
        -1 to 1; about 0 for independent latents.
    per_dimension : array of shape (min(n_components, n_other_components),)
        The correlations of which it is the mean: of the canonical variates in decreasing order on the rows that aligned
        them, or of the latents in the order of the table with fewer, the first of two with as many.
    standard_error : float
        Of the mean over rows, given the alignment. Where nothing agrees the alignment is arbitrary, and the error is
        half as large again.
    """

    value: float
    per_dimension: NDArray[np.float64]
    standard_error: float


@ordinary_settings()
@validate_params(
    {"alignment": [StrOptions({"affine", "permutation"})], "random_state": ["random_state"]},
    prefer_skip_nested_validation=True,
)
def latent_agreement(
    Z: ArrayLike,
    other: ArrayLike,
    *,
    alignment: str = "affine",
    random_state: int | np.random.RandomState | None = 0,
) -> LatentAgreement:
    """Mean correlation of two sets of latents of the same rows, after the best alignment.

    It is symmetric: either set may come first. A latent that does not vary agrees with nothing and counts as 0. With
    different numbers of latents it says how far the smaller set is found in the larger.

    Parameters
    ----------
    Z : array-like of shape (n_samples, n_components)
        Latents of the rows, such as the posterior means that `transform` gives.
    other : array-like of shape (n_samples, n_other_components)
        Those of another fit, or the true ones of simulated data, of the same rows in the same order.
    alignment : {"affine", "permutation"}, default="affine"
        "affine" lets an affine map stand between the two, the weak coefficient of Khemakhem et al.; "permutation" an
        order and signs alone, the strong one.
    random_state : int, RandomState instance or None, default=0
        Deals the rows into five folds, each of which is aligned as the other four say.

    Returns
    -------
    agreement : LatentAgreement

    Raises
    ------
    ValueError
        If the tables differ in their number of rows, have fewer than ten, or hold NaN.

    References
    ----------
    Khemakhem, Monti, Kingma & Hyvärinen, "ICE-BeeM: Identifiable Conditional Energy-Based Deep Models Based on
    Nonlinear ICA", NeurIPS 2020. Hotelling, "Relations between two sets of variates", 1936.

    Examples
    --------
    >>> import numpy as np
    >>> from sklid.metrics import latent_agreement
    >>> Z = np.random.default_rng(0).standard_normal((500, 2))
    >>> rotated = Z @ [[0.6, -0.8], [0.8, 0.6]] + 3.0
    >>> round(latent_agreement(Z, rotated).value, 3)
    1.0
    >>> latent_agreement(Z, rotated, alignment="permutation").value < 0.9
    True
    """
    tables = [
        check_array(table, dtype=np.float64, ensure_min_samples=2 * N_FOLDS, input_name=name)
        for table, name in ((Z, "Z"), (other, "other"))
    ]
    check_consistent_length(*tables)
    align = _canonical_directions if alignment == "affine" else _matched_columns
    first, second = _aligned(*map(_varying, tables), align, random_state)
    products = first * second
    correlations = products.mean(axis=0)
    slopes = (products - correlations * (first**2 + second**2) / 2).mean(axis=1)
    error = float(slopes.std(ddof=1) / np.sqrt(len(slopes)))
    return LatentAgreement(float(correlations.mean()), correlations, error)


def _aligned(
    Z: NDArray, other: NDArray, align: Callable, random_state: int | np.random.RandomState | None
) -> tuple[NDArray, NDArray]:
    """Both tables in aligned coordinates ``(N, min(K, K'))``, each fold as the others say."""
    first, second = np.zeros((2, len(Z), min(Z.shape[1], other.shape[1])))
    for rest, fold in KFold(N_FOLDS, shuffle=True, random_state=random_state).split(Z):
        (seen, new), (other_seen, other_new) = (_standardised(table[rest], table[fold]) for table in (Z, other))
        A, B = align(seen, other_seen)
        first[fold, : A.shape[1]], second[fold, : B.shape[1]] = new @ A, other_new @ B
    return _of_size_one(first), _of_size_one(second)


def _of_size_one(scores: NDArray) -> NDArray:
    """Columns of mean square 1 or 0; not centred, as their signs may differ between folds."""
    sizes = np.sqrt((scores**2).mean(axis=0))
    return scores / np.where(sizes > 0, sizes, np.inf)


def _varying(Z: NDArray) -> NDArray:
    """Latents in units of their spread, or 0 where they are constant but for rounding."""
    centred = Z - Z.mean(axis=0)
    spread = np.abs(centred).max(axis=0)
    return centred / np.where(spread > ROUNDING * np.abs(Z).max(axis=0), spread, np.inf)


def _standardised(Z: NDArray, new: NDArray) -> tuple[NDArray, NDArray]:
    """Rows and further ones in units of the first: mean 0, and variance 1, or 0 for a column that does not vary."""
    mean, deviation = Z.mean(axis=0), Z.std(axis=0)
    deviation = np.where(deviation > ROUNDING, deviation, np.inf)
    return (Z - mean) / deviation, (new - mean) / deviation


def _canonical_directions(Z: NDArray, other: NDArray) -> tuple[NDArray, NDArray]:
    """Directions ``(K, m), (K', m)`` of the pairs of canonical variates, the most correlated first; variates of norm 1.

    m is the least rank of the two tables.
    """
    (U, to_U), (V, to_V) = _whitened(Z), _whitened(other)
    left, _, right = np.linalg.svd(U.T @ V, full_matrices=False)
    return to_U @ left, to_V @ right.T


def _whitened(Z: NDArray) -> tuple[NDArray, NDArray]:
    """Orthonormal columns of the span of a table, ``(N, rank)``, and the directions ``(K, rank)`` that give them."""
    U, sizes, rows = np.linalg.svd(Z, full_matrices=False)
    kept = sizes > ROUNDING * max(sizes[0], 1.0)
    return U[:, kept], rows[kept].T / sizes[kept]


def _matched_columns(Z: NDArray, other: NDArray) -> tuple[NDArray, NDArray]:
    """Zero-one directions ``(K, m), (K', m)`` of the matched latents, in the order of the smaller table.

    The second have the sign of the correlation.
    """
    correlations = Z.T @ other
    rows, columns = linear_sum_assignment(np.abs(correlations), maximize=True)
    if Z.shape[1] > other.shape[1]:
        rows, columns = rows[np.argsort(columns)], np.sort(columns)
    signs = np.sign(correlations[rows, columns])
    return np.eye(Z.shape[1])[:, rows], np.eye(other.shape[1])[:, columns] * signs
