"""The log-normal family is a Gaussian in noise units on standardised logarithms."""

import numpy as np
import pytest
import scipy.stats
import torch

from sklid.nn import GaussianPosterior, LatentVariableModel, LogNormalLikelihood, SectionDecoder, StandardNormal

both = pytest.mark.parametrize("noise", ["global", "feature"])


def rows(n_rows=50):
    """Positive numbers of sizes and spreads that differ by column."""
    logs = torch.randn(n_rows, 3, dtype=torch.float64) * torch.tensor([0.1, 1.0, 3.0]) + torch.tensor([9.0, 0.0, -5.0])
    return logs.exp()


def learned(x, noise="global"):
    likelihood = LogNormalLikelihood.from_data([x], noise).double()
    torch.nn.init.normal_(likelihood.log_noise)
    return likelihood


@both
def test_densities_and_means_equal_scipy(noise):
    x = rows()
    likelihood, eta = learned(x, noise), torch.randn(50, 3, dtype=torch.float64)
    m, a = x.log().mean(0).numpy(), x.log().std(0, correction=0).numpy()
    s = likelihood.noise().detach().numpy()
    expected = scipy.stats.lognorm(s=a * s, scale=np.exp(m + a * s * eta.numpy()))
    np.testing.assert_allclose(likelihood.column_log_probs(eta, x).detach(), expected.logpdf(x.numpy()), rtol=1e-4)
    np.testing.assert_allclose(likelihood(eta).log_prob(x).detach(), expected.logpdf(x.numpy()).sum(-1), rtol=1e-4)
    np.testing.assert_allclose(likelihood.mean(eta).detach(), expected.mean(), rtol=1e-4)


@both
def test_means_that_the_user_sees_have_their_natural_parameters(noise):
    likelihood, eta = learned(rows(), noise), torch.randn(50, 3, dtype=torch.float64)
    torch.testing.assert_close(likelihood.parameters_of_mean(likelihood.mean(eta)), eta)


@both
def test_link_inverts_the_expected_logarithm(noise):
    likelihood, eta = learned(rows(), noise), torch.randn(50, 3, dtype=torch.float64)
    logs = likelihood.centre + likelihood.spread * likelihood.noise() * eta
    torch.testing.assert_close(likelihood.link(likelihood.moments(logs.exp())), eta)


def test_natural_parameters_are_in_units_of_the_noise():
    """One unit moves the logarithm by one standard deviation of its noise, whatever the noise and the column."""
    likelihood, eta = learned(rows(), "feature"), torch.zeros(3, dtype=torch.float64)
    at, further = (likelihood(point).base_dist for point in (eta, eta + 1))
    torch.testing.assert_close(further.loc - at.loc, at.scale)
    assert likelihood.noise_units


def test_slope_of_the_expected_statistic_is_the_fisher_information():
    likelihood, eta = learned(rows()), torch.randn(3, dtype=torch.float64)
    torch.manual_seed(0)
    x = likelihood(eta).sample((200_000,))
    at = eta.expand(len(x), 3).clone().requires_grad_()
    score = torch.autograd.grad(likelihood.column_log_probs(at, x).sum(), at)[0]
    slope = torch.autograd.functional.jacobian(likelihood.expected_statistic, eta)
    torch.testing.assert_close(slope, torch.diag(score.square().mean(0)), rtol=0.03, atol=1e-9)


def test_gain_takes_one_noise_out_of_the_learned_part_of_a_decoder():
    """Divided by the noise, and multiplied with it again in the mean logarithm."""
    likelihood, learned_part = learned(rows()), torch.randn(3, dtype=torch.float64)
    loc = likelihood(likelihood.gain() * learned_part).base_dist.loc
    torch.testing.assert_close(loc, likelihood.centre + likelihood.spread * learned_part)
    assert learned(rows(), "feature").gain() == 1.0


def test_columns_that_do_not_vary_have_unit_scale():
    x = torch.full((20, 2), 7.0)
    x[:, 1] = torch.linspace(1, 2, 20)
    likelihood = LogNormalLikelihood.from_data([x])
    assert likelihood.spread[0] == 1
    torch.testing.assert_close(likelihood.inputs(x)[:, 0], torch.zeros(20), rtol=0, atol=1e-6)
    torch.testing.assert_close(likelihood.inputs(x)[:, 1].std(correction=0), torch.tensor(1.0))


def test_values_that_were_not_seen_count_for_nothing():
    x = rows(80).float()
    with_gaps = torch.cat([x, torch.full((30, 3), torch.nan)])[torch.randperm(110)]
    whole, gaps = LogNormalLikelihood.from_data([x]), LogNormalLikelihood.from_data(with_gaps.split(9))
    torch.testing.assert_close(whole.centre, gaps.centre)
    torch.testing.assert_close(whole.spread, gaps.spread)


def test_a_column_never_seen_takes_the_mean_of_the_filler():
    likelihood, x = learned(rows()), rows()
    seen = torch.rand(50, 3) > 0.3
    seen[:, 1] = False
    x[~seen] = likelihood.filler
    eta = likelihood.mean_parameters(x, seen)
    loc = likelihood(eta).base_dist.loc
    torch.testing.assert_close(loc[0], x[seen[:, 0], 0].log().mean())
    torch.testing.assert_close(loc[1], torch.zeros_like(loc[1]))


def test_support_is_what_single_precision_holds_of_the_positive_numbers():
    x = torch.tensor([[-1.0, 0.0, 1e-50, 1e-30, 1e30]], dtype=torch.float64)
    assert LogNormalLikelihood.support.constraint.check(x).tolist() == [[False, False, False, True, True]]
    assert LogNormalLikelihood.support.is_interval


@both
def test_a_model_inverts_the_means_that_it_decodes(noise):
    x = rows()
    likelihood = LogNormalLikelihood.from_data([x], noise)
    model = LatentVariableModel(
        StandardNormal(2), SectionDecoder(2, 3, width=8), likelihood, GaussianPosterior(3, 2, width=8)
    ).double()
    model.initialise(x)
    z = torch.randn(20, 2, dtype=torch.float64)
    with torch.no_grad():
        means = likelihood.mean(model.natural_parameters(z))
        found = model.decoder.inverse(likelihood.parameters_of_mean(means), likelihood.gain())
    torch.testing.assert_close(found, z, rtol=0, atol=1e-4)
