"""The potential is convex, and its written-out gradient is the gradient."""

import pytest
import torch

from sklid.nn import ACTIVATIONS, ConvexPotential

every_shape = pytest.mark.parametrize(
    ("n_features", "depth", "skip_connections", "activation", "upper_width"),
    [
        (d, depth, skip, name, upper)
        for d in (1, 3)
        for depth in (1, 2, 4)
        for skip in (False, True)
        for name in ACTIVATIONS
        for upper in (None, 4)
    ],
)


def potential_of(n_features, depth, skip_connections, activation, upper_width=None):
    potential = ConvexPotential(n_features, 16, depth, activation, skip_connections, upper_width).double()
    for bias in potential.biases:
        torch.nn.init.normal_(bias)
    return potential


@every_shape
def test_closed_form_gradient_equals_autograd(n_features, depth, skip_connections, activation, upper_width):
    potential = potential_of(n_features, depth, skip_connections, activation, upper_width)
    u = torch.randn(7, n_features, dtype=torch.float64, requires_grad=True)
    (expected,) = torch.autograd.grad(potential(u).sum(), u)
    torch.testing.assert_close(potential.gradient(u), expected)


@every_shape
def test_potential_lies_above_its_tangents(n_features, depth, skip_connections, activation, upper_width):
    potential = potential_of(n_features, depth, skip_connections, activation, upper_width)
    u, v = torch.randn(2, 200, n_features, dtype=torch.float64)
    tangent = potential(u) + (potential.gradient(u) * (v - u)).sum(-1)
    assert (potential(v) >= tangent - 1e-10).all()


@pytest.mark.parametrize("skip_connections", [False, True])
def test_folded_embedding_equals_multiplying_it_out(skip_connections):
    potential = potential_of(5, 3, skip_connections, "squareplus")
    embedding, v = torch.randn(2, 5, dtype=torch.float64), torch.randn(7, 2, dtype=torch.float64)
    torch.testing.assert_close(potential.gradient(v, embedding), potential.gradient(v @ embedding))


def test_parameters_of_the_gradient_train_with_one_backward_pass():
    potential = potential_of(3, 2, True, "squareplus")
    u = torch.randn(7, 3, dtype=torch.float64)
    potential.gradient(u).square().sum().backward()
    gradients = {name: parameter.grad for name, parameter in potential.named_parameters()}
    assert all(torch.isfinite(gradient).all() and gradient.abs().sum() > 0 for gradient in gradients.values())


@pytest.mark.parametrize("name", list(ACTIVATIONS))
def test_activation_slope_is_its_derivative(name):
    t = torch.linspace(-5, 5, 100, dtype=torch.float64, requires_grad=True)
    value, slope = ACTIVATIONS[name](t)
    (expected,) = torch.autograd.grad(value.sum(), t)
    torch.testing.assert_close(slope, expected)


def test_derivatives_of_squareplus_and_of_its_slope_are_right_to_second_order():
    t = torch.linspace(-5, 5, 11, dtype=torch.float64, requires_grad=True)
    torch.autograd.gradcheck(ACTIVATIONS["squareplus"], t)
    torch.autograd.gradgradcheck(ACTIVATIONS["squareplus"], t)
    value, slope = torch.func.vmap(ACTIVATIONS["squareplus"])(t.detach()[:, None])
    torch.testing.assert_close(torch.cat([value, slope], 1), torch.stack(ACTIVATIONS["squareplus"](t.detach()), 1))


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_gradient_works_without_autograd(mode, dtype):
    potential = ConvexPotential(3, 16).to(dtype)
    with mode():
        assert potential.gradient(torch.randn(4, 3, dtype=dtype)).dtype == dtype


def test_initialise_curvature_gives_the_slopes_asked_for():
    potential = ConvexPotential(3, 64, 1).double()
    wanted = torch.tensor([4.0, 2.0, 1.0], dtype=torch.float64)
    potential.initialise_curvature(wanted)
    unit = torch.eye(3, dtype=torch.float64)
    slopes = (potential.gradient(unit) - potential.gradient(-unit)).diagonal() / 2
    torch.testing.assert_close(slopes, wanted, rtol=0.3, atol=0)


def test_no_hidden_layer_is_refused():
    with pytest.raises(ValueError, match="depth >= 1"):
        ConvexPotential(3, depth=0)
