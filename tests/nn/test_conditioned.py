"""Rows given an exposure and covariates: densities, injectivity and what an encoder sees of them."""

import numpy as np
import pytest
import scipy.stats
import torch
from torch.func import jacrev, vmap

from sklid.nn import (
    ConditionedLikelihood,
    GapLikelihood,
    GaussianLikelihood,
    GaussianPosterior,
    InjectiveDecoder,
    LatentVariableModel,
    Library,
    MixedLikelihood,
    NegativeBinomialLikelihood,
    PoissonLikelihood,
    SectionDecoder,
    StandardNormal,
    ZeroInflatedPoissonLikelihood,
)
from sklid.nn.gaps import gap_likelihood, take_gaps, takes_gaps
from sklid.nn.likelihoods.conditioned import library_of

NAN = float("nan")
NOTHING = torch.zeros(0)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def conditioned(whole, n_codes=2, has_exposure=True, library=None):
    """At random effects, in double precision."""
    likelihood = ConditionedLikelihood(whole, torch.linspace(-0.5, 0.5, n_codes), has_exposure, library).double()
    with torch.no_grad():
        likelihood.effect.copy_(torch.randn(likelihood.effect.shape, generator=generator()))
    return likelihood


def test_density_of_poisson_counts_is_that_of_the_rate_times_exposure_and_covariates():
    likelihood = conditioned(PoissonLikelihood(3))
    eta = torch.randn(5, 3, generator=generator(1)).double()
    counts = torch.randint(0, 5, (5, 3), generator=generator(2)).double()
    exposure, codes = torch.rand(5, 1, generator=generator(3)).double() + 0.5, torch.randn(5, 2).double()
    x = torch.cat([counts, exposure.log(), codes], dim=1)
    found = likelihood(likelihood.conditioned(eta, likelihood.given(x))).log_prob(likelihood.features(x))
    rates = exposure * torch.exp(eta + codes @ likelihood.effect)
    expected = scipy.stats.poisson(rates.detach().numpy()).logpmf(counts.numpy()).sum(1)
    np.testing.assert_allclose(found.detach(), expected, rtol=1e-9)


def test_density_given_the_library_is_that_of_the_mean_times_the_sum_over_the_typical_sum():
    whole = NegativeBinomialLikelihood(3, "feature")
    likelihood = conditioned(whole, 0, has_exposure=False, library=Library(torch.tensor([0.2, 0.3, 0.5]), 10.0))
    x, eta = torch.tensor([[2.0, 0.0, 3.0], [7.0, 20.0, 1.0]]).double(), torch.randn(2, 3).double()
    found = likelihood(likelihood.conditioned(eta, likelihood.given(x))).log_prob(x).detach()
    mean, theta = eta.exp().numpy() * x.sum(1, keepdim=True).numpy() / 10, whole.dispersion().detach().numpy()
    np.testing.assert_allclose(found, scipy.stats.nbinom(theta, theta / (theta + mean)).logpmf(x).sum(1), rtol=1e-6)


def test_exposures_add_to_log_means_of_counts_alone():
    mixed = MixedLikelihood([(GaussianLikelihood(1), [1]), (PoissonLikelihood(2), [0, 2])], 3)
    likelihood = ConditionedLikelihood(mixed, NOTHING, has_exposure=True)
    x = torch.tensor([[4.0, -1.5, 2.0, 0.7]])
    shift = likelihood.conditioned(torch.zeros(1, 3), likelihood.given(x))
    torch.testing.assert_close(shift, torch.tensor([[0.0, 0.7, 0.7]]))
    torch.testing.assert_close(likelihood.equalised(x)[0, 1], torch.tensor(-1.5))


def test_library_of_rows_with_gaps_is_the_sum_over_the_share_of_what_they_have():
    random = np.random.default_rng(0)
    shares, sums = np.array([0.1, 0.2, 0.3, 0.4]), random.uniform(1e3, 1e5, 400)
    counts = torch.from_numpy(random.poisson(sums[:, None] * shares)).float()
    gaps = torch.from_numpy(random.random(counts.shape) < [0.0, 0.3, 0.0, 0.6])
    library = library_of([counts.masked_fill(gaps, NAN)], torch.ones(4, dtype=torch.bool))
    np.testing.assert_allclose(library.shares, shares, atol=2e-3)
    np.testing.assert_allclose(library.of(counts.masked_fill(gaps, NAN))[:, 0], sums, rtol=0.15)
    assert library.typical == pytest.approx(np.median(sums), rel=0.02)


def test_library_without_gaps_is_the_sum_and_rows_with_none_have_one_or_what_is_typical():
    x = torch.tensor([[1.0, 3.0], [0.0, 0.0], [NAN, NAN], [6.0, 2.0]])
    library = library_of([x[[0, 3]]], torch.tensor([True, True]))
    torch.testing.assert_close(library.of(x)[:, 0], torch.tensor([4.0, 1.0, NAN, 8.0]), equal_nan=True)
    likelihood = ConditionedLikelihood(PoissonLikelihood(2), NOTHING, library=library)
    log_exposure = likelihood.log_exposure(x)[:, 0]
    torch.testing.assert_close(log_exposure[1:3], torch.tensor([-np.log(library.typical), 0.0]).float())


def test_an_encoder_sees_counts_at_equal_exposure():
    likelihood = ConditionedLikelihood(PoissonLikelihood(2), NOTHING, has_exposure=True)
    x = torch.tensor([[4.0, 2.0, np.log(2.0)], [2.0, 1.0, 0.0]])
    inputs = likelihood.inputs(x)
    torch.testing.assert_close(inputs[0, :2], inputs[1, :2])
    torch.testing.assert_close(likelihood.initial_inputs(x, 1), inputs[:, :2])


@pytest.mark.parametrize("Decoder", [SectionDecoder, InjectiveDecoder])
def test_given_any_conditions_natural_parameters_are_injective_in_the_latent_with_the_same_constant(Decoder):
    torch.manual_seed(0)
    model = LatentVariableModel(
        StandardNormal(2),
        Decoder(2, 5, width=8, inverse_lipschitz=0.7),
        ConditionedLikelihood(PoissonLikelihood(5), torch.zeros(2), has_exposure=True),
        GaussianPosterior(8, 2, width=8),
    ).double()
    torch.nn.init.normal_(model.likelihood.effect)
    z, given = torch.randn(20, 2).double(), 3 * torch.randn(20, 3).double()
    jacobians = vmap(jacrev(model.natural_parameters))(z, given)
    assert torch.linalg.svdvals(jacobians).min() >= 0.7 - 1e-9
    torch.testing.assert_close(jacobians, vmap(jacrev(model.decoder))(z))


def test_parameters_of_means_undo_exposure_and_covariates():
    likelihood = conditioned(PoissonLikelihood(3))
    eta, given = torch.randn(4, 3).double(), torch.randn(4, 3).double()
    means = likelihood.mean(likelihood.conditioned(eta, given))
    torch.testing.assert_close(likelihood.parameters_of_mean(torch.cat([means, given], dim=1)), eta)


def test_most_likely_effects_of_groups_are_log_ratios_of_their_rates():
    random = np.random.default_rng(0)
    group, exposure = random.integers(0, 2, 2000), random.uniform(0.5, 2, 2000)
    rates = np.array([[2.0, 5.0], [6.0, 2.5]])[group]
    counts = random.poisson(rates * exposure[:, None])
    x = torch.from_numpy(np.column_stack([counts, np.log(exposure), group - group.mean()])).float()
    likelihood = ConditionedLikelihood(PoissonLikelihood(2), torch.zeros(1), has_exposure=True)
    likelihood.settle(x, torch.zeros(2000, 2))
    sums = np.array([counts[group == g].sum(0) / exposure[group == g].sum() for g in (0, 1)])
    np.testing.assert_allclose(likelihood.effect.detach()[0], np.log(sums[1] / sums[0]), atol=0.01)
    mean = likelihood.mean_parameters(x)
    at_codes = mean + (torch.tensor([[0.0], [1.0]]) - group.mean()).float() @ likelihood.effect
    np.testing.assert_allclose(at_codes.exp().detach(), sums, rtol=0.01)


def test_the_start_of_a_dispersion_is_what_exposure_and_latents_leave():
    random = np.random.default_rng(0)
    exposure = random.gamma(2, 0.5, (4000, 1))
    rates = 20 * exposure * np.exp(random.standard_normal((4000, 1)) * [0.5, -0.5, 0.5])
    counts = torch.from_numpy(random.poisson(rates * random.gamma(5, 1 / 5, rates.shape))).double()
    inputs = torch.from_numpy(np.log1p(rates / exposure))
    alone, settled = (NegativeBinomialLikelihood.from_data([counts], "feature").double() for _ in range(2))
    settled.settle(counts, inputs, torch.from_numpy(exposure))
    assert alone.dispersion().max() < 2
    np.testing.assert_allclose(settled.dispersion().detach(), 5.0, rtol=0.2)


def test_gaps_of_features_are_left_to_the_likelihood_of_the_features():
    x = torch.tensor([[1.0, NAN, 0.3], [2.0, 5.0, -0.3], [0.0, 3.0, 0.0]])
    likelihood = ConditionedLikelihood(PoissonLikelihood(2), NOTHING, has_exposure=True)
    gaps = gap_likelihood(likelihood, [x], torch.tensor([1]))
    assert takes_gaps(gaps)
    assert isinstance(gaps.whole, GapLikelihood)
    assert gaps.inputs(x).shape == (3, gaps.n_inputs) == (3, 4)
    eta = torch.randn(3, 2)
    found = gaps(gaps.conditioned(eta, gaps.given(x))).log_prob(gaps.features(x))
    rate = torch.exp(eta[0, 0] + 0.3)
    assert found[0].item() == pytest.approx(scipy.stats.poisson(rate.item()).logpmf(1), rel=1e-4)


def test_a_model_of_whole_rows_takes_gaps_later_and_keeps_its_conditions():
    likelihood = conditioned(PoissonLikelihood(2), 1).float()
    model = LatentVariableModel(
        StandardNormal(1), SectionDecoder(1, 2, width=8), likelihood, GaussianPosterior(likelihood.n_inputs, 1, width=8)
    )
    x = torch.tensor([[1.0, 4.0, 0.3, 1.0]])
    before = model.encode(x).mean
    take_gaps(model)
    torch.testing.assert_close(model.encode(x).mean, before)
    assert torch.isfinite(model.encode(torch.tensor([[1.0, NAN, 0.3, 1.0]])).mean).all()


def test_zero_inflated_counts_take_exposures():
    likelihood = conditioned(ZeroInflatedPoissonLikelihood(1), 0)
    eta, x = torch.tensor([[0.3]]).double(), torch.tensor([[0.0, 1.2]]).double()
    found = likelihood(likelihood.conditioned(eta, likelihood.given(x))).log_prob(likelihood.features(x)).exp()
    assert found.item() == pytest.approx(0.5 + 0.5 * np.exp(-np.exp(1.5)))
