r"""Convolutional networks for rows that are images, as encoders that take the place of a perceptron.

A stage is a convolution of 3 x 3 pixels at every other one of them, so that a side of n pixels becomes one of
:math:`\lceil n / 2 \rceil`, and has twice the channels of the stage before it, from 16 to at most 64. A dense layer
follows, and a linear one. Images are laid out with the channels of a pixel side by side, which on a CPU takes a third
off the time.
"""

from itertools import pairwise

import torch
from torch import Tensor, nn

from .perceptron import Perceptron

__all__ = ["ConvolutionalNetwork"]

FIRST_CHANNELS, MOST_CHANNELS = 16, 64


class ConvolutionalNetwork(Perceptron):
    """Strided convolutions, a dense layer and a linear one, with ReLU units: ``(*, n_inputs) -> (*, n_outputs)``.

    Parameters
    ----------
    n_inputs, n_outputs : int
    depth, width : int
        Stages of convolution, and units of the dense layer.
    image_shape : tuple of int
        Channels, height and width of the images that the rows are, with ``n_inputs`` for their product. A row holds
        the channels one after the other, each line by line.

    Examples
    --------
    >>> import torch
    >>> from sklid.nn import ConvolutionalNetwork
    >>> network = ConvolutionalNetwork(3 * 32 * 32, 20, depth=2, width=64, image_shape=(3, 32, 32))
    >>> network(torch.zeros(5, 3 * 32 * 32)).shape
    torch.Size([5, 20])
    """

    def __init__(
        self, n_inputs: int, n_outputs: int, depth: int, width: int, image_shape: tuple[int, int, int]
    ) -> None:
        channels = [image_shape[0], *(min(FIRST_CHANNELS * 2**stage, MOST_CHANNELS) for stage in range(depth))]
        height, breadth = (-(-side // 2**depth) for side in image_shape[1:])
        stages = [
            layer
            for pair in pairwise(channels)
            for layer in (nn.Conv2d(*pair, kernel_size=3, stride=2, padding=1), nn.ReLU())
        ]
        dense = (nn.Flatten(), nn.Linear(channels[-1] * height * breadth, width), nn.ReLU())
        super().__init__(*stages, *dense, nn.Linear(width, n_outputs))
        self.image_shape = image_shape

    def forward(self, inputs: Tensor) -> Tensor:
        """Outputs in rows: ``(*, n_inputs) -> (*, n_outputs)``."""
        images = inputs.reshape(-1, *self.image_shape).contiguous(memory_format=torch.channels_last)
        outputs = super().forward(images)
        return outputs.reshape(*inputs.shape[:-1], outputs.shape[-1])
