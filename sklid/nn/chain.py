r"""A chain of Brenier maps of R^K, with an inverse-Lipschitz constant and an exact inverse.

.. math:: g = g_n \circ \dots \circ g_1, \qquad |g(z) - g(z')| \ge \alpha_1 \cdots \alpha_n |z - z'|

The Jacobian of one Brenier map is symmetric. That of a chain need not be: a product of five positive definite matrices
can be any matrix of positive determinant (Ballantine, "Products of positive definite matrices", 1968).
"""

from typing import Any

import torch
from torch import Tensor, nn

from .brenier import BrenierMap
from .curved import CurvedPotential

__all__ = ["BrenierChain"]

LEAST_CURVATURE = 0.01
"""Of a map at the start: a squared weight never leaves 0."""


class BrenierChain(nn.ModuleList):
    r"""So many Brenier maps, one after the other, whose moduli have the product r.

    Parameters
    ----------
    n_components : int
        K.
    inverse_lipschitz : float
        The constant r.
    maps : int
        Number n, at least 1.
    activation : str
        Of the maps, each of which has one hidden layer of 128 units; as in `ConvexPotential`.

    Raises
    ------
    ValueError
        If there is no map.
    """

    def __init__(self, n_components: int, inverse_lipschitz: float, maps: int, activation: str) -> None:
        if maps < 1:
            raise ValueError(f"A section needs at least one Brenier map, got maps={maps}.")
        modulus = inverse_lipschitz ** (1 / maps)
        potentials = (CurvedPotential(n_components, activation=activation) for _ in range(maps))
        super().__init__(BrenierMap(potential, n_components, modulus) for potential in potentials)

    def forward(self, z: Tensor, gain: Tensor | float = 1.0) -> Tensor:
        """g(z): ``(*, K) -> (*, K)``; `gain` scales what the last map has learned, and the constant does not change."""
        *inner, last = self._maps()
        for brenier_map in inner:
            z = brenier_map(z)
        return last(z, gain)

    @torch.no_grad()
    def inverse(self, u: Tensor, gain: Tensor | float = 1.0, tol: float = 1e-6, max_iter: int = 100) -> Tensor:
        """The z with g(z) = u, map by map: ``(*, K) -> (*, K)``.

        Raises
        ------
        InversionError
            When a map misses `tol`.
        """
        *inner, last = self._maps()
        u = last.inverse(u, gain, tol, max_iter)
        for brenier_map in reversed(inner):
            u = brenier_map.inverse(u, tol=tol, max_iter=max_iter)
        return u

    @torch.no_grad()
    def initialise(self, slopes: Tensor, origin: Tensor, gain: float = 1.0) -> None:
        """Start near ``g(z) = origin + slopes * z``, with slopes ``(K,)`` of at least r, and the gain at the start."""
        maps, nowhere = self._maps(), slopes.new_zeros(len(slopes))
        slope = slopes ** (1 / len(maps))
        for position, brenier_map in enumerate(maps):
            scale = gain if brenier_map is maps[-1] else 1.0
            curvature = (slope - brenier_map.strong_convexity).clamp_min(LEAST_CURVATURE)
            brenier_map.potential.initialise_curvature(curvature / scale, slope**position)
            brenier_map.bias.sub_(brenier_map(nowhere, scale) / scale)
        maps[-1].bias.add_(origin / gain)

    def _maps(self) -> list[Any]:
        return list(self)
