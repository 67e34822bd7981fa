"""The bounds of an assembled model, against the exact log-likelihood of a linear Gaussian one."""

import pytest
import torch
from torch import nn
from torch.distributions import Distribution, Independent, MultivariateNormal, Normal, Poisson

from sklid.nn import (
    CategoricalLikelihood,
    GaussianLikelihood,
    GaussianPosterior,
    InjectiveDecoder,
    LatentVariableModel,
    PoissonLikelihood,
    StandardNormal,
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
    """A linear model with orthogonal loadings, whose posterior is diagonal.

    Beside it its exact log-likelihood and the parameters of its exact posterior.
    """
    W = (
        torch.diag(torch.tensor([2.0, 0.7], dtype=torch.float64))
        @ torch.linalg.qr(torch.randn(D, K, dtype=torch.float64)).Q.mT
    )
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
    bounds = [
        iwae(model.log_weights(x, torch.randn(S, 400, K, dtype=torch.float64))).mean().item()
        for S in (1, 10, 100, 5000)
    ]
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


@pytest.mark.parametrize(
    "likelihood", [GaussianLikelihood(4), PoissonLikelihood(4), CategoricalLikelihood([3, 2, 2, 4])]
)
def test_model_starts_at_the_mean_of_its_rows(likelihood):
    x = torch.randint(0, 2, (500, 4)).float()
    model = LatentVariableModel(
        StandardNormal(2),
        InjectiveDecoder(2, likelihood.n_parameters, width=16),
        likelihood,
        GaussianPosterior(likelihood.n_parameters, 2, width=16),
    )
    model.initialise(x)
    at_origin = model.natural_parameters(torch.zeros(2))
    torch.testing.assert_close(at_origin, likelihood.link(likelihood.moments(x).mean(0)), rtol=1e-3, atol=1e-3)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_model_works_on_cuda():
    model = LatentVariableModel(
        StandardNormal(2), InjectiveDecoder(2, 4, width=16), GaussianLikelihood(4), GaussianPosterior(4, 2, width=16)
    ).cuda()
    x = torch.randn(7, 4, device="cuda")
    model.initialise(x)
    model(x).elbo().mean().backward()
    z = torch.randn(3, 2, device="cuda")
    torch.testing.assert_close(model.decoder.inverse(model.decoder(z).detach(), tol=1e-4), z, rtol=0, atol=1e-3)


class PoissonWithExposure(PoissonLikelihood):
    """Counts whose last column is an exposure: given, not modelled."""

    def __init__(self, n_features):
        super().__init__(n_features - 1)

    def given(self, x):
        return x[..., -1:].log()

    def conditioned(self, eta, given):
        return eta if given is None else eta + given

    def inputs(self, x):
        return super().inputs(x[..., :-1])

    def moments(self, x):
        return x[..., :-1] / x[..., -1:]

    def distribution(self, eta):
        return WithoutExposure(super().distribution(eta))


class WithoutExposure(Distribution):
    def __init__(self, counts):
        super().__init__(counts.batch_shape, torch.Size([counts.event_shape[0] + 1]), validate_args=False)
        self.counts = counts

    def log_prob(self, x):
        return self.counts.log_prob(x[..., :-1])


def test_what_a_row_is_conditioned_on_reaches_its_distribution():
    """The rate of a count is its exposure times that of one unit: in the bound, in importance weights, in decoding."""
    exposure = torch.tensor([[1.0], [10.0], [100.0]])
    x = torch.cat([torch.poisson(3.0 * exposure.expand(3, 4)), exposure], dim=1)
    model = LatentVariableModel(
        StandardNormal(2), InjectiveDecoder(2, 4, width=8), PoissonWithExposure(5), GaussianPosterior(4, 2, width=8)
    )
    model.initialise(x)
    z = torch.randn(7, 3, 2)
    rates = model.decode(z, model.given(x)).counts.mean
    torch.testing.assert_close(rates, exposure * model.decode(z).counts.mean)
    expected = Poisson(rates).log_prob(x[:, :4]).sum(-1)
    noise = torch.randn(7, 3, 2)
    w, log_q = model.draw(model.encode(x), noise)
    own = Poisson(exposure * model.decode(w).counts.mean).log_prob(x[:, :4]).sum(-1) + model.prior().log_prob(w) - log_q
    torch.testing.assert_close(model.log_weights(x, noise), own)
    torch.testing.assert_close(model.decode(z, model.given(x)).log_prob(x), expected)
    torch.manual_seed(3)
    bound = model(x)
    torch.manual_seed(3)
    w, _ = model.draw(model.encode(x), torch.randn(1, 3, 2))
    torch.testing.assert_close(
        bound.reconstruction, Poisson(exposure * model.decode(w).counts.mean).log_prob(x[:, :4]).sum(-1)[0]
    )


def test_model_hands_the_noise_of_its_rows_to_the_posterior():
    """With one latent along one direction, the posterior is that of probabilistic PCA at the noise of the rows."""
    x = torch.randn(4000, 1) * torch.tensor([[2.0, 0.0, 0.0]]) + 0.3 * torch.randn(4000, 3)
    model = LatentVariableModel(
        StandardNormal(1), InjectiveDecoder(1, 3, width=8), GaussianLikelihood(3), GaussianPosterior(3, 1, width=8)
    )
    model.initialise(x)
    variance, loading = 0.3**2, 2.0
    q = model.encode(torch.tensor([[1.0, 0.0, 0.0], [0.0, 0.0, 0.0]]))
    slope = (q.mean[0] - q.mean[1]).abs().item()
    assert slope == pytest.approx(loading / (loading**2 + variance), rel=0.05)
    assert q.stddev[0].item() == pytest.approx((variance / (loading**2 + variance)) ** 0.5, rel=0.05)
