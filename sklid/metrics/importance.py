r"""Importance weights of latents drawn from q(z | x), and posteriors refined row by row, for any model.

.. math:: \log w_s = \log p(x \mid z_s) + \log p(z_s) - \log q(z_s \mid x), \qquad z_s \sim q(z \mid x)
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor
from torch.distributions import Distribution, Independent, Normal

from ..nn import iwae
from ..nn.draws import between_draws, standard_noise
from ..nn.posterior import diagonal_normal
from .encodings import Encodings, without
from .gaussians import LogJoint, drawn
from .sources import View

__all__ = [
    "DECISIVE",
    "REFINEMENT_STEPS",
    "Estimate",
    "decoded_log_prob",
    "decoder_of",
    "gaussian",
    "joint",
    "joint_without",
    "likelihood_by",
    "refined",
]

DECISIVE = 3.0
"""Standard errors by which draws decide which of two posteriors is the better one."""
REFINEMENT_STEPS, REFINEMENT_RATE, REFINEMENT_DRAWS = 200, 0.1, 2


def decoder_of(view: View) -> Callable[[Tensor], Distribution]:
    """From latents ``(M, K)`` to p(x | z).

    Where the model conditions on something, latent m belongs to row m modulo N.
    """
    given = view.given

    def decode(z: Tensor) -> Distribution:
        row = {} if given is None else {"given": given[torch.arange(len(z), device=given.device) % len(given)]}
        p = view.model.decode(z, **row)
        if not isinstance(p, Distribution):
            raise TypeError(f"decode gives a torch.distributions.Distribution over rows; it gave a {type(p).__name__}.")
        return p

    return decode


def decoded_log_prob(view: View, z: Tensor) -> Tensor:
    """Log p(x | z) of each row under its own latents: ``(S, N, K)`` to ``(S, N)``."""
    x = view.features
    copies = x.unsqueeze(0).expand(len(z), *x.shape).flatten(0, 1)
    log_probs = decoder_of(view)(z.flatten(0, 1)).log_prob(copies)
    return log_probs.reshape(*z.shape[:2], -1).sum(-1)


def gaussian(encoded: Encodings) -> Independent:
    """The diagonal Gaussians with the moments of the posteriors."""
    return diagonal_normal(*encoded.moments())


def joint(view: View, p: Distribution) -> LogJoint:
    """Log p(x, z) of each row, in double precision, from its latents in any: ``(S, N, K)`` to ``(S, N)``."""
    dtype = p.mean.dtype
    return lambda z: (decoded_log_prob(view, z.to(dtype)) + p.log_prob(z.to(dtype))).double()


def joint_without(view: View, p: Distribution, latent: int) -> LogJoint:
    """The same of the model in which one latent is held at its prior mean, from the others: ``(S, N, K - 1)``."""
    rest, value = without(p, latent), p.mean[latent]

    def log_joint(others: Tensor) -> Tensor:
        others = others.to(value.dtype)
        fixed = value.expand(*others.shape[:-1], 1)
        log_prob = decoded_log_prob(view, torch.cat([others[..., :latent], fixed, others[..., latent:]], dim=-1))
        return (log_prob + rest.log_prob(others) if others.shape[-1] else log_prob).double()

    return log_joint


class Estimate(NamedTuple):
    """Log-likelihoods of rows, by how much they err low, and by which of several proposals they are: each ``(N,)``."""

    value: Tensor
    low: Tensor
    best: Tensor


def likelihood_by(
    log_joint: LogJoint, proposals: list[Distribution], noises: list[Tensor], preferred: Tensor | int = 0
) -> Estimate:
    """Log-likelihood of each row by the best of some proposals for it.

    It is the one that is preferred for the row, unless the bound of another is greater by more than its few draws leave
    open. Each proposal is drawn by its noise ``(S, N, K)``. The error is that of the logarithm of a mean of weights, by
    their variance.
    """
    n_draws, n_rows, _ = noises[0].shape
    rows = torch.arange(n_rows, device=noises[0].device)
    size = max(4, n_draws // 4)
    few = [standard_noise((size, *noise.shape[1:]), noise) for noise in noises]
    pilots = torch.stack([_log_weights(log_joint, q, drawn(q, noise)) for q, noise in zip(proposals, few, strict=True)])
    margins = DECISIVE / size**0.5 * pilots.std(1)
    margins[preferred, rows] = 0.0
    best = (pilots.mean(1) - margins).nan_to_num(nan=-torch.inf).argmax(0)
    draws = [drawn(q, noise) for q, noise in zip(proposals, noises, strict=True)]
    log_q = torch.stack([q.log_prob(z).double() for q, z in zip(proposals, draws, strict=True)])
    z = torch.stack([z.double() for z in draws])
    log_weights = log_joint(z[best, :, rows].movedim(1, 0)) - log_q[best, :, rows].T
    shares = log_weights.softmax(0)
    return Estimate(iwae(log_weights), (shares.square().sum(0) - 1 / n_draws) / 2, best)


def refined(view: View, encoded: Encodings, n_steps: int = REFINEMENT_STEPS) -> Independent:
    """Diagonal Gaussians that maximise each row's own bound, by stochastic gradients from the encoder's moments.

    Gradients go through the draws alone, so that they have no noise where a posterior is exact (Roeder, Wu &
    Duvenaud, "Sticking the landing", 2017), and the parameters are averaged over the second half of the steps (Polyak
    & Juditsky 1992).
    """
    loc, scale = (moment.detach().clone() for moment in encoded.moments())
    free = [loc.requires_grad_(), scale.log().requires_grad_()]
    optimizer = torch.optim.Adam(free, lr=REFINEMENT_RATE)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, n_steps)
    averages = [torch.zeros_like(parameter) for parameter in free]
    with torch.enable_grad(), between_draws():
        for step in range(n_steps):
            z = free[0] + free[1].exp() * standard_noise((REFINEMENT_DRAWS, *loc.shape), loc)
            log_q = Normal(free[0].detach(), free[1].detach().exp(), validate_args=False).log_prob(z).sum(-1)
            loss = (log_q - decoded_log_prob(view, z) - encoded.prior.log_prob(z)).mean(0).sum()
            for parameter, gradient in zip(free, torch.autograd.grad(loss, free), strict=True):
                parameter.grad = gradient.nan_to_num(0.0, 0.0, 0.0)  # of a model that overflows
            optimizer.step()
            schedule.step()
            if step >= n_steps // 2:
                torch._foreach_add_(averages, [parameter.detach() for parameter in free])
    loc, log_scale = (total / (n_steps - n_steps // 2) for total in averages)
    return diagonal_normal(loc, log_scale.exp())


def _log_weights(log_joint: LogJoint, q: Distribution, z: Tensor) -> Tensor:
    return log_joint(z) - q.log_prob(z).double()
