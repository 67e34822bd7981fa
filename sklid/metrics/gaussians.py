r"""Gaussians with full covariance fitted to the posterior of each row, for any decoder with gradients.

.. math:: \mu \leftarrow \mu + \Lambda^{-1} \nabla \log p(x, \mu), \qquad
    \Lambda = - L^{-\top} B L^{-1}, \qquad
    B_{jk} = \tfrac12 L_k^\top \big( \nabla \log p(x, \mu + L_j) - \nabla \log p(x, \mu - L_j) \big)

Newton's method, with second derivatives from gradients one standard deviation to either side, along the columns L_j of
the factor of the covariance at hand. So they are averages over where the posterior is, a decoder needs one derivative
only, and one step finds the posterior of a linear model, where it stays. Held at a value of one latent, a Gaussian is
that of the others; of a linear model it is the posterior of the model without that latent.
"""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.distributions import Distribution, Independent, MultivariateNormal, Normal

__all__ = ["LogJoint", "drawn", "fitted", "held", "moved", "noise_of_others"]

LogJoint = Callable[[Tensor], Tensor]
"""Latents of every row to log p(x, z): ``(S, N, K) -> (S, N)``."""
STEPS = (1.0, 0.5, 0.25, 0.1, 0.02)
"""Of the way to where Newton's method leads: the best is taken, or none."""
LEAST_CURVATURE = 1e-2
"""Least precision along a direction, in units of that of the Gaussian at hand."""
ENOUGH, SETTLED = 0.01, 0.98
"""Nats of the log-density that a row must gain for another step, and the share of rows without at which steps end."""


def fitted(log_joint: LogJoint, start: MultivariateNormal, n_steps: int) -> MultivariateNormal:
    """Gaussians of batch shape ``(N,)``, in double precision, at the modes of the rows' posteriors.

    Those of a model without gradients stay where they start.
    """
    q = start
    for _ in range(n_steps):
        K, along = q.event_shape[0], q.scale_tril.mT.movedim(1, 0)
        gradients = _gradients(log_joint, torch.cat([q.mean.unsqueeze(0), q.mean + along, q.mean - along]))
        if gradients is None:
            break
        q, is_bent = _bent(q, gradients[K + 1 :] - gradients[1 : K + 1])
        q, gained = _moved_along(log_joint, q, gradients[0])
        if _are_settled((gained < ENOUGH) & is_bent):
            break
    return q


def moved(log_joint: LogJoint, start: MultivariateNormal, n_steps: int) -> MultivariateNormal:
    """The same with covariances as they are: one gradient a step in place of 2 K + 1."""
    q = start
    for _ in range(n_steps):
        gradients = _gradients(log_joint, q.mean.unsqueeze(0))
        if gradients is None:
            break
        q, gained = _moved_along(log_joint, q, gradients[0])
        if _are_settled(gained < ENOUGH):
            break
    return q


def held(q: MultivariateNormal, latent: int, value: Tensor) -> MultivariateNormal:
    """The Gaussians of all latents but one, given its value: of event shape ``(K - 1,)``."""
    kept = [number for number in range(q.event_shape[0]) if number != latent]
    L = _triangular(_with_first(q.scale_tril, latent))
    away = (value - q.mean[..., [latent]]) / L[..., 0, :1]
    return MultivariateNormal(q.mean[..., kept] + away * L[..., 1:, 0], scale_tril=L[..., 1:, 1:], validate_args=False)


def noise_of_others(q: MultivariateNormal, latent: int, noise: Tensor) -> Tensor:
    """Standard noise ``(S, N, K - 1)`` by which all latents but one vary beside that one, of that which varies all.

    Drawn by it, the others of the Gaussian that is `held` differ from those of q by what follows from the value alone.
    """
    rows = _with_first(q.scale_tril, latent)
    turned = torch.linalg.solve_triangular(_triangular(rows), rows, upper=False)
    return torch.einsum("njk,snk->snj", turned[..., 1:, :], noise)


def drawn(q: Distribution, noise: Tensor) -> Tensor:
    """Draws ``(S, N, K)``: of Gaussians by standard noise ``(S, N, K)``, of others by noise of their own."""
    if isinstance(q, MultivariateNormal):  # without the copies of their factors that `sample` makes
        return q.mean + torch.einsum("njk,snk->snj", q.scale_tril, noise)
    if isinstance(q, Independent) and isinstance(q.base_dist, Normal):
        return q.mean + q.stddev * noise.to(q.mean.dtype)
    return q.sample(torch.Size([len(noise)]))


def _bent(q: MultivariateNormal, falls: Tensor) -> tuple[MultivariateNormal, Tensor]:
    """With the covariance that follows from how gradients fall from one side to the other, ``(K, N, K)``.

    And for which rows it does so without a limit, ``(N,)``.
    """
    L = q.scale_tril
    bends = (torch.einsum("snk,nkj->nsj", falls, L) / 2).nan_to_num(0.0, 0.0, 0.0)
    curvatures, axes = torch.linalg.eigh((bends + bends.mT) / 2)
    is_bent, curvatures = (curvatures > LEAST_CURVATURE).all(-1), curvatures.clamp_min(LEAST_CURVATURE)
    factor = _triangular(L @ axes * curvatures.rsqrt().unsqueeze(-2))
    return MultivariateNormal(q.mean, scale_tril=factor, validate_args=False), is_bent


def _with_first(factor: Tensor, latent: int) -> Tensor:
    """Rows of factors ``(N, K, K)``, that of a latent first."""
    return torch.cat([factor[..., [latent], :], factor[..., :latent, :], factor[..., latent + 1 :, :]], dim=-2)


def _triangular(root: Tensor) -> Tensor:
    """The lower factor L, with positive diagonal, of ``L L' = root root'``; also where that is all but singular."""
    R = torch.linalg.qr(root.mT, mode="r").R
    return (R * torch.where(R.diagonal(dim1=-2, dim2=-1) < 0, -1.0, 1.0).unsqueeze(-1)).mT


def _are_settled(rows: Tensor) -> bool:
    return rows.double().mean().item() > SETTLED


def _moved_along(log_joint: LogJoint, q: MultivariateNormal, gradients: Tensor) -> tuple[MultivariateNormal, Tensor]:
    """Means at the best points of the ways that gradients ``(N, K)`` at them lead, and what the rows gained."""
    way = torch.einsum("njk,nlk,nl->nj", q.scale_tril, q.scale_tril, gradients)
    shares = torch.tensor((0.0, *STEPS), dtype=way.dtype, device=way.device)[:, None, None]
    points = q.mean + shares * way
    heights = log_joint(points).nan_to_num(nan=-torch.inf)
    best = heights.max(0)
    mean = points[best.indices, torch.arange(len(way), device=way.device)]
    better = MultivariateNormal(mean, scale_tril=q.scale_tril, validate_args=False)
    return better, best.values - heights[0]


def _gradients(log_joint: LogJoint, points: Tensor) -> Tensor | None:
    """Slopes of log p(x, z) at points ``(S, N, K)``, 0 where a model overflows; None of a model without them."""
    with torch.enable_grad():
        points = points.detach().requires_grad_()
        total = log_joint(points).sum()
        slopes = torch.autograd.grad(total, points, allow_unused=True)[0] if total.requires_grad else None
    return None if slopes is None else slopes.nan_to_num(0.0, 0.0, 0.0)
