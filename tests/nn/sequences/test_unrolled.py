"""Recurrent layers in ordinary operations are those of torch, and can be differentiated twice."""

import pytest
import torch
from torch import nn

from sklid.nn.draws import Draws
from sklid.nn.sequences.unrolled import unrolled

LAYERS = {"lstm": nn.LSTM, "gru": nn.GRU}


def made(cell, is_told):
    """A layer, inputs, and a history or none."""
    with Draws(0):
        network = LAYERS[cell](3, 4, batch_first=True).double()
        parts = tuple(torch.randn(1, 5, 4, dtype=torch.float64) for _ in range(2 if cell == "lstm" else 1))
        inputs = torch.randn(5, 6, 3, dtype=torch.float64, requires_grad=True)
    history = parts if cell == "lstm" else parts[0]
    return network, inputs, history if is_told else None


def parts_of(history):
    return history if isinstance(history, tuple) else (history,)


@pytest.mark.parametrize("cell", LAYERS)
@pytest.mark.parametrize("is_told", [True, False])
def test_states_history_and_slopes_are_those_of_the_layer(cell, is_told):
    network, inputs, history = made(cell, is_told)
    asked = [inputs, *network.parameters()]
    found, expected = unrolled(network, inputs, history), network(inputs, history)
    for one, other in zip([found[0], *parts_of(found[1])], [expected[0], *parts_of(expected[1])], strict=True):
        torch.testing.assert_close(one, other)
    slopes = [torch.autograd.grad(states.square().sum(), asked) for states in (found[0], expected[0])]
    for one, other in zip(*slopes, strict=True):
        torch.testing.assert_close(one, other)


@pytest.mark.parametrize("cell", LAYERS)
def test_its_slopes_have_slopes(cell):
    network, inputs, history = made(cell, True)
    assert torch.autograd.gradgradcheck(lambda x: unrolled(network, x, history)[0], inputs)
