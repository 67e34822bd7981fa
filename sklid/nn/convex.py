r"""Input-convex networks whose gradient is written out, not differentiated.

.. math::
    p_l = W_l z_l + A_l u + b_l, \quad z_{l+1} = h(p_l), \quad z_1 = h(A_0 u + b_0), \quad T(u) = w \cdot z_L

with :math:`W_l, w \ge 0` and h convex and non-decreasing. A non-negative combination of convex functions is convex, and
a convex non-decreasing function of a convex function is convex, so T is convex for every value of the parameters (Amos,
Xu & Kolter, "Input Convex Neural Networks", ICML 2017, Proposition 1).

The gradient follows from the chain rule. With the slopes :math:`s_l = h'(p_l)` kept on the way up,

.. math::
    v_L = w, \quad d_l = v_{l+1} \odot s_l, \quad v_l = W_l^\top d_l, \quad \nabla T(u) = \sum_l A_l^\top d_l,

which are ordinary differentiable operations: the gradient itself trains with one ``backward()``, and it works under
``no_grad`` and ``inference_mode``.
"""

import math
from collections.abc import Callable
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .activation import ACTIVATIONS

__all__ = ["ConvexPotential"]

BIAS_SPREAD = 2.0
"""Standard deviation of the first biases at the start, in units of the spread of the data: half the units then start
nearly linear, half bent."""


class ConvexPotential(nn.Module):
    r"""Input-convex network T with its gradient in closed form.

    .. math:: T(u) = w \cdot z_L, \quad z_{l+1} = h(W_l z_l + A_l u + b_l), \quad W_l = V_l^2, \; w = v^2

    Parameters
    ----------
    n_features : int
        Dimension d of the input u.
    width : int, default=256
        Units H of each hidden layer.
    depth : int, default=2
        Number L of hidden layers, at least 1.
    activation : {"squareplus", "softplus", "leaky_relu"}, default="squareplus"
        Convex, non-decreasing h. The first two are smooth.
    skip_connections : bool, default=False
        Whether the layers above the first see u as well (the A_l with l >= 1). Without them the family is as rich on a
        bounded set, and cheaper.
    upper_width : int, optional
        Units of each layer above the first; None takes `width`. The first layer sees the input and costs `width` times
        d multiply-adds, the others hardly anything when they are narrow.

    References
    ----------
    Amos, Xu & Kolter, "Input Convex Neural Networks", ICML 2017, equation 2. Squared weights and their scale by fan-in
    after Hoedt & Klambauer, "Principled Weight Initialisation for Input-Convex Neural Networks", NeurIPS 2023.

    Examples
    --------
    >>> import torch
    >>> from sklid.nn import ConvexPotential
    >>> _ = torch.manual_seed(0)
    >>> potential = ConvexPotential(3, width=16)
    >>> u, v = torch.randn(2, 100, 3)
    >>> bool((potential((u + v) / 2) <= (potential(u) + potential(v)) / 2).all())
    True
    """

    def __init__(
        self,
        n_features: int,
        width: int = 256,
        depth: int = 2,
        activation: str = "squareplus",
        skip_connections: bool = False,
        upper_width: int | None = None,
    ) -> None:
        super().__init__()
        if depth < 1:
            raise ValueError(f"A convex potential needs depth >= 1 hidden layers, got depth={depth}.")
        self.activation = activation
        widths = [width] + [upper_width or width] * (depth - 1)
        self.input_weights = nn.ParameterList(
            _gaussian(units, n_features) for units in (widths if skip_connections else widths[:1])
        )
        self.root_weights = nn.ParameterList(_uniform_root(above, below) for below, above in pairwise(widths))
        self.biases = nn.ParameterList(nn.Parameter(torch.zeros(units)) for units in widths)
        self.root_output = nn.Parameter(torch.full((widths[-1],), math.sqrt(0.3)))

    def forward(self, u: Tensor) -> Tensor:
        """T(u): ``(*, d) -> (*,)``."""
        height, _ = self._climb(u, list(self.input_weights), self._weights())
        return height @ self.root_output.square()

    def gradient(
        self, u: Tensor, embedding: Tensor | int | None = None, readout: Callable[[Tensor], Tensor] | None = None
    ) -> Tensor:
        """The gradient of T at u, ``(*, d) -> (*, d)``.

        When an embedding ``(K, d)`` is given, at ``u @ embedding``, ``(*, K) -> (*, d)``, and with K alone at u with
        zeros behind it. The embedding is folded into the input weights, so the way up costs K instead of d
        multiply-adds per unit. A readout, any linear map of the last axis, is folded into them on the way down, and the
        gradient is given through it.
        """
        weights = self._weights()
        inputs = [_folded(A, embedding) for A in self.input_weights]
        outputs = [A if readout is None else readout(A) for A in self.input_weights]
        _, slopes = self._climb(u, inputs, weights)
        return self._descend(slopes, weights, outputs)

    @torch.no_grad()
    def mean_slope(self, rows: Tensor) -> float:
        """Mean slope of the gradient along orthonormal rows ``(K, d)``, over one unit to either side of the origin."""
        ahead, behind = self.gradient(rows), self.gradient(-rows)
        return ((ahead - behind) * rows).sum(-1).mean().item() / 2

    @torch.no_grad()
    def rescale(self, slope: float, rows: Tensor) -> None:
        """Multiply T so that its `mean_slope` along the rows is the one given, if it bends there at all.

        A few units of leaky ReLU may be linear everywhere near the origin.
        """
        found = self.mean_slope(rows)
        if found > 0:
            self.root_output.mul_(math.sqrt(slope / found))

    @torch.no_grad()
    def initialise_inputs(self, rows: Tensor, spread: float) -> None:
        """Start the input weights in the span of orthonormal rows ``(K, d)``, for inputs there of norm about `spread`.

        The first layer's units then see arguments of variance 1 and bend at points spread over the data; nothing leaves
        the span until it is learned.
        """
        for weight in self.input_weights:
            weight.copy_(
                torch.randn(weight.shape[0], len(rows), dtype=weight.dtype, device=weight.device) @ rows / spread
            )
        nn.init.normal_(self.biases[0], std=BIAS_SPREAD)

    @torch.no_grad()
    def initialise_curvature(self, curvature: Tensor) -> None:
        """Start a potential of one layer near ``T(u) = sum_j curvature_j u_j^2 / 2``, with positive curvatures."""
        share = (curvature / curvature.max()).sqrt()
        weight = self.input_weights[0]
        nn.init.orthogonal_(weight)
        weight.mul_(share * math.sqrt(max(1.0, weight.shape[0] / weight.shape[1])))
        self.rescale(curvature.mean().item(), torch.diag(torch.ones_like(share)))

    def _weights(self) -> list[Tensor]:
        """The non-negative W_1, .., W_{L-1}."""
        return [root.square() for root in self.root_weights]

    def _climb(self, u: Tensor, inputs: list[Tensor], weights: list[Tensor]) -> tuple[Tensor, list[Tensor]]:
        """Way up: z_L and the slopes h'(p_0), .., h'(p_{L-1}); `inputs` are the input weights, for the u given."""
        h = ACTIVATIONS[self.activation]
        z, slope = h(F.linear(u, inputs[0], self.biases[0]))
        slopes = [slope]
        for layer, W in enumerate(weights, start=1):
            p = F.linear(z, W, self.biases[layer])
            z, slope = h(p + F.linear(u, inputs[layer]) if len(inputs) > 1 else p)
            slopes.append(slope)
        return z, slopes

    def _descend(self, slopes: list[Tensor], weights: list[Tensor], outputs: list[Tensor]) -> Tensor:
        """Way down: the sum of A_l' d_l, in one product over all layers that see the input."""
        d = self.root_output.square() * slopes[-1]
        deltas = [d]
        for W, slope in zip(reversed(weights), reversed(slopes[:-1]), strict=True):
            d = (d @ W) * slope
            deltas.append(d)
        if len(outputs) == 1:
            return d @ outputs[0]
        return torch.cat(deltas[::-1], dim=-1) @ torch.cat(outputs)


def _folded(weight: Tensor, embedding: Tensor | int | None) -> Tensor:
    """Input weights ``(H, d)`` for inputs that are still to be embedded: ``(H, K)``."""
    if isinstance(embedding, int):
        return weight[:, :embedding]
    return weight if embedding is None else weight @ embedding.mT


def _gaussian(width: int, n_features: int) -> nn.Parameter:
    return nn.Parameter(torch.randn(width, n_features) / math.sqrt(n_features))


def _uniform_root(n_units: int, n_inputs: int) -> nn.Parameter:
    """Roots V of W = V^2, uniform on [0, 2] / sqrt(n_inputs): each row of W sums to 4/3 on average."""
    return nn.Parameter(torch.rand(n_units, n_inputs) * 2 / math.sqrt(n_inputs))
