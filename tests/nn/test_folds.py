"""Where a section ends: it has one point over each point of its plane, so curves that turn back cost it nats."""

import pytest
import torch
from folds import trained_exactly

from sklid.nn import SectionDecoder

VAE, SECTION = ("VAE", ""), ("section", 1)


def cost(data):
    """Nats per test row that a section loses against a perceptron, both trained on the exact likelihood."""
    vae, section = (trained_exactly(side, data, seed=0, n_steps=300)["ll"] for side in (VAE, SECTION))
    return vae - section


def test_a_curve_of_a_section_never_turns_by_a_right_angle_from_its_line():
    """So its tangents lie within 180 degrees of one another: it closes and crosses itself nowhere."""
    f = SectionDecoder(1, 2, width=16).double()
    for parameter in f.parameters():
        torch.nn.init.normal_(parameter)
    z = torch.linspace(-4, 4, 400, dtype=torch.float64)[:, None].requires_grad_()
    along = (f(z) @ f.embedding().mT).sum()
    (slopes,) = torch.autograd.grad(along, z)
    assert slopes.min() >= f.inverse_lipschitz


@pytest.mark.parametrize(("data", "nats"), [("ring", 0.3), ("figure eight", 0.05), ("swiss roll", 0.2)])
def test_curves_and_surfaces_that_fold_over_every_plane_cost_a_section_nats(data, nats):
    assert cost(data) > nats


def test_a_line_costs_a_section_nothing():
    assert abs(cost("line")) < 0.05
