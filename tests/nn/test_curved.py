"""Potentials of the maps in the plane: convex, with the gradient of their value, and linear maps at the start."""

import pytest
import torch

from sklid.nn import BrenierMap, CurvedPotential, SectionDecoder
from sklid.nn.curved import PACE

every_activation = pytest.mark.parametrize("activation", ["squareplus", "softplus"])


def random_potential(activation):
    potential = CurvedPotential(3, 16, activation).double()
    for parameter in potential.parameters():
        torch.nn.init.normal_(parameter, std=1 / PACE)
    return potential


@every_activation
def test_gradient_is_that_of_the_value(activation):
    potential, u = random_potential(activation), torch.randn(10, 3, dtype=torch.float64, requires_grad=True)
    (expected,) = torch.autograd.grad(potential(u).sum(), u)
    torch.testing.assert_close(potential.gradient(u), expected)


@every_activation
def test_gradient_of_an_embedded_point_is_that_of_the_point(activation):
    potential, z = random_potential(activation), torch.randn(10, 2, dtype=torch.float64)
    embedding = torch.randn(2, 3, dtype=torch.float64)
    torch.testing.assert_close(potential.gradient(z, embedding), potential.gradient(z @ embedding))


@every_activation
def test_hessian_is_never_negative(activation):
    for _ in range(20):
        potential, u = random_potential(activation), torch.randn(3, dtype=torch.float64)
        assert torch.linalg.eigvalsh(torch.autograd.functional.hessian(potential, u)).min() >= -1e-12


def test_initial_gradient_is_near_the_linear_map_asked_for_far_from_the_origin_too():
    """The units alone would level off: their slope over the last tenth of the way is next to nothing."""
    curvature = torch.tensor([1.0, 2.0, 3.0], dtype=torch.float64)
    potential = CurvedPotential(3).double()
    potential.initialise_curvature(curvature)
    u = torch.eye(3, dtype=torch.float64)
    near = (potential.gradient(u) - potential.gradient(-u)).diagonal() / 2
    torch.testing.assert_close(near, curvature)
    far = (potential.gradient(110 * u) - potential.gradient(100 * u)).diagonal() / 10
    assert (far > 0.15 * curvature).all()


def test_initial_slopes_are_those_asked_for_over_the_spread_of_the_inputs():
    curvature = torch.tensor([0.01, 1.0, 30.0], dtype=torch.float64)
    spread = torch.tensor([1.0, 5.0, 20.0], dtype=torch.float64)
    potential = CurvedPotential(3).double()
    potential.initialise_curvature(curvature, spread)
    u = torch.diag(spread)
    found = (potential.gradient(u) - potential.gradient(-u)).diagonal() / (2 * spread)
    torch.testing.assert_close(found, curvature)


def test_units_that_do_not_bend_leave_all_the_curvature_to_the_quadratic():
    for seed in range(20):
        torch.manual_seed(seed)
        potential = CurvedPotential(1, width=1, activation="leaky_relu").double()
        potential.initialise_curvature(torch.ones(1, dtype=torch.float64))
        rows = torch.ones(1, 1, dtype=torch.float64)
        torch.testing.assert_close(potential.gradient(rows) - potential.gradient(-rows), 2 * rows)


def test_units_bend_within_the_spread_of_the_inputs():
    """The gradient of a map whose units all bent near the origin would be linear from one standard deviation on."""
    spread = torch.tensor([30.0, 30.0], dtype=torch.float64)
    potential = CurvedPotential(2).double()
    potential.initialise_curvature(torch.ones(2, dtype=torch.float64), spread)
    with torch.no_grad():
        potential.root_curvature.zero_()
    u = torch.tensor([[0.0, 0.0], [30.0, 0.0]], dtype=torch.float64)
    at_origin, at_spread = (torch.autograd.functional.hessian(potential, place).trace() for place in u)
    assert at_spread > 0.2 * at_origin


def test_parameters_move_the_map_several_times_as_far_as_their_own_step():
    """A step of all weights by the same amount, as of Adam: the quadratic's root moves by PACE times that amount."""
    potential = CurvedPotential(2).double()
    u = torch.zeros(2, dtype=torch.float64).requires_grad_()
    with torch.no_grad():
        potential.root_output.zero_()
        potential.root_curvature.fill_(0.01)
    slope = torch.autograd.functional.jacobian(potential.gradient, u)
    torch.testing.assert_close(slope, torch.eye(2, dtype=torch.float64) * (PACE * 0.01) ** 2)


def test_prior_of_a_section_is_normal_on_the_first_weights_alone():
    """Oracle: the normal density of torch.distributions."""
    f = SectionDecoder(2, 5, width=8).double()
    first = f.network[0].weight
    (found,) = torch.autograd.grad(f.log_prior(), first)
    (expected,) = torch.autograd.grad(torch.distributions.Normal(0.0, 50**-0.5).log_prob(first).sum(), first)
    torch.testing.assert_close(found, expected)
    with torch.no_grad():
        before = f.log_prior()
        for parameter in (*f.chain.parameters(), *f.network[1:].parameters()):
            parameter.add_(1.0)
        torch.testing.assert_close(f.log_prior(), before)


def test_map_of_a_curved_potential_has_its_modulus():
    g = BrenierMap(random_potential("squareplus"), 3, 0.5)
    u, v = torch.randn(2, 200, 3, dtype=torch.float64)
    assert ((g(u) - g(v)).norm(dim=-1) / (u - v).norm(dim=-1)).min() >= 0.5
