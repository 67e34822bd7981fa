"""Convolutional networks as encoders."""

from functools import partial

import pytest
import torch

from sklid.nn import ConvolutionalNetwork, GaussianPosterior

SHAPES = [(1, 8, 8), (1, 28, 28), (3, 32, 32), (1, 7, 5), (2, 1, 9), (1, 1, 1)]


def network_of(image_shape, n_outputs=4, depth=2):
    return ConvolutionalNetwork(torch.Size(image_shape).numel(), n_outputs, depth, 6, image_shape).double()


@pytest.mark.parametrize("image_shape", SHAPES)
@pytest.mark.parametrize("depth", [0, 1, 2, 3])
def test_rows_of_images_of_every_shape_give_rows(image_shape, depth):
    rows = torch.randn(2, 3, torch.Size(image_shape).numel(), dtype=torch.float64)
    network = network_of(image_shape, depth=depth)
    found = network(rows)
    assert found.shape == (2, 3, 4)
    torch.testing.assert_close(found[1], network(rows[1]))


def test_row_holds_channels_one_after_the_other_each_line_by_line():
    """The first stage, computed pixel by pixel."""
    network, row = network_of((2, 3, 5), depth=1), torch.randn(30, dtype=torch.float64)
    weight, bias = network[0].weight, network[0].bias
    image = torch.zeros(2, 5, 7, dtype=torch.float64)
    for pixel, value in enumerate(row):
        channel, line, column = pixel // 15, pixel % 15 // 5, pixel % 5
        image[channel, 1 + line, 1 + column] = value
    stage = torch.stack(
        [
            torch.stack([(weight * image[:, i : i + 3, j : j + 3]).sum((1, 2, 3)) + bias for j in (0, 2, 4)], dim=-1)
            for i in (0, 2)
        ],
        dim=-2,
    )
    expected = network[-1](network[3](stage.relu().flatten()).relu())
    torch.testing.assert_close(network(row), expected)


def test_gradients_are_those_of_finite_differences():
    network = network_of((1, 4, 3), depth=2)
    assert torch.autograd.gradcheck(network, torch.randn(2, 12, dtype=torch.float64, requires_grad=True))


def test_start_is_that_of_the_linear_map_alone():
    D, K = 16, 2
    directions, amplitudes = torch.eye(K, D), torch.tensor([3.0, 1.0])
    with_network = GaussianPosterior(D, K, network=partial(ConvolutionalNetwork, image_shape=(1, 4, 4)))
    with_perceptron = GaussianPosterior(D, K)
    x = torch.randn(5, D)
    for posterior in (with_network, with_perceptron):
        posterior.initialise(torch.ones(D), directions, amplitudes, 0.5)
    assert torch.equal(with_network(x).mean, with_perceptron(x).mean)
    assert torch.equal(with_network(x).stddev, with_perceptron(x).stddev)
