r"""What `IdentifiablePPCA` answers about rows, as torch modules in double precision.

With the observed columns O of a row, :math:`u = (x - m) / s` in noise standard deviations and W in these, too,

.. math:: M = I + \sum_{j \in O} w_j w_j^\top, \qquad M \, E[z \mid x_O] = \sum_{j \in O} w_j u_j,

    -2 \log p(x_O) = \sum_{j \in O} \left( \log 2 \pi s_j^2 + (u_j - w_j \cdot E z)^2 \right) + |E z|^2 + \log \det M.

M has eigenvalues of at least 1, so elimination needs no pivots, and its K steps are ordinary operations. Of a complete
row M is diagonal.
"""

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

__all__ = ["LinearDecoding", "LinearPosteriorMean", "LinearReconstruction", "LinearScores"]


class LinearAnswer(nn.Module):
    """A linear Gaussian model, and the posterior of rows with gaps.

    Parameters
    ----------
    mean : array of shape (D,)
    loadings : array of shape (D, K)
    noise_variance : float, or array of shape (D,)
    """

    mean: Tensor
    scales: Tensor
    loadings: Tensor
    constants: Tensor

    def __init__(self, mean: NDArray, loadings: NDArray, noise_variance: float | NDArray) -> None:
        super().__init__()
        scales = np.sqrt(np.broadcast_to(noise_variance, mean.shape))
        constants = math.log(2 * math.pi) + 2 * np.log(scales)
        parts = {"mean": mean, "scales": scales, "loadings": loadings / scales[:, None], "constants": constants}
        for name, value in parts.items():
            self.register_buffer(name, torch.tensor(value, dtype=torch.float64))

    def observed(self, X: Tensor) -> tuple[Tensor, Tensor]:
        """Ones where a row has a value, and the row in noise standard deviations with zeros elsewhere: ``(N, D)``."""
        missing = torch.isnan(X)
        return (~missing).double(), torch.where(missing, 0.0, (X.double() - self.mean) / self.scales)

    def posterior(self, X: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log-determinant of M: ``(N, D)`` to ``(N, K), (N,)``."""
        there, u = self.observed(X)
        n_components = self.loadings.shape[1]
        products = (self.loadings[:, :, None] * self.loadings[:, None, :]).flatten(1)
        precision = (there @ products).unflatten(1, (n_components, n_components))
        precision = precision + torch.eye(n_components, dtype=torch.float64)
        return solved(precision, u @ self.loadings)

    def decoded(self, Z: Tensor) -> Tensor:
        """E[x | z]: ``(N, K) -> (N, D)``."""
        return self.mean + (Z.double() @ self.loadings.mT) * self.scales


class LinearPosteriorMean(LinearAnswer):
    """E[z | x]: ``(N, D) -> (N, K)``."""

    def forward(self, X: Tensor) -> Tensor:
        return self.posterior(X)[0].to(X.dtype)


class LinearDecoding(LinearAnswer):
    """E[x | z]: ``(N, K) -> (N, D)``."""

    def forward(self, Z: Tensor) -> Tensor:
        return self.decoded(Z).to(Z.dtype)


class LinearReconstruction(LinearAnswer):
    """E[x | z] at the posterior mean: ``(N, D) -> (N, D)``."""

    def forward(self, X: Tensor) -> Tensor:
        return self.decoded(self.posterior(X)[0]).to(X.dtype)


class LinearScores(LinearAnswer):
    """Log p(x) of what a row has, in nats: ``(N, D) -> (N,)``."""

    def forward(self, X: Tensor) -> Tensor:
        there, u = self.observed(X)
        z, log_determinant = self.posterior(X)
        squares = (u - there * (z @ self.loadings.mT)).square().sum(-1) + z.square().sum(-1)
        return (-0.5 * (there @ self.constants + squares + log_determinant)).to(X.dtype)


def solved(matrix: Tensor, right: Tensor) -> tuple[Tensor, Tensor]:
    """The solution of symmetric positive definite equations, and the log-determinant, by Gauss-Jordan elimination.

    Parameters
    ----------
    matrix : Tensor of shape (N, K, K)
    right : Tensor of shape (N, K)
    """
    table = torch.cat([matrix, right.unsqueeze(-1)], dim=-1)
    log_determinant = right.sum(-1) * 0
    for step in range(matrix.shape[-1]):
        first, rest = table.split([1, table.shape[-1] - 1], dim=-1)
        pivot, row = first.narrow(1, step, 1), rest.narrow(1, step, 1)
        log_determinant = log_determinant + pivot.log().flatten()
        row = row / pivot
        is_step = (torch.arange(matrix.shape[-1]) == step).unsqueeze(-1)
        table = torch.where(is_step, row, rest - first * row)
    return table.flatten(1), log_determinant
