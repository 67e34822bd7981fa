"""A decoder that sees its input in every layer."""

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from torch import nn

from sklid.baselines import VAE, SkipVAE
from sklid.nn.skip import SkipPerceptron


@pytest.mark.parametrize("depth", [1, 3])
def test_outputs_are_those_of_the_equations(depth):
    network, z = SkipPerceptron(2, 5, depth, 7), torch.randn(4, 3, 2)
    hidden = z @ network.first.weight.T + network.first.bias
    for layer, skip in zip(network.layers, network.skips, strict=True):
        hidden = hidden.clamp_min(0) @ layer.weight.T + layer.bias + z @ skip.weight.T
    torch.testing.assert_close(network(z), hidden)
    assert [tuple(skip.weight.shape) for skip in network.skips] == [(7, 2)] * (depth - 1) + [(5, 2)]


def test_input_reaches_the_outputs_past_every_hidden_layer():
    network = SkipPerceptron(2, 5, 3, 7)
    for layer in network.layers:
        nn.init.zeros_(layer.weight)
    slope = torch.autograd.functional.jacobian(network, torch.randn(2))
    torch.testing.assert_close(slope, network.skips[-1].weight.detach())


def test_shift_and_silence_are_those_of_a_free_network():
    network, z, by = SkipPerceptron(2, 5, 2, 7), torch.randn(6, 2), torch.arange(5.0)
    before = network(z)
    network.shift(by)
    torch.testing.assert_close(network(z), before + by)
    network.silence(by)
    torch.testing.assert_close(network(z), by.expand(6, 5))


@pytest.mark.filterwarnings("ignore::sklid.CollapseWarning")
def test_a_deep_decoder_with_skips_uses_its_latents_more_than_one_without():
    """As in the paper's experiments: the deeper the decoder, the more of them a VAE ignores."""
    X = load_digits().data[:600]
    settings = {"decoder_depth": 8, "decoder_width": 32, "encoder_width": 32, "max_epochs": 40, "random_state": 0}
    divergence = {Estimator: Estimator(**settings).fit(X).net_.history[-1, "kl"] for Estimator in (VAE, SkipVAE)}
    assert divergence[SkipVAE] > 1.3 * divergence[VAE]


def test_another_network_is_refused():
    with pytest.raises(ValueError, match="SkipVAE has a decoder of its own"):
        SkipVAE(2, decoder_network=nn.Linear, max_epochs=1).fit(np.eye(5))
