r"""Training by the importance-weighted bound, with a gradient whose noise does not grow with the number of draws.

.. math:: \max_{\theta, \phi} \; E \log \frac1S \sum_s w_s, \qquad
    w_s = \frac{p_\theta(x, z_s)}{q_\phi(z_s \mid x)}

(Burda, Grosse & Salakhutdinov, ICLR 2016). With normalised weights :math:`\bar w_s` the gradients are

.. math:: \nabla_\theta = \sum_s \bar w_s \, \nabla_\theta \log w_s, \qquad
    \nabla_\phi = \sum_s \bar w_s^2 \, \frac{\partial \log w_s}{\partial z_s} \frac{\partial z_s}{\partial \phi},

the second with :math:`\phi` held fixed within :math:`w_s` (Tucker, Lawson, Gu & Maddison, "Doubly Reparameterized
Gradient Estimators for Monte Carlo Objectives", ICLR 2019, equation 8).
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call

from ..nn import Bound, iwae

__all__ = ["importance_step", "importance_surrogate", "importance_validation"]


def importance_step(net: Any, batch: Any, **fit_params: Any) -> dict[str, Any]:
    """A step of a `BoundNet` along the gradient of the importance-weighted bound of its `n_draws` draws of each row.

    The loss of the batch is the negative bound.
    """
    net._set_training(True)
    with net.with_draws(batch[0]) as (x, drawn):
        surrogate, log_weights, bound = importance_surrogate(net.module_, x, **drawn)
        (-surrogate.mean()).backward()
    return {"loss": -iwae(log_weights.detach()).mean(), "y_pred": bound}


@torch.no_grad()
def importance_validation(net: Any, batch: Any, **fit_params: Any) -> dict[str, Any]:
    """The same bound of rows that are held out, as their loss."""
    net._set_training(False)
    with net.with_draws(batch[0]) as (x, drawn):
        _, log_weights, bound = importance_surrogate(net.module_, x, **drawn)
    return {"loss": -iwae(log_weights).mean(), "y_pred": bound}


def importance_surrogate(
    model: Any, x: Tensor, noise: Tensor, seen: Tensor | None = None
) -> tuple[Tensor, Tensor, Bound]:
    """What has the gradient of the importance-weighted bound of each row, by draws made of noise ``(S, *, K)``.

    What the encoder sees of the rows is ``(*, D)``, by default that of the model.

    Returns
    -------
    surrogate : Tensor of shape (*,)
        Of which the gradient alone means something.
    log_weights : Tensor of shape (S, *)
    bound : Bound
        The terms of the evidence lower bound from the same draws, without gradients.
    """
    seen, given = model.seen(x) if seen is None else seen, model.given(x)
    q = model.posterior(seen)
    z, log_q = model.draw(q, noise)
    log_p = model.decode(z, given).log_prob(model.features(x))
    log_weights = log_p + model.prior().log_prob(z) - _density_of_fixed(model.posterior, seen, z)
    shares = log_weights.detach().softmax(0)
    if z.requires_grad:
        z.register_hook(lambda slope: shares.unsqueeze(-1) * slope)
    with torch.no_grad():
        bound = Bound(log_p.mean(0), model.prior.divergences(q, z, log_q))
    return (shares * log_weights).sum(0), log_weights, bound


class _Density(nn.Module):
    """The log-density of a posterior: its layers may compute as late as that."""

    def __init__(self, posterior: nn.Module) -> None:
        super().__init__()
        self.posterior = posterior

    def forward(self, seen: Any, z: Tensor) -> Tensor:
        return self.posterior(seen).log_prob(z)


def _density_of_fixed(posterior: nn.Module, seen: Any, z: Tensor) -> Tensor:
    """Log-density under the posterior whose weights are numbers: ``(S, *, K) -> (S, *)``."""
    density = _Density(posterior)
    weights = {name: weight.detach() for name, weight in density.named_parameters()}
    return functional_call(density, weights, (seen, z))
