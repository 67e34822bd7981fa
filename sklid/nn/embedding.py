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

    within = None

    def __init__(self, n_components: int, n_outputs: int) -> None:
        super().__init__()
        _check_size(n_components, n_outputs, "natural parameters")
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
    within : LongTensor of shape (M,), optional
        Numbers of the outputs that the rows keep to, K <= M; they are 0 at all others. By default all are free.

    Raises
    ------
    ValueError
        If K > D or K > M: there are no more orthonormal rows.

    Examples
    --------
    >>> import torch
    >>> from sklid.nn import OrthogonalEmbedding
    >>> beta = OrthogonalEmbedding(2, 4, within=torch.tensor([0, 1, 3]))()
    >>> torch.equal(beta @ beta.mT, torch.eye(2)), bool((beta[:, 2] == 0).all())
    (True, True)
    """

    fixed_directions: Tensor | None = None
    within: Tensor | None

    def __init__(self, n_components: int, n_outputs: int, trainable: bool = True, within: Tensor | None = None) -> None:
        super().__init__()
        n_free = n_outputs if within is None else len(within)
        _check_size(n_components, n_free, "natural parameters" if within is None else "of the natural parameters")
        self.n_outputs = n_outputs
        self.columns = nn.Parameter(torch.eye(n_free, n_components), requires_grad=trainable)
        self.register_buffer("within", within)

    def forward(self) -> Tensor:
        """Beta, ``(K, D)``."""
        rows = self.orthonormal(self.columns)
        if self.within is None:
            return rows
        return rows.new_zeros(len(rows), self.n_outputs).index_copy(1, self.within, rows)

    @staticmethod
    def orthonormal(columns: Tensor) -> Tensor:
        """Orthonormal rows that span the columns V: ``(D, K) -> (K, D)``."""
        Q, R = torch.linalg.qr(columns)
        diagonal = R.diagonal()
        return (Q * torch.copysign(torch.ones_like(diagonal), diagonal)).mT.contiguous()

    @torch.no_grad()
    def initialise(self, directions: Tensor) -> None:
        """Start at the given orthonormal rows ``(K, D)``, at what of them is where the rows keep to."""
        self.columns.copy_(directions.mT if self.within is None else directions[:, self.within].mT)


def embedding_named(
    name: str, n_components: int, n_outputs: int, trainable: bool = True
) -> IdentityEmbedding | OrthogonalEmbedding:
    """The embedding that a decoder is asked for, "orthogonal" or "identity".

    Raises
    ------
    ValueError
        If K > D: an injective map cannot lower the dimension.
    """
    if name == "identity":
        return IdentityEmbedding(n_components, n_outputs)
    return OrthogonalEmbedding(n_components, n_outputs, trainable)


def _check_size(n_components: int, n_free: int, what: str) -> None:
    if n_components > n_free:
        raise ValueError(
            f"An injective decoder cannot shrink: n_components={n_components} latents into {n_free} {what}. "
            f"Lower n_components to at most {n_free}."
        )
