"""Positive latents: densities and divergences of posteriors and prior, and a decoder with their mean as origin."""

import pytest
import torch
from torch.distributions import Independent, LogNormal, Normal, kl_divergence

from sklid.nn import (
    GaussianLikelihood,
    GaussianPosterior,
    InjectiveDecoder,
    LatentVariableModel,
    LogNormalPrior,
    PlainDecoder,
    PositivePosterior,
    SectionDecoder,
    ShiftedDecoder,
    StandardNormal,
    with_positive_latents,
)

from .families import exact_information

K, D, N = 2, 4, 30
MEAN = 2.0


def posterior_of(kind):
    if kind == "gaussian":
        return PositivePosterior(GaussianPosterior(D, K, width=8)).double()
    flow = pytest.importorskip("sklid.nn.flow", reason="needs the extra sklid[flow]")
    found = PositivePosterior(flow.FlowPosterior(D, K, width=8)).double()
    for layer in found.base.flow.transform.transforms:
        torch.nn.init.normal_(layer.hyper[-1].weight, std=0.1)
    return found


@pytest.mark.parametrize("kind", ["gaussian", "flow"])
def test_draws_are_positive_and_their_density_is_that_of_the_distribution(kind):
    posterior = posterior_of(kind)
    with torch.no_grad():
        q = posterior(torch.randn(N, D, dtype=torch.float64))
        w, log_q = posterior.draw(q, torch.randn(7, N, K, dtype=torch.float64))
        assert (w > 0).all()
        torch.testing.assert_close(log_q, q.log_prob(w))
        assert (q.sample() > 0).all()


@pytest.mark.parametrize("kind", ["gaussian", "flow"])
def test_density_of_a_row_sums_to_one(kind):
    posterior = posterior_of(kind)
    with torch.no_grad():
        q = posterior(torch.randn(1, D, dtype=torch.float64))
        axis = torch.linspace(1e-2, 12, 400, dtype=torch.float64)
        grid = torch.cartesian_prod(axis, axis).unsqueeze(1)
        assert q.log_prob(grid).exp().sum().item() * (axis[1] - axis[0]).item() ** 2 == pytest.approx(1, abs=1e-2)


def test_posterior_of_a_gaussian_has_the_moments_of_its_draws():
    posterior = posterior_of("gaussian")
    with torch.no_grad():
        q = posterior(torch.randn(N, D, dtype=torch.float64))
        w, _ = posterior.draw(q, torch.randn(20_000, N, K, dtype=torch.float64))
    torch.testing.assert_close(q.mean, w.mean(0), rtol=0.03, atol=0)
    torch.testing.assert_close(q.stddev, w.std(0), rtol=0.05, atol=0)


def test_plain_prior_has_mean_2_and_variance_1():
    prior = LogNormalPrior(K)()
    torch.testing.assert_close(prior.mean, torch.full((K,), MEAN))
    torch.testing.assert_close(prior.variance, torch.ones(K))


def test_divergence_from_the_plain_prior_is_that_of_the_posterior_it_is_made_of():
    base = GaussianPosterior(D, K, width=8)
    x = torch.randn(N, D)
    prior, posterior = LogNormalPrior(K), PositivePosterior(base)
    expected = kl_divergence(base(x), StandardNormal(K)())
    w, log_q = posterior.draw(posterior(x), torch.randn(1, N, K))
    torch.testing.assert_close(prior.divergences(posterior(x), w, log_q).sum(-1), expected, rtol=1e-4, atol=1e-5)


def test_floors_of_the_plain_prior_are_below_the_truth():
    prior = LogNormalPrior(1).double()
    for r in (0.5, 2.0):
        assert 0.7 * exact_information(prior(), r) < prior.mutual_information_floor(r) < exact_information(prior(), r)
    q = Independent(LogNormal(torch.linspace(-0.5, 1, 20)[:, None].double(), torch.linspace(0.02, 0.4, 20)[:, None]), 1)
    floor = prior.kl_floor(q.variance.sum(-1), q.mean, 1.0)
    assert (floor <= kl_divergence(q, prior())).all()
    assert (floor > 0.5).any()
    w = prior().sample(torch.Size([100_000]))
    for centre in (0.5, 1.5, 2.0):
        share = ((w - centre).abs() < 0.3).double().mean()
        assert share <= prior.ball_probability(torch.tensor(0.3), torch.tensor([centre])) + 5e-3


@pytest.mark.parametrize("Decoder", [SectionDecoder, InjectiveDecoder, PlainDecoder])
def test_model_starts_at_the_mean_of_the_data_where_latents_have_their_mean(Decoder):
    x = torch.randn(200, D) * torch.tensor([2.0, 1.0, 0.3, 0.2]) + torch.tensor([3.0, -1.0, 0.0, 5.0])
    parts = (Decoder(K, D, width=16), GaussianLikelihood(D), GaussianPosterior(D, K, width=16))
    model = with_positive_latents(LatentVariableModel(StandardNormal(K), *parts))
    model.initialise(x)
    with torch.no_grad():
        middle = model.likelihood.mean(model.natural_parameters(model.prior().mean))
        torch.testing.assert_close(middle, x.mean(0), rtol=1e-4, atol=1e-4)
        assert model.encode(x).mean.mean(0).sub(MEAN).abs().max() < 0.2
        assert torch.isfinite(model(x).elbo()).all()


@pytest.mark.parametrize("Decoder", [SectionDecoder, InjectiveDecoder])
def test_certified_constant_and_inverse_hold_in_positive_latents(Decoder):
    f = ShiftedDecoder(Decoder(K, D, width=16, inverse_lipschitz=1.7)).double()
    for parameter in f.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    w, other = 3 * torch.rand(2, 500, K, dtype=torch.float64)
    distances = (w - other).norm(dim=-1)
    assert f.inverse_lipschitz == 1.7
    assert ((f(w) - f(other)).norm(dim=-1) / distances).min() >= 1.7 * (1 - 1e-9)
    assert ((f.plane(w) - f.plane(other)).norm(dim=-1) / distances).min() >= 1.7 * (1 - 1e-9)
    torch.testing.assert_close(f.inverse(f(w)), w, atol=1e-5, rtol=0)


def test_weights_of_the_decoder_keep_their_prior():
    decoder = SectionDecoder(K, D, width=8)
    assert ShiftedDecoder(decoder).log_prior() == decoder.log_prior()
    assert ShiftedDecoder(InjectiveDecoder(K, D, width=8)).log_prior() is None


def test_posterior_starts_near_that_of_probabilistic_pca():
    """Where the rows tell a latent well, log w is the score of the Gaussian's start in the units of the plain prior."""
    base = GaussianPosterior(D, K, width=8)
    directions = torch.linalg.qr(torch.randn(D, K)).Q.T
    PositivePosterior(base).initialise(torch.zeros(D), directions, torch.tensor([3.0, 2.0]), 1.0)
    x = torch.randn(N, D)
    q = PositivePosterior(base)(x)
    scores, plain = base(x), LogNormalPrior(K)().base_dist.base_dist
    torch.testing.assert_close(q.base_dist.loc, plain.loc + plain.scale * scores.mean)
    assert isinstance(scores.base_dist, Normal)


def test_posteriors_by_label_are_those_of_the_gaussian_in_the_units_of_the_plain_prior():
    base, x, shift, stretch = GaussianPosterior(D, K, width=8), torch.randn(N, D), *torch.randn(2, N, 3, K)
    posterior, plain = PositivePosterior(base), LogNormalPrior(K)().base_dist.base_dist
    found = posterior.by_label(posterior(x), shift, stretch).base_dist
    expected = base.by_label(base(x), shift, stretch)
    torch.testing.assert_close(found.loc, plain.loc + plain.scale * expected.mean)
    torch.testing.assert_close(found.scale, plain.scale * expected.stddev)
    torch.testing.assert_close(expected.stddev, base(x).stddev.unsqueeze(1) * stretch.exp())
