r"""Convex potentials that can be exactly quadratic: what the Brenier maps in the plane of a section are made of.

.. math:: T(u) = \tfrac12 \sum_j c_j^2 u_j^2 + T_0(u), \qquad \nabla T(u) = c^2 \odot u + \nabla T_0(u)

with an input-convex network T_0 of one hidden layer. Beside the network alone, the quadratic keeps its slope at any
distance from the origin, where the units of a network level off. So a chain of such maps can start at a linear map of
any amplitudes, and the linear model that is the best start of a decoder is one of its members.
"""

import torch
from torch import Tensor, nn

from .convex import ConvexPotential

__all__ = ["CurvedPotential"]

SHARE_OF_NETWORK = 0.05
"""Of the curvature at the start; with a twentieth or a fifth the likelihoods are the same."""


class CurvedPotential(nn.Module):
    r"""A quadratic with learned curvatures and an input-convex network of one hidden layer.

    .. math:: T(u) = \tfrac12 \sum_j c_j^2 u_j^2 + T_0(u)

    Parameters
    ----------
    n_features : int
        Dimension d of the input u.
    width : int, default=64
        Units of the hidden layer.
    activation : str, default="squareplus"
        As in `ConvexPotential`.

    Examples
    --------
    >>> import torch
    >>> from sklid.nn import CurvedPotential
    >>> _ = torch.manual_seed(0)
    >>> potential = CurvedPotential(2)
    >>> potential.initialise_curvature(torch.tensor([1.0, 4.0]))
    >>> u = torch.tensor([10.0, -10.0])
    >>> bool((potential.gradient(u) - potential.gradient(-u) - 2 * u * torch.tensor([1.0, 4.0])).norm() < 8.0)
    True
    """

    def __init__(self, n_features: int, width: int = 64, activation: str = "squareplus") -> None:
        super().__init__()
        self.network = ConvexPotential(n_features, width, 1, activation)
        self.root_curvature = nn.Parameter(torch.ones(n_features))

    def forward(self, u: Tensor) -> Tensor:
        """T(u): ``(*, d) -> (*,)``."""
        return 0.5 * (self.root_curvature * u).square().sum(-1) + self.network(u)

    def gradient(self, u: Tensor, embedding: Tensor | None = None) -> Tensor:
        """The gradient of T at u, ``(*, d) -> (*, d)``, or at ``u @ embedding``, ``(*, K) -> (*, d)``."""
        place = u if embedding is None else u @ embedding
        return torch.addcmul(self.network.gradient(u, embedding), self.root_curvature.square(), place)

    @torch.no_grad()
    def initialise_curvature(self, curvature: Tensor) -> None:
        """Start near ``T(u) = sum_j curvature_j u_j^2 / 2``, each curvature positive: ``(d,)``."""
        self.root_curvature.copy_(((1 - SHARE_OF_NETWORK) * curvature).sqrt())
        self.network.initialise_curvature(SHARE_OF_NETWORK * curvature)
