"""Perceptrons: the encoder, the decoder of the classical VAE, and what a section decoder has off its plane."""

from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn

__all__ = ["Perceptron", "perceptron"]


class Perceptron(nn.Sequential):
    """Layers that end with a linear one, ``(*, n_inputs) -> (*, n_outputs)``; a `FreeNetwork`."""

    @torch.no_grad()
    def shift(self, by: Tensor) -> None:
        """Add ``(n_outputs,)`` to every output."""
        self._last.bias.add_(by)

    @torch.no_grad()
    def silence(self, value: Tensor) -> None:
        """Make every output `value`, ``(n_outputs,)``, until the last layer learns otherwise."""
        self._last.weight.zero_()
        self._last.bias.copy_(value)

    @property
    def _last(self) -> Any:
        return self[-1]


def perceptron(
    n_inputs: int, n_outputs: int, depth: int, width: int, activation: type[nn.Module] = nn.ReLU
) -> Perceptron:
    """A network of `depth` hidden layers: ``(*, n_inputs) -> (*, n_outputs)``."""
    sizes = [n_inputs, *[width] * depth]
    hidden = [layer for pair in pairwise(sizes) for layer in (nn.Linear(*pair), activation())]
    return Perceptron(*hidden, nn.Linear(sizes[-1], n_outputs))
