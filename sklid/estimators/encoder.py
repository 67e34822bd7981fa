r"""The encoder of an estimator: its posterior, and what it sees of rows that are images.

.. math:: q(z \mid x) = N(\mu(x), \operatorname{diag} \sigma^2(x)), \qquad
    \mu(x) = A (x - m) + \text{network}(x)

with A at the principal components of the rows, and the network a perceptron or one of convolutions.
"""

from collections.abc import Sequence
from functools import partial
from math import isqrt, prod
from numbers import Integral
from typing import Any

import numpy as np
import torch

from ..data.table import TableAdapter
from ..nn import ConvolutionalNetwork, GaussianPosterior, Likelihood, Posterior, RandomShift
from ..validation import POSITIVE_INTEGER, StrOptions
from .declaration import parameter, with_parameters

__all__ = ["EncoderMixin", "checked_image_shape"]


@with_parameters
class EncoderMixin:
    """The encoder's parameters, and the posterior and the augmentation that they make."""

    encoder: str = parameter(
        default="principal",
        kind='{"principal", "plain", "conv"}',
        text="A perceptron beside a linear map that is initialised at probabilistic PCA, as an injective decoder is; "
        "the perceptron alone, initialised at random; or, for rows that are images, a network of strided convolutions "
        "and a dense layer beside that linear map.",
        constraint=[StrOptions({"principal", "plain", "conv"})],
        shapes_model=True,
    )
    encoder_depth: int = parameter(
        default=2,
        kind="int",
        text='Hidden layers of the encoder; with encoder="conv" its stages of convolution, each of which halves the '
        "sides of the image.",
        constraint=POSITIVE_INTEGER,
        shapes_model=True,
    )
    encoder_width: int = parameter(
        default=256,
        kind="int",
        text='Units of each of them; with encoder="conv" of the dense layer that follows.',
        constraint=POSITIVE_INTEGER,
        shapes_model=True,
    )
    image_shape: tuple[int, ...] | None = parameter(
        default=None,
        kind="tuple of int",
        text="Height and width of the images that the rows are, or channels, height and width: a row holds the "
        'channels one after the other, each line by line. encoder="conv" and augment="shift" need it; None is a square '
        "of one channel.",
        constraint=[None, tuple, list],
        shapes_model=True,
    )
    augment: str | None = parameter(
        default=None,
        kind='{"shift"} or None',
        text='"shift": in training the encoder sees the image of each row moved by a random whole number of pixels in '
        "each direction, up to a twentieth of the side, rounded, or 1 if that is more, with pixels of the edge for "
        "those from outside. The likelihood scores the row itself, so the bound stays one. Nothing moves in what a "
        "fitted model answers. Pixels should have one `scale`. It costs likelihood where images stand in one place.",
        constraint=[StrOptions({"shift"}), None],
    )
    posterior: str = parameter(
        default="gaussian",
        kind='{"gaussian", "flow"}',
        text="Diagonal Gaussian, or RealNVP (needs ``sklid[flow]`` and K >= 2).",
        constraint=[StrOptions({"gaussian", "flow"})],
        shapes_model=True,
    )

    def _posterior(self, likelihood: Likelihood) -> Posterior:
        """The posterior of the estimator's parameters, of what a likelihood's encoder sees."""
        n_inputs = likelihood.n_parameters
        if self.encoder != "plain" and self.n_components_ > n_inputs:
            raise ValueError(
                f'encoder="{self.encoder}" begins with one principal component per latent, and there are {n_inputs} '
                f"for n_components={self.n_components_}. Lower n_components to at most {n_inputs}, or use "
                'encoder="plain".'
            )
        options: dict[str, Any] = {"linear": self.encoder != "plain"}
        if self.encoder == "conv":
            shape = checked_image_shape(self.image_shape, n_inputs)
            options["network"] = partial(ConvolutionalNetwork, image_shape=shape)
        sizes = (likelihood.n_inputs, self.n_components_, self.encoder_depth, self.encoder_width)
        if self.posterior == "gaussian":
            return self._gaussian(*sizes, **options)
        try:
            from ..nn.flow import FlowPosterior
        except ImportError as error:
            raise ImportError('posterior="flow" needs zuko: pip install "sklid[flow]".') from error
        return FlowPosterior(*sizes, **options)

    def _gaussian(self, n_inputs: int, n_components: int, depth: int, width: int, **options: Any) -> GaussianPosterior:
        """The Gaussian posterior."""
        return GaussianPosterior(n_inputs, n_components, depth, width, **options)

    def _sees_images(self) -> bool:
        """Whether the encoder sees images, so that its inputs are pixels and nothing besides."""
        return self.encoder == "conv" or self.augment is not None

    def _check_images(self, likelihood: Likelihood) -> None:
        """ValueError where the rows are not the images that the parameters say or need."""
        asking = {'encoder="conv"': self.encoder == "conv", f'augment="{self.augment}"': self.augment is not None}
        needed = [name for name, asks in asking.items() if asks]
        if needed and not likelihood.by_column:
            raise ValueError(
                f'{needed[0]} sees the values of pixels, and likelihood="{likelihood.name}" makes several numbers of '
                'each or none. Use another likelihood, such as "bernoulli" for two values, or leave encoder and '
                "augment at their defaults."
            )
        if needed or self.image_shape is not None:
            checked_image_shape(self.image_shape, likelihood.n_features)

    def _augmentation(self, table: TableAdapter) -> RandomShift | None:
        """What the encoder sees in training in place of rows of a table."""
        if self.augment is None:
            return None
        shape, scaler = checked_image_shape(self.image_shape, self.n_features_in_), table.scaler
        if scaler is None:
            return RandomShift(shape)
        scales = scaler.scale_ if table.learned_scale == "table" else np.sqrt(scaler.var_)
        return RandomShift(shape, torch.from_numpy(scaler.mean_), torch.from_numpy(scales))


def checked_image_shape(image_shape: Sequence[int] | None, n_features: int) -> tuple[int, int, int]:
    """Channels, height and width of images of so many numbers.

    Parameters
    ----------
    image_shape : sequence of int, optional
        Height and width, or channels, height and width; None is a square of one channel.
    n_features : int

    Raises
    ------
    ValueError
        If they are not two or three whole numbers whose product is `n_features`, or that is no square number.
    """
    if image_shape is None:
        side = isqrt(n_features)
        if side**2 != n_features:
            raise ValueError(
                f"Rows of {n_features} numbers are no square images. Pass image_shape=(height, width), or "
                "(channels, height, width)."
            )
        return 1, side, side
    if len(image_shape) not in (2, 3) or not all(isinstance(side, Integral) and side >= 1 for side in image_shape):
        raise ValueError(
            f"image_shape={image_shape!r} must be (height, width), or (channels, height, width) with the channels "
            "first, in whole numbers of at least 1."
        )
    channels, height, width = (int(side) for side in (1, *image_shape)[-3:])
    if prod((channels, height, width)) != n_features:
        raise ValueError(
            f"image_shape={image_shape!r} has {channels * height * width} numbers, and a row of X has {n_features}. "
            "Pass the height and width of its image, or channels, height and width."
        )
    return channels, height, width
