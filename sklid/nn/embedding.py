r"""Embeddings of latent space: beta with orthonormal rows, :math:`\beta: R^K \to R^D, \; \beta \beta^\top = I_K`."""

import torch
from torch import Tensor, nn

__all__ = ["IdentityEmbedding", "OrthogonalEmbedding", "embedding_named"]


class IdentityEmbedding(nn.Module):
    """The zero-one beta: ones on the main diagonal, ``(K, D)``; the running example of the paper.

    Parameters
    ----------
    n_components, n_outputs : int
        K and D.
    """

    rows: Tensor

    def __init__(self, n_components: int, n_outputs: int) -> None:
        super().__init__()
        self.register_buffer("rows", torch.eye(n_components, n_outputs))

    def forward(self) -> Tensor:
        """Beta, ``(K, D)``."""
        return self.rows

    @property
    def fixed_directions(self) -> Tensor | None:
        """Its rows, whatever the data are."""
        return self.rows

    def initialise(self, directions: Tensor) -> None:
        """Nothing to start: the zero-one beta has no parameters."""


class OrthogonalEmbedding(nn.Module):
    r"""A learned beta with orthonormal rows, by Householder's decomposition.

    .. math:: \beta = Q^\top, \qquad V = Q R, \qquad R \text{ upper triangular, its diagonal not negative}

    The rows are orthonormal to rounding however near V is to losing its rank, where :math:`C^{-1} V^\top` with
    :math:`C C^\top = V^\top V`, the same beta, loses digits with the square of the condition of V.

    Parameters
    ----------
    n_components, n_outputs : int
        K and D.
    trainable : bool, default=True
        False keeps the rows where `initialise` puts them.
    """

    fixed_directions: Tensor | None = None

    def __init__(self, n_components: int, n_outputs: int, trainable: bool = True) -> None:
        super().__init__()
        self.columns = nn.Parameter(torch.eye(n_outputs, n_components), requires_grad=trainable)

    def forward(self) -> Tensor:
        """Beta, ``(K, D)``."""
        return self.orthonormal(self.columns)

    @staticmethod
    def orthonormal(columns: Tensor) -> Tensor:
        """Orthonormal rows that span the columns V: ``(D, K) -> (K, D)``."""
        Q, R = torch.linalg.qr(columns)
        diagonal = R.diagonal()
        return (Q * torch.copysign(torch.ones_like(diagonal), diagonal)).mT.contiguous()

    @torch.no_grad()
    def initialise(self, directions: Tensor) -> None:
        """Start at the given orthonormal rows ``(K, D)``."""
        self.columns.copy_(directions.mT)


def embedding_named(
    name: str, n_components: int, n_outputs: int, trainable: bool = True
) -> IdentityEmbedding | OrthogonalEmbedding:
    """The embedding that a decoder is asked for, "orthogonal" or "identity".

    Raises
    ------
    ValueError
        If K > D: an injective map cannot lower the dimension.
    """
    if n_components > n_outputs:
        raise ValueError(
            f"An injective decoder cannot shrink: n_components={n_components} latents into {n_outputs} natural "
            f"parameters. Lower n_components to at most {n_outputs}."
        )
    if name == "identity":
        return IdentityEmbedding(n_components, n_outputs)
    return OrthogonalEmbedding(n_components, n_outputs, trainable)
