r"""Convex potentials that can be exactly quadratic: what the Brenier maps in the plane of a section are made of.

.. math::
    T(u) = \tfrac12 \sum_j c_j^2 u_j^2 + \sum_i v_i^2 H(a_i \cdot u + b_i), \qquad
    \nabla T(u) = c^2 \odot u + A^\top \big( v^2 \odot h(A u + b) \big), \qquad h = H'

with H convex, so that h is non-decreasing and T convex for every value of the parameters. Beside the units alone, the
quadratic keeps its slope at any distance from the origin, where units level off. So a chain of such maps can start at a
linear map of any amplitudes, and the linear model that is the best start of a decoder is one of its members.

Adam moves every parameter at about the same pace, whatever its gradient is. A map of few dimensions has few of them,
and its weights must go farther than those of a network with hundreds of units to a layer. So its parameters are these
weights divided by 3.5.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .activation import ACTIVATIONS

__all__ = ["CurvedPotential"]

PACE = 3.5
"""Weights per unit of the parameters."""
SHARE_OF_UNITS = 0.8
"""Of the curvature at the start, at most, in every direction."""
SPREAD = 2.0
"""Standard deviation of the arguments of the units at the start, and of the points at which they bend."""


class CurvedPotential(nn.Module):
    r"""A quadratic with learned curvatures, and a layer of convex units.

    .. math:: T(u) = \tfrac12 \sum_j c_j^2 u_j^2 + \sum_i v_i^2 H(a_i \cdot u + b_i)

    Parameters
    ----------
    n_features : int
        Dimension d of the input u.
    width : int, default=192
        Number of units.
    activation : {"squareplus", "softplus", "leaky_relu"}, default="squareplus"
        The convex H.

    Examples
    --------
    >>> import torch
    >>> from sklid.nn import CurvedPotential
    >>> _ = torch.manual_seed(0)
    >>> potential = CurvedPotential(2)
    >>> u, v = torch.randn(2, 100, 2)
    >>> bool((potential((u + v) / 2) <= (potential(u) + potential(v)) / 2).all())
    True
    """

    def __init__(self, n_features: int, width: int = 192, activation: str = "squareplus") -> None:
        super().__init__()
        self.activation = activation
        self.weight = nn.Parameter(torch.randn(width, n_features) / math.sqrt(n_features) / PACE)
        self.bias = nn.Parameter(torch.zeros(width))
        self.root_output = nn.Parameter(torch.full((width,), 1 / math.sqrt(width) / PACE))
        self.root_curvature = nn.Parameter(torch.ones(n_features) / PACE)

    def forward(self, u: Tensor) -> Tensor:
        """T(u): ``(*, d) -> (*,)``."""
        height, _ = self._units(u)
        return 0.5 * (PACE * self.root_curvature * u).square().sum(-1) + height @ self._output()

    def gradient(self, u: Tensor, embedding: Tensor | None = None) -> Tensor:
        """The gradient of T at u, ``(*, d) -> (*, d)``, or at ``u @ embedding``, ``(*, K) -> (*, d)``."""
        place = u if embedding is None else u @ embedding
        _, slope = self._units(place)
        return torch.addcmul((slope * self._output()) @ (PACE * self.weight), self._curvature(), place)

    @torch.no_grad()
    def initialise_curvature(self, curvature: Tensor, spread: Tensor | None = None) -> None:
        """Start near ``T(u) = sum_j curvature_j u_j^2 / 2``; between -spread and spread the mean slopes are these.

        Parameters
        ----------
        curvature : Tensor of shape (d,)
            Positive.
        spread : Tensor of shape (d,), optional
            Standard deviations of the inputs to come, over which the units bend; 1 without it.
        """
        spread = torch.ones_like(curvature) if spread is None else spread
        width, n_features = self.weight.shape
        nn.init.orthogonal_(self.weight, math.sqrt(max(1.0, width / n_features)))
        self.weight.mul_(curvature.sqrt() * SPREAD / (curvature * spread.square()).mean().sqrt() / PACE)
        nn.init.normal_(self.bias, std=SPREAD / PACE)
        rows = torch.diag(spread)
        gradients = (self._units(rows)[1] - self._units(-rows)[1]) * self._output() @ (PACE * self.weight) / 2
        slopes = gradients.diagonal() / spread
        share = SHARE_OF_UNITS * (curvature / slopes).min().nan_to_num(posinf=1.0)
        self.root_output.mul_(share.sqrt())
        self.root_curvature.copy_((curvature - share * slopes).sqrt() / PACE)

    def _units(self, u: Tensor) -> tuple[Tensor, Tensor]:
        """H and h of the units."""
        return ACTIVATIONS[self.activation](F.linear(u, PACE * self.weight, PACE * self.bias))

    def _output(self) -> Tensor:
        return (PACE * self.root_output).square()

    def _curvature(self) -> Tensor:
        return (PACE * self.root_curvature).square()
