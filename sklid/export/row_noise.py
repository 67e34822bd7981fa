r"""The noise of a row by operations that every inference engine has.

`sklid.randomness.RowNoise` names the noise of a row by a hash of the bytes of its single-precision values. The bytes
are those of the whole number

.. math:: b(x) = 2^{31} \, 1[x < 0] + 2^{23} (e + 126 + 2^{-e} |x|), \qquad 2^e \le |x| < 2^{e + 1},

with :math:`2^{149} |x|` in the place of the second term below :math:`2^{-126}`. Double precision and powers of two give
it without rounding, and whole numbers of 64 bits multiply modulo :math:`2^{64}`. So an exported model has the draws of
its estimator, and needs no operator for bytes.
"""

import numpy as np
import torch
from torch import Tensor, nn

from ..randomness import RowNoise

__all__ = ["GraphNoise", "bits_of"]

LEAST_NORMAL = 2.0**126
"""Over the least number that single precision holds to all its digits."""
MANTISSA = 2.0**23
STEPS = (64, 64, 64, 32, 16, 8, 4, 2, 1)  # exporters write scalars in single precision, which ends at 2^128
OF_NAN, OF_SIGN, WORD = 0x7FC00000, 1 << 31, 1 << 32


class GraphNoise(nn.Module):
    """Standard normal noise of each row, the same that a `RowNoise` gives: ``(N, P) -> (S, N, K)``.

    Parameters
    ----------
    noise : RowNoise
        Whose pool of 64 sets becomes a constant.
    n_features : int
        P.

    Examples
    --------
    >>> import torch
    >>> from sklid.export.row_noise import GraphNoise
    >>> from sklid.randomness import RowNoise
    >>> noise, x = RowNoise(seed=0, n_draws=3, n_components=2), torch.randn(5, 4)
    >>> torch.equal(GraphNoise(noise, 4)(x), noise(x))
    True
    """

    pool: Tensor
    multipliers: Tensor
    last: Tensor

    def __init__(self, noise: RowNoise, n_features: int) -> None:
        super().__init__()
        self.n_sets = noise.N_SETS
        self.register_buffer("pool", noise.pool)
        self.register_buffer("multipliers", torch.from_numpy(noise.multipliers(n_features).view(np.int64)[:, None]))
        self.register_buffer("last", torch.from_numpy(noise.LAST_MULTIPLIER.reshape(1).view(np.int64)))

    def forward(self, x: Tensor) -> Tensor:
        return self.pool.to(x.dtype)[self.set_of_rows(x)].transpose(0, 1)

    def set_of_rows(self, x: Tensor) -> Tensor:
        """The number of each row's noise set: ``(N, P) -> (N,)``."""
        mixed = (bits_of(x) @ self.multipliers).squeeze(-1)  # a sum of whole numbers is one of floats in onnxruntime
        return _upper((mixed ^ _upper(mixed)) * self.last) % self.n_sets


def bits_of(x: Tensor) -> Tensor:
    """The bytes of numbers in single precision as whole numbers, with one zero and one nan: ``(*,) -> (*,)``."""
    x = x.float().double()
    missing = torch.isnan(x)
    rest = torch.where(missing, 0.0, x).abs() * LEAST_NORMAL
    exponent = 0 * rest  # zeros that torch 2.6 exports
    for step in STEPS:
        is_beyond = rest >= 2.0**step
        rest = torch.where(is_beyond, rest * 2.0**-step, rest)
        exponent = torch.where(is_beyond, exponent + step, exponent)
    bits = ((exponent + rest) * MANTISSA).long()
    return torch.where(missing, OF_NAN, torch.where(x < 0, bits + OF_SIGN, bits))


def _upper(number: Tensor) -> Tensor:
    """The upper 32 of 64 bits, as a number that is not negative."""
    return torch.bitwise_right_shift(number, 32) & (WORD - 1)
