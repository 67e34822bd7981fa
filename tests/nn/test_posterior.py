"""The Gaussian posterior: its densities, and the exact start at probabilistic PCA."""

import pytest
import torch

from sklid.nn import GaussianPosterior


def test_draws_have_the_density_of_the_distribution():
    posterior = GaussianPosterior(4, 3, width=16).double()
    q = posterior(torch.randn(5, 4, dtype=torch.float64))
    z, log_q = posterior.draw(q, torch.randn(7, 5, 3, dtype=torch.float64))
    torch.testing.assert_close(q.log_prob(z), log_q)


def test_start_is_the_exact_posterior_of_a_linear_gaussian_model():
    """Conditioning the joint Gaussian of (z, x) on x, for x = m + s (B' diag(a) z + noise) with orthonormal rows B."""
    s, amplitudes = 0.4, torch.tensor([3.0, 0.5], dtype=torch.float64)
    directions = torch.linalg.qr(torch.randn(5, 2, dtype=torch.float64)).Q.mT
    mean, x = torch.randn(5, dtype=torch.float64), torch.randn(7, 5, dtype=torch.float64)
    W = s * amplitudes[:, None] * directions
    covariance = W.mT @ W + s**2 * torch.eye(5, dtype=torch.float64)
    expected_mean = (x - mean) @ torch.linalg.solve(covariance, W.mT)
    expected_covariance = torch.eye(2, dtype=torch.float64) - W @ torch.linalg.solve(covariance, W.mT)

    posterior = GaussianPosterior(5, 2, width=16).double()
    posterior.initialise(mean, directions, amplitudes, s)
    q = posterior(x)
    torch.testing.assert_close(q.mean, expected_mean)
    torch.testing.assert_close(q.variance, expected_covariance.diagonal().expand(7, 2), rtol=1e-2, atol=1e-3)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_plain_encoder_stays_as_it_is(dtype):
    posterior = GaussianPosterior(5, 2, width=16, linear=False).to(dtype)
    x = torch.randn(7, 5, dtype=dtype)
    before = posterior(x).mean
    posterior.initialise(torch.ones(5), torch.eye(2, 5), torch.ones(2), 1.0)
    assert torch.equal(posterior(x).mean, before)
