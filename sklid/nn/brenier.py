r"""Brenier maps: gradients of strongly convex potentials, bijective for every value of their parameters.

.. math:: g(u) = \gamma (\nabla T(u) + c) + \alpha u, \qquad \gamma > 0, \; \alpha > 0, \; T \text{ convex}

is the gradient of :math:`\gamma (T(u) + c \cdot u) + \tfrac{\alpha}{2} |u|^2`. Gradients of convex functions are
monotone, so

.. math:: \langle g(u) - g(v), u - v \rangle \ge \alpha |u - v|^2
    \quad\Rightarrow\quad |g(u) - g(v)| \ge \alpha |u - v| :

g is injective, and onto because the potential is super-coercive (Rockafellar, *Convex Analysis*, Theorem 26.6). Its
inverse at y is the minimiser of the potential less :math:`\langle u, y \rangle`, a strongly convex problem with one
solution.
"""

from collections.abc import Callable
from typing import Any, Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional as F

__all__ = ["BrenierMap", "InversionError", "Potential"]


CG_REDUCTION = 1e-4
"""Residual at which a Newton direction is good enough, as a share of the first."""
HALVINGS = 30


class Potential(Protocol):
    """What a map asks of a convex potential T, such as `ConvexPotential`."""

    def gradient(self, u: Tensor, embedding: Tensor | None = None) -> Tensor:
        """The gradient of T at u, ``(*, d) -> (*, d)``, or at ``u @ embedding``, ``(*, K) -> (*, d)``."""


class InversionError(RuntimeError):
    """The inverse of a Brenier map was not found to the tolerance asked for."""


class BrenierMap(nn.Module):
    r"""Bijection of R^d with a known modulus: :math:`|g(u) - g(v)| \ge \alpha |u - v|`.

    .. math:: g(u) = \gamma (\nabla T(u) + c) + \alpha u

    Parameters
    ----------
    potential : Potential
        The convex T, a module such as `ConvexPotential`.
    n_features : int
        Dimension d.
    strong_convexity : float, default=1.0
        The alpha above, in output units per input unit; positive.

    References
    ----------
    Brenier, "Polar factorization and monotone rearrangement of vector-valued functions", 1991. Wang, Blei &
    Cunningham, "Posterior Collapse and Latent Variable Non-identifiability", NeurIPS 2021, section 3.

    Examples
    --------
    >>> import torch
    >>> from sklid.nn import BrenierMap, ConvexPotential
    >>> _ = torch.manual_seed(0)
    >>> g = BrenierMap(ConvexPotential(3, width=16), 3).double()
    >>> u = torch.randn(5, 3, dtype=torch.float64)
    >>> torch.allclose(g.inverse(g(u)), u, atol=1e-6)
    True
    """

    def __init__(self, potential: Potential, n_features: int, strong_convexity: float = 1.0) -> None:
        super().__init__()
        if not strong_convexity > 0:
            raise ValueError(
                f"strong_convexity must be positive for the map to be a bijection, got {strong_convexity}."
            )
        self.potential: Any = potential
        self.strong_convexity = strong_convexity
        self.bias = nn.Parameter(torch.zeros(n_features))

    def forward(self, u: Tensor, gain: Tensor | float = 1.0, embedding: Tensor | None = None) -> Tensor:
        """The map g at u, ``(*, d) -> (*, d)``, or at ``u @ embedding``, ``(*, K) -> (*, d)``.

        Parameters
        ----------
        u : Tensor of shape (*, d), or (*, K) with an embedding
        gain : positive Tensor or float, default=1.0
            The gamma above. It scales the learned part alone, so the modulus alpha does not depend on it.
        embedding : Tensor of shape (K, d), optional
            Folded into the potential's first layer instead of being multiplied out.
        """
        learned = self.potential.gradient(u, embedding)
        offset = gain * self.bias  # small factors first: each pass over (*, d) counts
        alpha = self.strong_convexity
        rest = torch.add(offset, u, alpha=alpha) if embedding is None else F.linear(u, alpha * embedding.mT, offset)
        return torch.addcmul(rest, learned, gain) if isinstance(gain, Tensor) else torch.add(rest, learned, alpha=gain)

    @torch.no_grad()
    def inverse(self, y: Tensor, gain: Tensor | float = 1.0, tol: float = 1e-6, max_iter: int = 100) -> Tensor:
        """The u with ``g(u) = y``, ``(*, d) -> (*, d)``: Newton steps by conjugate gradients on a strongly convex dual.

        Parameters
        ----------
        y : Tensor of shape (*, d)
        gain : positive Tensor or float, default=1.0
            The same gain as in the forward pass.
        tol : float, default=1e-6
            Bound on the residual ``|g(u) - y|`` of each row; the error of u is at most the residual over alpha.
        max_iter : int, default=100
            Cap on the Newton steps.

        Raises
        ------
        InversionError
            When a residual is above `tol` after `max_iter` steps, or y is not finite.
        """
        if not torch.isfinite(y).all():
            raise InversionError("Only finite points have an inverse; y holds NaN or infinity.")
        u = torch.zeros_like(y)
        residual = y - self(u, gain)
        for _ in range(max_iter):
            if (residual.norm(dim=-1) <= tol).all():
                break
            u, residual = self._newton_step(u, residual, y, gain)
        worst = residual.norm(dim=-1).max().item() if residual.numel() else 0.0
        if not worst <= tol:
            raise InversionError(
                f"The inverse Brenier map has residual {worst:.2e} after at most {max_iter} Newton steps, "
                f"above tol={tol:.2e}. Raise tol or max_iter, or use float64."
            )
        return u

    def _newton_step(self, u: Tensor, residual: Tensor, y: Tensor, gain: Tensor | float) -> tuple[Tensor, Tensor]:
        """One damped step: the Newton direction, halved for each row until its residual falls.

        The Jacobian is symmetric, so its products with vectors are those of backpropagation.
        """
        with torch.inference_mode(False), torch.enable_grad():
            point = u.clone().requires_grad_()
            image = self(point, gain if isinstance(gain, float) else gain.clone())
            step = conjugate_gradients(
                lambda v: torch.autograd.grad(image, point, v, retain_graph=True)[0], residual.clone()
            )
        size = residual.norm(dim=-1, keepdim=True)
        for _ in range(HALVINGS):
            moved = y - self(u + step, gain)
            worse = moved.norm(dim=-1, keepdim=True) >= size
            if not worse.any():
                break
            step = torch.where(worse, step / 2, step)
        return torch.where(worse, u, u + step), torch.where(worse, residual, moved)


def conjugate_gradients(apply: Callable[[Tensor], Tensor], b: Tensor) -> Tensor:
    """Solve J x = b for each row: ``(*, d) -> (*, d)``.

    J is symmetric positive definite and given by its products with vectors.
    """
    x, r = torch.zeros_like(b), b
    p, rr = r, (r * r).sum(-1, keepdim=True)
    enough = rr * CG_REDUCTION**2
    tiny = torch.finfo(b.dtype).tiny
    for _ in range(2 * b.shape[-1]):
        Jp = apply(p)
        length = rr / (p * Jp).sum(-1, keepdim=True).clamp_min(tiny)
        x, r = x + length * p, r - length * Jp
        rr, before = (r * r).sum(-1, keepdim=True), rr
        if (rr <= enough).all():
            break
        p = r + rr / before.clamp_min(tiny) * p
    return x
