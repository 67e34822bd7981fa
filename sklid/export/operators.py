r"""Functions of torch by operators that ONNX has, where it has none or torch's exporter writes one that loses digits.

.. math:: \log \Gamma(x) = \log \Gamma(x + 8) - \log \prod_{i < 8} (x + i), \qquad x > 0,

    \log \Gamma(y) = (y - \tfrac12) \log y - y + \tfrac12 \log 2 \pi + \frac{1}{12 y} - \frac{1}{360 y^3}
        + \frac{1}{1260 y^5} - \frac{1}{1680 y^7} + O(y^{-9})

(Stirling's series, whose first term that is left out is below :math:`10^{-11}` from y = 8 on), and with u = 1 + x

.. math:: \log(1 + x) = \frac{x \log u}{u - 1}, \qquad \log(e^a + e^b) = \max(a, b) + \log(1 + e^{-|a - b|}),

whose first is exact to rounding where 1 + x is rounded (Kahan; Goldberg, "What every computer scientist should know
about floating-point arithmetic", 1991, theorem 4).
"""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

__all__ = ["DECOMPOSITIONS", "expm1", "lgamma", "log1p", "logaddexp"]

SHIFT = 8
SERIES = (1 / 12, -1 / 360, 1 / 1260, -1 / 1680)


def lgamma(x: Tensor) -> Tensor:
    """The logarithm of the gamma function of positive numbers, computed in double precision: ``(*,) -> (*,)``.

    Examples
    --------
    >>> import torch
    >>> from sklid.export.operators import lgamma
    >>> x = torch.tensor([1e-3, 0.5, 3.0, 1e4])
    >>> torch.allclose(lgamma(x), torch.lgamma(x))
    True
    """
    start = x.double()
    y = start + SHIFT
    product = start
    for step in range(1, SHIFT):
        product = product * (start + step)
    inverse = 1 / y
    square, series = inverse * inverse, 0 * inverse
    for coefficient in reversed(SERIES):
        series = series * square + coefficient
    stirling = (y - 0.5) * y.log() - y + 0.5 * math.log(2 * math.pi) + series * inverse
    return (stirling - product.log()).to(x.dtype)


def log1p(x: Tensor) -> Tensor:
    """``log(1 + x)``: ``(*,) -> (*,)``."""
    u = 1 + x
    is_lost = u == 1
    return torch.where(is_lost | torch.isinf(u), x, u.log() * x / torch.where(is_lost, 1.0, u - 1))


def expm1(x: Tensor) -> Tensor:
    """``exp(x) - 1``: ``(*,) -> (*,)``."""
    half = torch.tanh(x / 2)
    return torch.where(x.abs() < 1, 2 * half / (1 - half), x.exp() - 1)


def logaddexp(a: Tensor, b: Tensor) -> Tensor:
    """``log(exp(a) + exp(b))`` of tensors that broadcast."""
    distance = torch.where(a == b, 0.0, (a - b).abs())
    return torch.maximum(a, b) + log1p(torch.exp(-distance))


DECOMPOSITIONS: dict[Any, Callable] = {
    torch.ops.aten.lgamma.default: lgamma,
    torch.ops.aten.log1p.default: log1p,
    torch.ops.aten.expm1.default: expm1,
    torch.ops.aten.logaddexp.default: logaddexp,
}
