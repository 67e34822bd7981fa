r"""Priors over the latent: :math:`z \sim N(0, I_K)`."""

import torch
from torch import Tensor, nn
from torch.distributions import Distribution, Independent, Normal

__all__ = ["StandardNormal"]


class StandardNormal(nn.Module):
    """The prior N(0, I) on R^K.

    Parameters
    ----------
    n_components : int
        K.
    """

    origin: Tensor

    def __init__(self, n_components: int) -> None:
        super().__init__()
        self.n_components = n_components
        self.register_buffer("origin", torch.zeros(n_components), persistent=False)

    def forward(self) -> Distribution:
        """The distribution, of event shape ``(K,)``."""
        return Independent(Normal(self.origin, torch.ones_like(self.origin), validate_args=False), 1, validate_args=False)
