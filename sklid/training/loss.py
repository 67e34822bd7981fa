r"""The loss of a training: the negative evidence lower bound, with a weight on the divergence that may warm up."""

from torch import Tensor, nn

from ..nn import Bound

__all__ = ["NegativeElbo"]


class NegativeElbo(nn.Module):
    """Mean negative evidence lower bound in nats per row; the weight of the divergence warms up in training and is full in validation.

    Parameters
    ----------
    kl_weight : float, default=1.0
        Weight of KL(q || p); other values than 1 make a beta-VAE.

    Attributes
    ----------
    warmth : float
        Share of the weight in force while training, set by `KLWarmup`.
    """

    def __init__(self, kl_weight: float = 1.0) -> None:
        super().__init__()
        self.kl_weight = kl_weight
        self.warmth = 1.0
        self.forget()

    def forget(self) -> None:
        """Begin a new average of the divergence."""
        self._kl: Tensor | float = 0.0
        self._n_rows = 0

    def mean_kl(self) -> float:
        """Average divergence of the training rows since then, in nats."""
        return float(self._kl) / max(self._n_rows, 1)

    def forward(self, bound: Bound) -> Tensor:
        """The loss of a batch: a scalar."""
        if self.training:
            self._kl = self._kl + bound.kl.detach().sum()
            self._n_rows += bound.kl.numel()
        return -bound.elbo(self.kl_weight * (self.warmth if self.training else 1.0)).mean()
