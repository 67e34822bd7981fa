"""The linear model is probabilistic PCA: identities of its maps, and collapse where Wang & Ziyin (2022) put it."""

import numpy as np
import pytest
import torch
from torch.distributions import MultivariateNormal

from sklid.nn import BrenierMap, LinearDecoder, LinearModel, QuadraticPotential


@pytest.fixture
def decoder():
    return LinearDecoder(2, 5).double()


def test_gradient_of_the_quadratic_is_that_of_autograd():
    potential, u = QuadraticPotential(3, 2).double(), torch.randn(4, 3, dtype=torch.float64, requires_grad=True)
    (expected,) = torch.autograd.grad(potential(u).sum(), u)
    torch.testing.assert_close(potential.gradient(u), expected)


def test_embedding_may_be_folded_into_the_quadratic():
    potential, embedding, u = QuadraticPotential(5, 2), torch.randn(3, 5), torch.randn(4, 3)
    torch.testing.assert_close(potential.gradient(u, embedding), potential.gradient(u @ embedding))


def test_map_of_a_quadratic_is_positive_definite_and_invertible():
    g = BrenierMap(QuadraticPotential(4, 1), 4, strong_convexity=0.3).double()
    J = torch.autograd.functional.jacobian(g, torch.zeros(4, dtype=torch.float64))
    torch.testing.assert_close(J, J.mT)
    assert torch.linalg.eigvalsh(J)[0] >= 0.3 - 1e-12
    u = torch.randn(6, 4, dtype=torch.float64)
    torch.testing.assert_close(g.inverse(g(u)), u, atol=1e-6, rtol=0)


def test_decoder_is_linear_and_of_full_rank(decoder):
    z = torch.randn(7, 2, dtype=torch.float64)
    torch.testing.assert_close(decoder(z), z @ decoder.loadings())
    assert torch.linalg.svdvals(decoder.loadings())[-1] > 0


def test_bound_is_the_log_likelihood():
    model, x = LinearModel(2, 5, noise=0.7).double(), torch.randn(9, 5, dtype=torch.float64)
    W = 0.7 * model.decoder.loadings()
    exact = MultivariateNormal(torch.zeros(5).double(), W.mT @ W + 0.49 * torch.eye(5).double()).log_prob(x)
    torch.testing.assert_close(model(x).elbo(), exact, atol=1e-6, rtol=0)


@pytest.mark.parametrize("kl_weight", [0.5, 1.0, 2.0])
@pytest.mark.parametrize("side", [0.8, 1.25])
def test_a_latent_collapses_exactly_when_weighted_noise_reaches_its_variance(kl_weight, side):
    """Variances 4 and 1, b s^2 = side: the second latent lives below 1 and dies above it; the first keeps 4 - b s^2."""
    variances = torch.tensor([4.0, 1.0, 0.01], dtype=torch.float64)
    rows = torch.diag((3 * variances).sqrt())  # their mean square is the covariance
    torch.manual_seed(0)
    model = LinearModel(2, 3, noise=(side / kl_weight) ** 0.5, learn_noise=False, kl_weight=kl_weight).double()
    optimizer = torch.optim.LBFGS(
        model.parameters(), max_iter=2000, tolerance_grad=1e-12, tolerance_change=1e-16, line_search_fn="strong_wolfe"
    )

    def closure():
        optimizer.zero_grad()
        loss = -model(rows).elbo(kl_weight).mean()
        loss.backward()
        return loss

    optimizer.step(closure)
    found = np.square(torch.linalg.svdvals(model.decoder.loadings().detach()).numpy()) * side / kl_weight
    np.testing.assert_allclose(found, [4 - side, max(1 - side, 0)], atol=2e-3)


def test_weighted_bound_has_the_best_posterior():
    """Moving its mean or its spread lowers the weighted bound."""
    model, x = LinearModel(1, 3, noise=0.8, kl_weight=2.0).double(), torch.randn(5, 3, dtype=torch.float64)
    V, s = model.decoder.loadings(), 0.8
    precision = 1 + (V @ V.mT).item() / 2
    mean, variance = (x @ V.mT / s / precision / 2)[:, 0], 1 / precision

    def bound(mean, variance):
        rest = (x / s - mean[:, None] * V).square().sum(1) + variance * V.square().sum() + 3 * np.log(2 * np.pi * s**2)
        return -0.5 * rest - 2.0 * 0.5 * (variance + mean**2 - 1 - np.log(variance))

    best = bound(mean, variance)
    torch.testing.assert_close(model(x).elbo(2.0), best)
    for other in (bound(mean + 0.01, variance), bound(mean, 1.05 * variance), bound(mean, 0.95 * variance)):
        assert (other < best).all()
