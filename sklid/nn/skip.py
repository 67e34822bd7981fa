r"""A perceptron that sees its input in every layer.

.. math:: h_1 = s(A_1 z + b_1), \qquad h_{l + 1} = s(A_{l + 1} h_l + C_{l + 1} z + b_{l + 1})

and the same without s for the outputs (Dieng, Kim, Rush & Blei, "Avoiding Latent Variable Collapse with Generative Skip
Models", AISTATS 2019).
"""

from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn

__all__ = ["SkipPerceptron"]


class SkipPerceptron(nn.Module):
    """Perceptron with ReLU units whose input goes into every layer: ``(*, n_inputs) -> (*, n_outputs)``.

    Parameters
    ----------
    n_inputs, n_outputs : int
    depth, width : int
        Hidden layers and their units.
    """

    def __init__(self, n_inputs: int, n_outputs: int, depth: int, width: int) -> None:
        super().__init__()
        sizes = [*[width] * depth, n_outputs]
        self.first = nn.Linear(n_inputs, sizes[0])
        self.layers: Any = nn.ModuleList(nn.Linear(*pair) for pair in pairwise(sizes))
        self.skips: Any = nn.ModuleList(nn.Linear(n_inputs, size, bias=False) for size in sizes[1:])

    def forward(self, inputs: Tensor) -> Tensor:
        """The outputs."""
        hidden = self.first(inputs)
        for layer, skip in zip(self.layers, self.skips, strict=True):
            hidden = layer(torch.relu(hidden)) + skip(inputs)
        return hidden

    @torch.no_grad()
    def shift(self, by: Tensor) -> None:
        """Add ``(n_outputs,)`` to every output."""
        self.layers[-1].bias.add_(by)

    @torch.no_grad()
    def silence(self, value: Tensor) -> None:
        """Make every output `value`, ``(n_outputs,)``, until the last layer learns otherwise."""
        for last in (self.layers[-1], self.skips[-1]):
            last.weight.zero_()
        self.layers[-1].bias.copy_(value)
