"""The bounds of an assembled model, against the exact log-likelihood of a linear Gaussian one."""

import pytest
import torch
from torch import nn
from torch.distributions import Independent, MultivariateNormal, Normal

from sklid.nn import (
    CategoricalLikelihood,
    GaussianLikelihood,
    GaussianPosterior,
    InjectiveDecoder,
    LatentVariableModel,
    PoissonLikelihood,
    StandardNormal,
    gaussian_kl,
    iwae,
)

K, D, N = 2, 5, 40


class LinearDecoder(nn.Module):
    def __init__(self, W):
        super().__init__()
        self.W = W

    def forward(self, z, gain=1.0):
        return gain * z @ self.W


class FixedPosterior(nn.Module):
    """q(z | x) = N(x A, diag(scale^2)): the exact posterior when the scales and A are right."""

    def __init__(self, A, scale):
        super().__init__()
        self.A, self.scale = A, scale

    def forward(self, x):
        return Independent(Normal(x @ self.A, self.scale.expand(*x.shape[:-1], -1)), 1)

    draw = GaussianPosterior.draw


@pytest.fixture
def linear():
    """A linear model with orthogonal loadings, whose posterior is diagonal; its exact log-likelihood; and its exact posterior's parameters."""
    W = torch.diag(torch.tensor([2.0, 0.7], dtype=torch.float64)) @ torch.linalg.qr(torch.randn(D, K, dtype=torch.float64)).Q.mT
    likelihood = GaussianLikelihood(D).double()
    likelihood.log_noise.data.fill_(-0.5)
    s = likelihood.noise().detach()
    covariance = W.mT @ W + s**2 * torch.eye(D, dtype=torch.float64)
    exact = MultivariateNormal(torch.zeros(D, dtype=torch.float64), covariance)
    precision = torch.eye(K, dtype=torch.float64) + W @ W.mT / s**2
    A = W.mT / s**2 @ torch.linalg.inv(precision)
    scale = precision.diagonal() ** -0.5

    def model_with(posterior):
        return LatentVariableModel(StandardNormal(K).double(), LinearDecoder(W), likelihood, posterior)

    return model_with, exact, A, scale


def test_iwae_with_the_exact_posterior_is_the_exact_log_likelihood(linear):
    model_with, exact, A, scale = linear
    x = exact.sample((N,))
    for S in (1, 10):
        bound = iwae(model_with(FixedPosterior(A, scale)).log_weights(x, torch.randn(S, N, K, dtype=torch.float64)))
        torch.testing.assert_close(bound, exact.log_prob(x))


def test_iwae_is_above_the_elbo_grows_with_draws_and_reaches_the_exact_value(linear):
    model_with, exact, A, scale = linear
    model, x = model_with(FixedPosterior(0.7 * A, 1.5 * scale)), exact.sample((400,))
    bounds = [iwae(model.log_weights(x, torch.randn(S, 400, K, dtype=torch.float64))).mean().item() for S in (1, 10, 100, 5000)]
    elbo = torch.stack([model(x).elbo().mean() for _ in range(20)]).mean().item()
    truth = exact.log_prob(x).mean().item()
    assert bounds == sorted(bounds)
    assert elbo == pytest.approx(bounds[0], abs=0.1)
    assert elbo < bounds[1] < truth
    assert bounds[-1] == pytest.approx(truth, abs=0.02)


def test_elbo_is_the_log_likelihood_less_the_divergence_from_the_exact_posterior(linear):
    model_with, exact, A, scale = linear
    x = exact.sample((N,))
    q, p = FixedPosterior(0.7 * A, 1.5 * scale)(x), FixedPosterior(A, scale)(x)
    gap = torch.distributions.kl_divergence(q, p)
    model = model_with(FixedPosterior(0.7 * A, 1.5 * scale))
    elbo = torch.stack([model(x).elbo() for _ in range(4000)]).mean(0)
    torch.testing.assert_close(elbo, exact.log_prob(x) - gap, rtol=0, atol=0.15)


def test_gaussian_kl_equals_torch():
    loc, scale = torch.randn(7, K), torch.rand(7, K) + 0.1
    expected = torch.distributions.kl_divergence(Normal(loc, scale), Normal(0.0, 1.0))
    torch.testing.assert_close(gaussian_kl(loc, scale), expected)


@pytest.mark.parametrize("likelihood", [GaussianLikelihood(4), PoissonLikelihood(4), CategoricalLikelihood([3, 2, 2, 4])])
def test_model_starts_at_the_mean_of_its_rows(likelihood):
    x = torch.randint(0, 2, (500, 4)).float()
    model = LatentVariableModel(
        StandardNormal(2), InjectiveDecoder(2, likelihood.n_parameters, width=16), likelihood, GaussianPosterior(likelihood.n_parameters, 2, width=16)
    )
    model.start(x)
    at_origin = model.natural_parameters(torch.zeros(2))
    torch.testing.assert_close(at_origin, likelihood.link(likelihood.moments(x).mean(0)), rtol=1e-3, atol=1e-3)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_model_works_on_cuda():
    model = LatentVariableModel(StandardNormal(2), InjectiveDecoder(2, 4, width=16), GaussianLikelihood(4), GaussianPosterior(4, 2, width=16)).cuda()
    x = torch.randn(7, 4, device="cuda")
    model.start(x)
    model(x).elbo().mean().backward()
    z = torch.randn(3, 2, device="cuda")
    torch.testing.assert_close(model.decoder.inverse(model.decoder(z).detach(), tol=1e-4), z, rtol=0, atol=1e-3)
