r"""From the units of the data to those of a model and back, in double precision: :math:`x \mapsto (x - m) / a`."""

from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike
from sklearn.preprocessing import StandardScaler
from torch import Tensor, nn

__all__ = ["Units"]


class Units(nn.Module):
    """The affine map of a fitted `StandardScaler`, which computes in double precision whatever rows come.

    Parameters
    ----------
    means, scales : array-like of shape (P,)

    Examples
    --------
    >>> import torch
    >>> from sklid.export.units import Units
    >>> units = Units([10.0, 20.0], [2.0, 4.0])
    >>> x = units(torch.tensor([[12.0, 12.0]]))
    >>> x, units.restored(x)
    (tensor([[ 1., -2.]], dtype=torch.float64), tensor([[12., 12.]], dtype=torch.float64))
    """

    means: Tensor
    scales: Tensor

    def __init__(self, means: ArrayLike, scales: ArrayLike) -> None:
        super().__init__()
        self.register_buffer("means", torch.tensor(np.asarray(means), dtype=torch.float64))
        self.register_buffer("scales", torch.tensor(np.asarray(scales), dtype=torch.float64))

    @classmethod
    def of(cls, scaler: StandardScaler | None, n_features: int) -> "Units":
        """Those of a scaler, or of none, which change nothing."""
        means: Any = scaler.mean_ if scaler is not None and scaler.with_mean else None
        scales: Any = scaler.scale_ if scaler is not None and scaler.with_std else None
        return cls(np.zeros(n_features) if means is None else means, np.ones(n_features) if scales is None else scales)

    def forward(self, x: Tensor) -> Tensor:
        """Rows in the units of the model: ``(N, P) -> (N, P)``."""
        return (x.double() - self.means) / self.scales

    def restored(self, x: Tensor) -> Tensor:
        """Rows in the units of the data: ``(N, P) -> (N, P)``."""
        return x.double() * self.scales + self.means

    def log_volumes(self, x: Tensor) -> Tensor:
        """By how many nats log-densities of the columns that a row has exceed those of the data: ``(N, P) -> (N,)``."""
        return torch.where(torch.isnan(x), 0.0, self.scales.log()).sum(-1)
