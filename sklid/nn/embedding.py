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
    r"""A learned beta with orthonormal rows, by Cholesky-QR.

    .. math:: \beta = C^{-1} V^\top, \qquad C C^\top = V^\top V, \qquad C \text{ lower triangular}

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
        factor = torch.linalg.cholesky(self.columns.mT @ self.columns)
        return torch.linalg.solve_triangular(factor, self.columns.mT, upper=False).contiguous()

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
