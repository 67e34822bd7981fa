"""A Brenier map is the gradient of a strongly convex potential, and has an inverse."""

import pytest
import torch
from torch.func import jacrev, vmap

from sklid.nn import BrenierMap, ConvexPotential, InversionError

every_size = pytest.mark.parametrize(
    ("n_features", "depth", "alpha"), [(1, 1, 0.1), (3, 2, 0.1), (3, 2, 1.0), (3, 4, 2.0)]
)


def map_of(n_features, depth, alpha, activation="squareplus"):
    g = BrenierMap(ConvexPotential(n_features, 8, depth, activation), n_features, alpha).double()
    for parameter in g.parameters():
        torch.nn.init.normal_(parameter)
    return g


@every_size
def test_jacobian_is_symmetric_with_eigenvalues_at_least_alpha(n_features, depth, alpha):
    g = map_of(n_features, depth, alpha)
    jacobian = vmap(jacrev(g))(torch.randn(50, n_features, dtype=torch.float64))
    torch.testing.assert_close(jacobian, jacobian.mT)
    assert torch.linalg.eigvalsh(jacobian).min() >= alpha * (1 - 1e-9)


@every_size
@pytest.mark.parametrize("activation", ["squareplus", "softplus", "leaky_relu"])
def test_distances_never_shrink_below_alpha(n_features, depth, alpha, activation):
    g = map_of(n_features, depth, alpha, activation)
    u, v = torch.randn(2, 500, n_features, dtype=torch.float64)
    ratio = (g(u) - g(v)).norm(dim=-1) / (u - v).norm(dim=-1)
    assert ratio.min() >= alpha * (1 - 1e-9)


@every_size
def test_map_is_the_gradient_of_its_strongly_convex_potential(n_features, depth, alpha):
    g = map_of(n_features, depth, alpha)
    u = torch.randn(7, n_features, dtype=torch.float64, requires_grad=True)
    potential = 0.7 * (g.potential(u) + u @ g.bias) + alpha / 2 * u.square().sum(-1)
    (expected,) = torch.autograd.grad(potential.sum(), u)
    torch.testing.assert_close(g(u, 0.7), expected)


@every_size
@pytest.mark.parametrize("gain", [0.2, 5.0])
def test_inverse_of_the_map_is_the_identity(n_features, depth, alpha, gain):
    g = map_of(n_features, depth, alpha)
    u = torch.randn(20, n_features, dtype=torch.float64)
    torch.testing.assert_close(g.inverse(g(u, gain), gain, tol=1e-9), u, rtol=0, atol=1e-7)


def test_inverse_works_in_inference_mode():
    g = map_of(3, 2, 1.0)
    with torch.inference_mode():
        u = torch.randn(5, 3, dtype=torch.float64)
        torch.testing.assert_close(g.inverse(g(u)), u, rtol=0, atol=1e-5)


def test_iteration_cap_that_is_too_low_says_so():
    g = map_of(3, 2, 1.0)
    with pytest.raises(InversionError, match=r"residual .* after at most 1 Newton steps.*Raise tol or max_iter"):
        g.inverse(torch.full((1, 3), 100.0, dtype=torch.float64), max_iter=1, tol=1e-12)


def test_points_that_are_not_finite_have_no_inverse():
    with pytest.raises(InversionError, match="NaN or infinity"):
        map_of(3, 2, 1.0).inverse(torch.full((1, 3), torch.nan, dtype=torch.float64))


def test_a_modulus_of_zero_is_refused():
    with pytest.raises(ValueError, match="positive"):
        BrenierMap(ConvexPotential(3), 3, 0.0)
