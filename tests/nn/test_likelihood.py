"""Likelihoods are minimal exponential families with the densities they claim."""

import math

import numpy as np
import pytest
import scipy.stats
import torch

from sklid.nn import (
    LIKELIHOODS,
    BernoulliLikelihood,
    CategoricalLikelihood,
    ContinuousBernoulli,
    ContinuousBernoulliLikelihood,
    GaussianLikelihood,
    PoissonLikelihood,
    helmert_basis,
)

ETA = torch.linspace(-3, 3, 12, dtype=torch.float64).reshape(4, 3)


@pytest.mark.parametrize("noise", ["global", "feature"])
def test_gaussian_is_in_noise_units(noise):
    likelihood = GaussianLikelihood(3, noise).double()
    torch.nn.init.normal_(likelihood.log_noise)
    x, s = torch.randn(4, 3, dtype=torch.float64), likelihood.noise().detach().numpy()
    expected = scipy.stats.norm(s * ETA.numpy(), s).logpdf(x.numpy()).sum(-1)
    np.testing.assert_allclose(likelihood(ETA).log_prob(x).detach(), expected)


def test_gaussian_noise_never_falls_below_its_minimum():
    likelihood = GaussianLikelihood(3)
    likelihood.log_noise.data.fill_(-1000.0)
    assert likelihood.noise().item() >= 1e-3


def test_a_decoder_starts_within_the_range_in_which_probabilities_vary():
    """Amplitudes in noise units are slopes of a Gaussian; as logits of few columns they take every mean to 0 or 1."""
    amplitudes = torch.tensor([30.0, 2.0, 0.5])
    torch.testing.assert_close(GaussianLikelihood(64).slopes(amplitudes), amplitudes)
    slopes = BernoulliLikelihood(64).slopes(amplitudes)
    torch.testing.assert_close(slopes, torch.tensor([1.6, 1.6, 0.5]))
    assert (slopes / 64**0.5).max() <= 0.2


def test_bernoulli_equals_scipy():
    x = (torch.rand(4, 3) > 0.5).double()
    expected = scipy.stats.bernoulli(torch.sigmoid(ETA).numpy()).logpmf(x.numpy()).sum(-1)
    np.testing.assert_allclose(BernoulliLikelihood(3)(ETA).log_prob(x), expected)


def test_poisson_equals_scipy():
    x = torch.randint(0, 20, (4, 3)).double()
    expected = scipy.stats.poisson(ETA.exp().numpy()).logpmf(x.numpy()).sum(-1)
    np.testing.assert_allclose(PoissonLikelihood(3)(ETA).log_prob(x), expected)


@pytest.mark.parametrize("eta", [-200.0, -16.0, -0.05, 0.0, 0.05, 0.2, 16.0, 200.0])
def test_continuous_bernoulli_integrates_to_one_and_has_its_mean(eta):
    q = ContinuousBernoulli(torch.tensor(eta, dtype=torch.float64))
    edges = torch.linspace(-np.log(1e9), np.log(1e9), 200_001, dtype=torch.float64).sigmoid()
    middle, width = (edges[1:] + edges[:-1]) / 2, edges.diff()
    density = q.log_prob(middle).exp() * width
    assert density.sum().item() == pytest.approx(1, abs=1e-6)
    assert q.mean.item() == pytest.approx((density * middle).sum().item(), abs=1e-6)


def test_continuous_bernoulli_equals_torch_where_torch_is_not_clamped():
    expected = torch.distributions.ContinuousBernoulli(logits=ETA)
    ours, x = ContinuousBernoulli(ETA), torch.rand(4, 3, dtype=torch.float64)
    torch.testing.assert_close(ours.log_prob(x), expected.log_prob(x), rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(ours.icdf(x), expected.icdf(x), rtol=1e-4, atol=1e-6)


def test_continuous_bernoulli_is_injective_where_torch_saturates():
    far, further = (torch.distributions.ContinuousBernoulli(logits=torch.tensor(-eta)) for eta in (30.0, 60.0))
    assert far.mean == further.mean
    ours = ContinuousBernoulli(torch.tensor([-30.0, -60.0])).mean
    assert ours[0] > 1.9 * ours[1]


def test_continuous_bernoulli_has_finite_gradients_at_zero():
    eta = torch.tensor([-1e-3, 0.0, 1e-3, 50.0, -50.0], requires_grad=True)
    q = ContinuousBernoulli(eta)
    (q.log_prob(torch.tensor(0.3)).sum() + q.mean.sum()).backward()
    assert torch.isfinite(eta.grad).all()


def test_continuous_bernoulli_draws_have_its_mean():
    torch.manual_seed(0)
    q = ContinuousBernoulli(torch.tensor([-40.0, 0.0, 3.0]))
    torch.testing.assert_close(q.sample((100_000,)).mean(0), q.mean, rtol=0.02, atol=0)


@pytest.mark.parametrize("n_categories", [2, 3, 10])
def test_helmert_basis_is_orthonormal_and_sums_to_zero(n_categories):
    Q = helmert_basis(n_categories)
    torch.testing.assert_close(Q.mT @ Q, torch.eye(n_categories - 1))
    torch.testing.assert_close(Q.sum(0), torch.zeros(n_categories - 1), rtol=0, atol=1e-6)


def test_categorical_equals_a_softmax_of_each_column():
    likelihood = CategoricalLikelihood([3, 2, 4]).double()
    eta, x = (
        torch.randn(5, 6, dtype=torch.float64),
        torch.tensor([[0, 0, 0], [1, 1, 1], [2, 0, 2], [0, 1, 3], [1, 0, 0]]),
    )
    start, expected = 0, np.zeros(5)
    for column, v in enumerate((3, 2, 4)):
        logits = eta[:, start : start + v - 1].numpy() @ helmert_basis(v).double().numpy().T
        expected += (logits - scipy.special.logsumexp(logits, axis=1, keepdims=True))[
            np.arange(5), x[:, column].numpy()
        ]
        start += v - 1
    np.testing.assert_allclose(likelihood(eta).log_prob(x.double()), expected, rtol=1e-6)


def test_categorical_samples_and_modes_stay_within_each_column():
    likelihood = CategoricalLikelihood([3, 1, 4])
    eta = torch.randn(500, 5) * 5
    for codes in (likelihood(eta).sample(), likelihood.mean(eta)):
        assert (codes.amax(0) <= torch.tensor([2, 0, 3])).all()
        assert likelihood.support.constraint.check(codes).all()


@pytest.mark.parametrize(
    "family", [GaussianLikelihood, BernoulliLikelihood, ContinuousBernoulliLikelihood, PoissonLikelihood]
)
def test_link_inverts_the_mean(family):
    likelihood = family(3).double()
    torch.testing.assert_close(likelihood.link(likelihood.mean(ETA)), ETA, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(
    ("family", "sizes"),
    [
        (BernoulliLikelihood, (20.0, 30.0)),
        (ContinuousBernoulliLikelihood, (1e3, 1e5)),
        (PoissonLikelihood, (30.0, 300.0)),
    ],
)
def test_exact_link_inverts_means_near_their_edge_and_has_no_finite_value_on_it(family, sizes):
    likelihood = family(2).double()
    eta = torch.tensor([sizes, [-size for size in sizes]], dtype=torch.float64)
    torch.testing.assert_close(likelihood.exact_link(likelihood.mean(eta)), eta, rtol=1e-3, atol=0)
    assert not torch.isfinite(likelihood.exact_link(torch.zeros(1, 2, dtype=torch.float64))).any()


def test_categorical_link_inverts_the_probabilities():
    likelihood = CategoricalLikelihood([3, 4]).double()
    eta = torch.randn(6, 5, dtype=torch.float64)
    torch.testing.assert_close(likelihood.link(likelihood._logits(eta).softmax(-1)), eta, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("eta", [-40.0, -3.0, -0.2, -0.05, 0.0, 0.05, 0.2, 3.0, 40.0])
def test_continuous_bernoulli_variance_is_the_slope_of_its_mean(eta):
    leaf = torch.tensor(eta, dtype=torch.float64, requires_grad=True)
    slope = torch.autograd.grad(ContinuousBernoulli(leaf).mean, leaf)[0]
    torch.testing.assert_close(ContinuousBernoulli(leaf.detach()).variance, slope, rtol=1e-5, atol=1e-9)


@pytest.mark.parametrize("eta", [-300.0, -90.0, 90.0, 300.0])
def test_continuous_bernoulli_mean_has_a_finite_slope_far_out_in_single_precision(eta):
    leaf = torch.tensor(eta, requires_grad=True)
    slope = torch.autograd.grad(ContinuousBernoulli(leaf).mean, leaf)[0]
    torch.testing.assert_close(slope, torch.tensor(1 / eta**2), rtol=1e-3, atol=1e-9)


def test_encoder_sees_counts_by_the_logarithm_of_one_more():
    counts = torch.tensor([[0.0, 1.0, 999.0]])
    torch.testing.assert_close(
        PoissonLikelihood(3).inputs(counts), torch.tensor([[0.0, math.log(2.0), math.log(1000.0)]])
    )


@pytest.mark.parametrize("name", LIKELIHOODS)
def test_likelihood_learns_from_blocks_what_it_learns_from_all_rows(name):
    x = torch.randint(0, 4, (100, 3)).float() / (3 if "bernoulli" in name else 1) + (name == "log_normal")
    whole, parts = (LIKELIHOODS[name].from_data(blocks) for blocks in ([x], x.split(7)))
    assert whole.n_parameters == parts.n_parameters
    assert parts.support.constraint.check(x).all()
    assert parts.support.describe(0) == whole.support.describe(0)
    for one, other in zip(whole.state_dict().values(), parts.state_dict().values(), strict=True):
        torch.testing.assert_close(one, other)


@pytest.mark.parametrize("name", [name for name, family in LIKELIHOODS.items() if not family.learns_noise])
def test_noise_by_feature_is_refused_where_there_is_none(name):
    with pytest.raises(ValueError, match=f'likelihood="{name}" has no noise to learn'):
        LIKELIHOODS[name].from_data([torch.zeros(2, 3)], noise="feature")
