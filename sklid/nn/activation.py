r"""Convex, non-decreasing activations h with their slopes h', which a potential needs together.

.. math::
    h(t) = \tfrac12 \big( t + \sqrt{t^2 + 1} \big), \quad h'(t) = \tfrac12 + \tfrac12 t r, \quad
    h''(t) = \tfrac12 r^3, \qquad r = (t^2 + 1)^{-1/2}

is *squareplus* (Barron, "Squareplus: A Softplus-Like Algebraic Rectifier", 2021): value, slope and curvature from one
reciprocal root.
"""

import inspect
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

__all__ = ["ACTIVATIONS", "leaky_relu", "softplus", "squareplus"]


class _Squareplus(torch.autograd.Function):
    """Value, slope and root, in half the passes of operations differentiated one by one.

    Derivatives of derivatives need the root as an output.
    """

    generate_vmap_rule = True

    @staticmethod
    def forward(t: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        root = torch.addcmul(t.new_ones(()), t, t).rsqrt_()
        slope = torch.addcmul(t.new_full((), 0.5), t, root, value=0.5)
        return torch.mul(t, slope).add_(root, alpha=0.5), slope, root

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor], output: tuple[Tensor, Tensor, Tensor]) -> None:
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(*inputs, *output[1:])

    @staticmethod
    def backward(ctx: Any, of_value: Tensor | None, of_slope: Tensor | None, of_root: Tensor | None) -> Tensor:
        t, slope, root = ctx.saved_tensors
        grad = of_value * slope if of_value is not None else torch.zeros_like(t)
        if of_slope is not None:
            grad = torch.addcmul(grad, of_slope, root.pow(3), value=0.5)
        if of_root is not None:
            grad = torch.addcmul(grad, of_root * t, root.pow(3), value=-1.0)
        return grad


# What `apply` would inspect at each call, in the time of a small layer.
_Squareplus.forward.__signature__ = inspect.signature(_Squareplus.forward)  # type: ignore[attr-defined]


def squareplus(t: Tensor) -> tuple[Tensor, Tensor]:
    """h(t) = (t + sqrt(t^2 + 1)) / 2 and its slope."""
    if torch.compiler.is_compiling():  # which joins the passes by itself
        root = torch.rsqrt(t * t + 1.0)
        slope = 0.5 + 0.5 * t * root
        return t * slope + 0.5 * root, slope
    value, slope, _ = _Squareplus.apply(t)
    return value, slope


def softplus(t: Tensor) -> tuple[Tensor, Tensor]:
    """h(t) = log(1 + e^t) and its slope."""
    return F.softplus(t), torch.sigmoid(t)


def leaky_relu(t: Tensor) -> tuple[Tensor, Tensor]:
    """h(t) = max(t, t / 5) and its slope; the gradient of a potential made of it is not continuous."""
    return F.leaky_relu(t, 0.2), 0.2 + 0.8 * (t >= 0).to(t.dtype)


ACTIVATIONS: dict[str, Callable[[Tensor], tuple[Tensor, Tensor]]] = {
    "squareplus": squareplus,
    "softplus": softplus,
    "leaky_relu": leaky_relu,
}
