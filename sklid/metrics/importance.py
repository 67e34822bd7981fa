r"""Importance weights of latents drawn from q(z | x), and posteriors refined row by row, for any model.

.. math:: \log w_s = \log p(x \mid z_s) + \log p(z_s) - \log q(z_s \mid x), \qquad z_s \sim q(z \mid x)
"""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.distributions import Distribution, Independent, Normal

from ..nn.draws import between_draws, standard_noise
from .encodings import Encodings
from .sources import View

__all__ = [
    "REFINEMENT_STEPS",
    "decoded_log_prob",
    "decoder_of",
    "gaussian",
    "refined",
]

REFINEMENT_STEPS, REFINEMENT_RATE, REFINEMENT_DRAWS = 200, 0.1, 2


def decoder_of(view: View) -> Callable[[Tensor], Distribution]:
    """From latents ``(M, K)`` to p(x | z).

    Where the model conditions on something, latent m belongs to row m modulo N.
    """
    given = view.given
    if given is None:
        return view.model.decode
    return lambda z: view.model.decode(z, given=given[torch.arange(len(z), device=given.device) % len(given)])


def decoded_log_prob(view: View, z: Tensor) -> Tensor:
    """Log p(x | z) of each row under its own latents: ``(S, N, K)`` to ``(S, N)``."""
    x = view.rows
    copies = x.unsqueeze(0).expand(len(z), *x.shape).flatten(0, 1)
    log_probs = decoder_of(view)(z.flatten(0, 1)).log_prob(copies)
    return log_probs.reshape(*z.shape[:2], -1).sum(-1)


def gaussian(encoded: Encodings) -> Independent:
    """The diagonal Gaussians with the moments of the posteriors."""
    return Independent(Normal(*encoded.moments(), validate_args=False), 1, validate_args=False)


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
    return Independent(Normal(loc, log_scale.exp(), validate_args=False), 1, validate_args=False)
