r"""Where a model starts: the probabilistic principal components of what its encoder sees.

.. math:: \sigma^2 = \frac{1}{D - K} \sum_{k > K} \lambda_k, \qquad a_k = \sqrt{\lambda_k / \sigma^2 - 1}

are the noise and the loadings, in noise units, of the maximum-likelihood PPCA (Tipping & Bishop 1999, equations 7 and
8), with :math:`\lambda_k` the variances along the principal directions.
"""

from typing import NamedTuple

import torch
from torch import Tensor

__all__ = ["ProbabilisticPCA", "expected_rows", "probabilistic_pca"]

SPARE_DIRECTIONS, POWER_ITERATIONS = 10, 4
"""Of the randomised decomposition (Halko, Martinsson & Tropp 2011): on images the span is right to 1e-3 of a radian, in
a tenth of the time."""
LEAST_NOISE_SHARE = 0.05
"""Least noise variance as a share of the average variance: with as many latents as features nothing is left over to
estimate it from."""


class ProbabilisticPCA(NamedTuple):
    """Orthonormal directions ``(K, D)``, amplitudes ``(K,)`` in noise units, and the noise standard deviation."""

    directions: Tensor
    amplitudes: Tensor
    noise: float


def probabilistic_pca(
    rows: Tensor, n_components: int, directions: Tensor | None = None, within: Tensor | None = None
) -> ProbabilisticPCA:
    """Probabilistic PCA of the rows ``(N, D)``.

    Parameters
    ----------
    rows : Tensor of shape (N, D)
    n_components : int
        K. More than D gives D directions.
    directions : Tensor of shape (K, D), optional
        Orthonormal directions to keep to, instead of the principal ones.
    within : LongTensor of shape (M,), optional
        Numbers of the columns that the principal directions are to keep to.
    """
    centred = rows - rows.mean(0)
    total = centred.square().sum().item() / len(rows)
    if directions is None:
        free = torch.arange(rows.shape[1], device=rows.device) if within is None else within
        found = _principal_directions(centred[:, free], min(n_components, len(free)))
        directions = found.new_zeros(len(found), rows.shape[1]).index_copy(1, free, found)
    variances = (centred @ directions.mT).square().mean(0)
    rest = max(rows.shape[1] - len(variances), 1)
    noise_variance = max((total - variances.sum().item()) / rest, LEAST_NOISE_SHARE * total / rows.shape[1], 1e-6)
    amplitudes = (variances / noise_variance - 1).clamp_min(0).sqrt()
    return ProbabilisticPCA(directions, amplitudes, noise_variance**0.5)


def expected_rows(rows: Tensor, pca: ProbabilisticPCA) -> Tensor:
    """Rows as their own probabilistic PCA expects them at the mean of their latents: ``(N, D) -> (N, D)``."""
    mean, precision = rows.mean(0), 1 + pca.amplitudes.square()
    return mean + ((rows - mean) @ pca.directions.mT * (1 - 1 / precision)) @ pca.directions


def _principal_directions(centred: Tensor, n_directions: int) -> Tensor:
    """Orthonormal directions of greatest variance: ``(N, D) -> (K, D)``."""
    n_rows, n_features = centred.shape
    n_tried = min(n_directions + SPARE_DIRECTIONS, n_rows, n_features)
    found = torch.pca_lowrank(centred, n_tried, center=False, niter=POWER_ITERATIONS)[2][:, :n_directions]
    spare = torch.randn(n_features, n_directions - found.shape[1], dtype=found.dtype, device=found.device)
    return torch.linalg.qr(torch.cat([found, spare], dim=1)).Q.mT
