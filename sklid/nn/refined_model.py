r"""A latent-variable model whose posterior is refined for each row by gradient steps on the bound.

.. math:: \lambda_0 = \text{encoder}(x), \qquad v_{t+1} = \mu v_t + \nabla_\lambda \, \text{ELBO}(\lambda_t, x), \qquad
    \lambda_{t+1} = \lambda_t + \eta v_{t+1}

and q(z | x) is the Gaussian of :math:`\lambda_T`. The steps are ordinary operations, so a training can differentiate
through them (Kim, Wiseman, Miller, Sontag & Rush, "Semi-Amortized Variational Autoencoders", ICML 2018, algorithm 1).
"""

from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.distributions import Distribution

from .decoder import Decoder
from .draws import standard_noise
from .likelihoods.base import Likelihood
from .model import LatentVariableModel
from .objective import Bound
from .posterior import GaussianPosterior, diagonal_normal
from .prior import Prior

__all__ = ["Refined", "RefinedModel", "Refinement"]

N_PAIRS = 4
"""Antithetic pairs of draws that a step outside of training averages over."""


class Refinement(NamedTuple):
    """How a posterior is refined.

    Attributes
    ----------
    n_steps : int
        The T.
    rate : float
        The eta, per nat.
    momentum : float
        The mu, from 0 to less than 1.
    clip : float
        The largest norm of a row's gradient; a longer one is shortened to it.
    """

    n_steps: int
    rate: float
    momentum: float
    clip: float


class Refined:
    """A posterior that is refined wherever a model asks for it; a mixin of models with Gaussian ones.

    In training each step has a draw of its own. Outside, all rows share the draws, which were made with the model, so
    that an answer depends on the row alone.
    """

    refinement: Refinement
    noise: Tensor

    def refine(self: Any, refinement: Refinement) -> Any:
        """The model itself, with refinement from now on."""
        self.refinement = refinement
        half = torch.randn(refinement.n_steps, N_PAIRS, 1, self.prior.n_components)
        self.register_buffer("noise", torch.cat([half, -half], dim=1))
        return self

    def forward(self: Any, x: Tensor, noise: Tensor | None = None, seen: Tensor | None = None) -> Bound:
        """The bound of each row under its refined posterior, one draw ``(*, K)`` for each step and one for the bound.

        The noise is ``(T + 1, *, K)``.
        """
        noise = self.noise_for(x) if noise is None else noise
        q = self.posterior(self.seen(x) if seen is None else seen)
        return self.bound(self.refined(q, x, noise[:-1].unsqueeze(1)), x, noise[-1:])

    def noise_for(self: Any, x: Tensor) -> Tensor:
        """Standard normal noise of one forward pass: ``(*, P) -> (T + 1, *, K)``."""
        return standard_noise((self.refinement.n_steps + 1, *x.shape[:-1], self.prior.n_components), x)

    def encode(self: Any, x: Tensor) -> Distribution:
        """The refined q(z | x): ``(*, P)`` to a distribution of batch shape ``(*,)``."""
        noise = self.noise.reshape(*self.noise.shape[:2], *[1] * (x.dim() - 1), -1)
        return self.refined(super().encode(x), x, noise)  # type: ignore[misc]

    def refined(self: Any, q: Distribution, x: Tensor, noise: Tensor) -> Distribution:
        """The posterior after a step for each of the noises ``(T, S, *, K)``; differentiable where gradients are on."""
        differentiates = torch.is_grad_enabled()
        with torch.enable_grad():
            moments = [q.mean, q.stddev.log()]
            if not differentiates:
                moments = [each.detach().requires_grad_() for each in moments]
            velocities = [torch.zeros_like(each) for each in moments]
            for draws in noise:
                slopes = self._slopes(moments, x, draws, differentiates)
                velocities = [self.refinement.momentum * v + s for v, s in zip(velocities, slopes, strict=True)]
                moments = [m + self.refinement.rate * v for m, v in zip(moments, velocities, strict=True)]
                if not differentiates:
                    moments = [each.detach().requires_grad_() for each in moments]
        if not differentiates:
            moments = [each.detach() for each in moments]
        return _of_moments(*moments)

    def _slopes(self: Any, moments: list[Tensor], x: Tensor, noise: Tensor, differentiates: bool) -> list[Tensor]:
        """Gradients of each row's bound by its means and log-scales ``(*, K)``, together no longer than the clip."""
        elbo = self.bound(_of_moments(*moments), x, noise).elbo()
        slopes = torch.autograd.grad(elbo.sum(), moments, create_graph=differentiates)
        norm = torch.cat(slopes, dim=-1).norm(dim=-1, keepdim=True)
        return [slope * (self.refinement.clip / norm.clamp_min(self.refinement.clip)) for slope in slopes]


class RefinedModel(Refined, LatentVariableModel):
    """A `LatentVariableModel` with a Gaussian posterior that is refined.

    Parameters
    ----------
    prior, decoder, likelihood
        As in `LatentVariableModel`.
    posterior : GaussianPosterior
        Where the refinement starts.
    refinement : Refinement
    """

    def __init__(
        self,
        prior: Prior,
        decoder: Decoder,
        likelihood: Likelihood,
        posterior: GaussianPosterior,
        refinement: Refinement,
    ) -> None:
        super().__init__(prior, decoder, likelihood, posterior)
        self.refine(refinement)


def _of_moments(mean: Tensor, log_scale: Tensor) -> Distribution:
    return diagonal_normal(mean, log_scale.exp())
