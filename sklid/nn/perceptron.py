"""Perceptrons with ReLU units: the encoder, and the decoder of the classical VAE."""

from itertools import pairwise

from torch import nn

__all__ = ["perceptron"]


def perceptron(n_inputs: int, n_outputs: int, depth: int, width: int) -> nn.Sequential:
    """A network of `depth` hidden layers of ReLU units: ``(*, n_inputs) -> (*, n_outputs)``."""
    sizes = [n_inputs, *[width] * depth]
    hidden = [layer for pair in pairwise(sizes) for layer in (nn.Linear(*pair), nn.ReLU())]
    return nn.Sequential(*hidden, nn.Linear(sizes[-1], n_outputs))
