r"""The loss of a training: the mean of an objective over rows, with a weight on the divergence that may warm up.

.. math:: -\frac1N \sum_n \left( E_q[\log p(x_n \mid z)] - w \, KL(q(z \mid x_n) \| p(z)) \right)

for the evidence lower bound. Another objective is a function of the same two terms, and of the divergence of each
latent.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from ..nn import Bound

__all__ = ["NegativeBound", "Objective"]

Objective = Callable[[Bound, float], Tensor]
"""From the terms of the bound of each row and the weight of the divergence in force to what is maximised: ``(*,)``, in
nats."""


class NegativeBound(nn.Module):
    """Mean negative objective in nats per row; the divergence's weight warms up in training and is full in validation.

    Parameters
    ----------
    kl_weight : float, default=1.0
        Weight of KL(q || p); other values than 1 make a beta-VAE.
    objective : callable, default=sklid.nn.Bound.elbo
        ``objective(bound, weight)`` gives what is maximised for each row; see `sklid.nn.Bound` for what it sees.

    Attributes
    ----------
    warmup_factor : float
        Share of the weight in force while training, set by `KLWarmup`.
    """

    def __init__(self, kl_weight: float = 1.0, objective: Objective = Bound.elbo) -> None:
        super().__init__()
        self.kl_weight = kl_weight
        self.objective = objective
        self.warmup_factor = 1.0
        self.reset_kl()

    def reset_kl(self) -> None:
        """Begin a new average of the divergence."""
        self._kl: Tensor | float = 0.0
        self._n_rows = 0.0

    def count(self, bound: Bound, weight: float = 1.0) -> None:
        """Take the divergence of some rows into the average, each with a weight."""
        self._kl = self._kl + weight * bound.kl.detach().sum()
        self._n_rows += weight * len(bound.reconstruction)

    def counted(self) -> Tensor:
        """The sum of divergences and of weights so far: ``(2,)``."""
        kl = torch.as_tensor(self._kl, dtype=torch.float64)
        return torch.stack([kl, kl.new_tensor(self._n_rows)])

    def forward(self, bound: Bound) -> Tensor:
        """The loss of a batch: a scalar."""
        return -self.objective(bound, self.kl_weight * (self.warmup_factor if self.training else 1.0)).mean()
