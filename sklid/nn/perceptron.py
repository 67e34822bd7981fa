"""Perceptrons: the encoder, the decoder of the classical VAE, and what a section decoder has off its plane."""

from itertools import pairwise

from torch import nn

__all__ = ["perceptron"]


def perceptron(
    n_inputs: int, n_outputs: int, depth: int, width: int, activation: type[nn.Module] = nn.ReLU
) -> nn.Sequential:
    """A network of `depth` hidden layers: ``(*, n_inputs) -> (*, n_outputs)``."""
    sizes = [n_inputs, *[width] * depth]
    hidden = [layer for pair in pairwise(sizes) for layer in (nn.Linear(*pair), activation())]
    return nn.Sequential(*hidden, nn.Linear(sizes[-1], n_outputs))
