"""Families of counts have the densities, moments and information that they claim."""

import copy

import numpy as np
import pytest
import scipy.stats
import torch
from torch.distributions import Poisson

from sklid.nn import (
    NegativeBinomial,
    NegativeBinomialLikelihood,
    PoissonLikelihood,
    ZeroInflated,
    ZeroInflatedNegativeBinomialLikelihood,
    ZeroInflatedPoissonLikelihood,
)

FAMILIES = [
    PoissonLikelihood,
    NegativeBinomialLikelihood,
    ZeroInflatedPoissonLikelihood,
    ZeroInflatedNegativeBinomialLikelihood,
]
ETA = torch.tensor([[-2.0, 0.0, 2.0], [1.0, 0.5, -0.5]], dtype=torch.float64)
every = pytest.mark.parametrize("family", FAMILIES)
dispersed = pytest.mark.parametrize("family", [NegativeBinomialLikelihood, ZeroInflatedNegativeBinomialLikelihood])


def at_random_parameters(family, **options):
    likelihood = family(3, **options).double()
    for parameter in likelihood.parameters():
        torch.nn.init.normal_(parameter)
    return likelihood


def scipy_nbinom(mean, dispersion):
    return scipy.stats.nbinom(dispersion, dispersion / (dispersion + mean))


def drawn_negative_binomial(rng, mean, dispersion, n_rows):
    return torch.from_numpy(rng.poisson(mean * rng.gamma(dispersion, 1 / dispersion, (n_rows, len(mean)))))


@pytest.mark.parametrize("dispersion", [1e-3, 1.0, 30.0, 1e6])
@pytest.mark.parametrize("mean", [1e-6, 0.3, 50.0, 1e6])
def test_negative_binomial_equals_scipy_in_single_precision(mean, dispersion):
    x = np.unique(np.round([0, 1, 2, 7, mean, mean + 3 * np.sqrt(mean + mean**2 / dispersion)]))
    # the mean that single precision holds, as its logarithm
    log_mean, theta = torch.tensor(mean).log(), torch.tensor(dispersion)
    expected = scipy_nbinom(np.exp(log_mean.double().item()), theta.double().item()).logpmf(x)
    found = NegativeBinomial(log_mean, theta).log_prob(torch.from_numpy(x).float())
    assert found.dtype == torch.float32
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("dispersion", [1e-3, 1.0, 1e6])
@pytest.mark.parametrize("mean", [1e-6, 1.0, 1e6])
def test_slope_of_a_negative_binomial_is_its_score_in_single_precision(mean, dispersion):
    log_mean = torch.tensor(mean).log().requires_grad_()
    theta = torch.tensor(dispersion, requires_grad=True)
    x = round(2 * mean)
    NegativeBinomial(log_mean, theta).log_prob(torch.tensor(float(x))).backward()
    mu = np.exp(log_mean.double().item())
    assert log_mean.grad.item() == pytest.approx(dispersion * (x - mu) / (dispersion + mu), rel=1e-4)
    of_gammas = np.sum(1 / (dispersion + np.arange(x)))
    expected = of_gammas - np.log1p(mu / dispersion) + (mu - x) / (dispersion + mu)
    assert theta.grad.item() == pytest.approx(expected, rel=1e-3, abs=1e-13)


@pytest.mark.parametrize("noise", ["global", "feature"])
def test_negative_binomial_of_rows_equals_scipy(noise):
    likelihood = at_random_parameters(NegativeBinomialLikelihood, noise=noise)
    x = torch.randint(0, 20, (2, 3)).double()
    theta = likelihood.dispersion().detach().numpy()
    assert len(theta) == (1 if noise == "global" else 3)
    expected = scipy_nbinom(ETA.exp().numpy(), theta).logpmf(x.numpy())
    np.testing.assert_allclose(likelihood.column_log_probs(ETA, x).detach(), expected, rtol=1e-9)
    np.testing.assert_allclose(likelihood(ETA).log_prob(x).detach(), expected.sum(-1), rtol=1e-9)


def test_zero_inflated_counts_are_a_mixture_with_zero():
    likelihood = at_random_parameters(ZeroInflatedPoissonLikelihood)
    x = torch.tensor([[0.0, 3.0, 0.0], [1.0, 0.0, 0.0]]).double()
    extra = likelihood.zero_logit.sigmoid().detach().numpy()
    mixture = extra * (x.numpy() == 0) + (1 - extra) * scipy.stats.poisson(ETA.exp().numpy()).pmf(x.numpy())
    np.testing.assert_allclose(likelihood.column_log_probs(ETA, x).detach(), np.log(mixture), rtol=1e-9)


def test_zero_inflation_is_exact_where_either_share_vanishes_in_single_precision():
    logit = torch.tensor([-80.0, 80.0, -300.0], requires_grad=True)
    log_prob = ZeroInflated(Poisson(torch.tensor([3.0, 3.0, 200.0])), logit).log_prob(torch.zeros(3))
    np.testing.assert_allclose(log_prob.detach(), [-3.0, 0.0, -200.0], rtol=1e-6, atol=1e-30)
    log_prob.sum().backward()
    assert torch.isfinite(logit.grad).all()


@every
def test_probabilities_sum_to_one_and_have_the_mean_and_the_variance(family):
    likelihood = at_random_parameters(family)
    counts = torch.arange(20_000, dtype=torch.float64)[:, None].expand(-1, 3)
    eta = torch.tensor([-1.0, 0.0, 1.0], dtype=torch.float64)
    p = likelihood.column_log_probs(eta.expand(len(counts), 3), counts).exp()
    mean = (p * counts).sum(0)
    torch.testing.assert_close(p.sum(0), torch.ones(3, dtype=torch.float64), rtol=1e-6, atol=0)
    torch.testing.assert_close(likelihood.mean(eta), mean, rtol=1e-6, atol=0)
    torch.testing.assert_close(likelihood(eta).mean, mean, rtol=1e-6, atol=0)
    torch.testing.assert_close(likelihood(eta).variance, (p * (counts - mean).square()).sum(0), rtol=1e-4, atol=0)


@every
def test_slope_of_the_expected_statistic_is_the_fisher_information(family):
    """The expected square of the score, by automatic differentiation and a sum over the counts."""
    likelihood = at_random_parameters(family)
    counts = torch.arange(5000, dtype=torch.float64)[:, None].expand(-1, 3)
    eta = torch.tensor([-1.0, 0.0, 1.0], dtype=torch.float64).repeat(len(counts), 1).requires_grad_()
    log_p = likelihood.column_log_probs(eta, counts)
    score = torch.autograd.grad(log_p.sum(), eta)[0]
    expected = (log_p.exp() * score.square()).sum(0)
    at = eta[:1].detach().requires_grad_()
    found = torch.autograd.grad(likelihood.expected_statistic(at).sum(), at)[0][0]
    torch.testing.assert_close(found, expected.detach(), rtol=1e-4, atol=1e-12)


@every
def test_link_inverts_the_mean_and_zero_has_no_finite_one(family):
    likelihood = at_random_parameters(family)
    torch.testing.assert_close(likelihood.link(likelihood.mean(ETA)), ETA, rtol=1e-6, atol=1e-6)
    torch.testing.assert_close(likelihood.parameters_of_mean(likelihood.mean(ETA)), ETA, rtol=1e-6, atol=1e-6)
    assert not torch.isfinite(likelihood.exact_link(torch.zeros(1, 3, dtype=torch.float64))).any()


@every
def test_draws_are_counts_with_the_mean_and_the_share_of_zeros(family):
    torch.manual_seed(0)
    likelihood = at_random_parameters(family)
    eta = torch.tensor([0.0, 1.0, 2.0], dtype=torch.float64)
    x = likelihood(eta).sample((100_000,))
    assert likelihood.support.constraint.check(x).all()
    zeros = likelihood.column_log_probs(eta, torch.zeros(3).double()).exp()
    errors = (likelihood(eta).variance / len(x)).sqrt()
    assert ((x.mean(0) - likelihood.mean(eta)).abs() < 5 * errors).all()
    assert (((x == 0).double().mean(0) - zeros).abs() < 5 * (zeros * (1 - zeros) / len(x)).sqrt()).all()


@every
def test_distributions_expand_copy_and_run_without_gradients(family):
    with torch.inference_mode():
        likelihood = at_random_parameters(family)
        p = copy.deepcopy(likelihood(ETA))
        wide = p.expand((5, 2))
        torch.testing.assert_close(
            wide.log_prob(torch.ones(3).double()), p.log_prob(torch.ones(3).double()).expand(5, 2)
        )
        assert wide.sample().shape == (5, 2, 3)
        assert "(" in repr(p.base_dist)


@dispersed
@pytest.mark.parametrize("noise", ["global", "feature"])
def test_dispersion_begins_at_that_of_the_columns(family, noise):
    rng = np.random.default_rng(0)
    x = drawn_negative_binomial(rng, np.array([3.0, 30.0, 300.0]), 2.0, 20_000)
    learned = family.from_data([x], noise=noise)
    counts = getattr(learned, "counts", learned)
    np.testing.assert_allclose(counts.dispersion().detach(), 2.0, rtol=0.15)
    assert counts.log_dispersion.dtype == torch.float32


@dispersed
def test_columns_that_vary_no_more_than_a_poisson_begin_near_one(family):
    x = torch.tensor([[3.0, 0.0], [4.0, 0.0], [5.0, 0.0]])
    for noise in ("global", "feature"):
        learned = family.from_data([x], noise=noise)
        counts = getattr(learned, "counts", learned)
        assert counts.dispersion().min() > 1000


def test_dispersion_is_positive_whatever_is_learned():
    likelihood = NegativeBinomialLikelihood(3)
    likelihood.log_dispersion.data.fill_(-1000.0)
    assert likelihood.dispersion().item() > 0
    assert torch.isfinite(likelihood(ETA.float()).log_prob(torch.ones(2, 3))).all()


@pytest.mark.parametrize("family", [ZeroInflatedPoissonLikelihood, ZeroInflatedNegativeBinomialLikelihood])
def test_extra_zeros_begin_at_those_beyond_the_family(family):
    """60 % of a column of larger counts, next to none of a column of small ones, and of zeros alone any number."""
    rng = np.random.default_rng(0)
    x = rng.poisson([4.0, 1.0, 0.0], (20_000, 3)).astype(float)
    if family is ZeroInflatedNegativeBinomialLikelihood:
        x[:, :2] = drawn_negative_binomial(rng, np.array([4.0, 1.0]), 2.0, len(x)).numpy()
    x[:, 0] *= rng.random(len(x)) > 0.6
    likelihood = family.from_data([torch.from_numpy(x)])
    at_start = likelihood.zero_logit.sigmoid().detach()
    assert 0.55 < at_start[0] < 0.65
    assert at_start[1] < 0.1
    assert torch.isfinite(at_start).all()
    assert likelihood.zero_logit.dtype == torch.float32
    if family is ZeroInflatedNegativeBinomialLikelihood:
        assert likelihood.counts.dispersion().item() == pytest.approx(2, rel=0.2)


@every
def test_values_that_were_not_seen_count_for_nothing(family):
    rng = np.random.default_rng(0)
    x = drawn_negative_binomial(rng, np.array([1.0, 5.0]), 1.0, 500).float()
    with_gaps = torch.cat([x, torch.full((300, 2), torch.nan)])[torch.randperm(800)]
    whole, gaps = family.from_data([x]), family.from_data(with_gaps.split(37))
    for one, other in zip(whole.parameters(), gaps.parameters(), strict=True):
        torch.testing.assert_close(one, other)


@every
def test_mean_parameters_are_those_of_the_mean_of_what_was_seen(family):
    likelihood = at_random_parameters(family)
    x = torch.randint(0, 9, (50, 3)).double()
    seen = torch.rand(50, 3) > 0.4
    seen[:, 2] = False
    x[~seen] = likelihood.filler
    found = likelihood.mean(likelihood.mean_parameters(x, seen))
    for column in range(2):
        torch.testing.assert_close(found[column], x[seen[:, column], column].mean())
    assert found[2] < 1e-5
    torch.testing.assert_close(likelihood.mean(likelihood.mean_parameters(x[:, [0, 0, 0]]))[1], x[:, 0].mean())


def test_the_encoder_sees_logarithms_of_one_more():
    for family in FAMILIES:
        assert family(1).inputs(torch.tensor([99.0])).item() == pytest.approx(np.log(100))
