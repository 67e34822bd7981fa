"""The ordinal family is the proportional-odds model, and identified."""

import numpy as np
import pytest
import torch

from sklid.nn import OrdinalLikelihood

SIZES = (2, 3, 6)
CODES = torch.arange(6, dtype=torch.float64)


@pytest.fixture
def likelihood():
    """Three columns of 2, 3 and 6 codes, with thresholds at random."""
    counts = (torch.arange(6) < torch.tensor(SIZES)[:, None]).long()
    made = OrdinalLikelihood(counts).double()
    for parameter in made.parameters():
        torch.nn.init.normal_(parameter)
    return made


def probabilities(likelihood, eta):
    """Of codes 0 .. 5 in each column, zero of those that it lacks: ``(3, 6)``."""
    table = likelihood.column_log_probs(eta.expand(6, 3), CODES[:, None].expand(6, 3)).exp()
    return table.T.detach()


def test_probabilities_are_differences_of_cumulative_logits(likelihood):
    eta = torch.randn(3, dtype=torch.float64)
    cumulative = np.ones((3, 6))
    cumulative[:, :5] = torch.sigmoid(likelihood.thresholds() - eta[:, None]).detach().numpy()
    np.testing.assert_allclose(probabilities(likelihood, eta), np.diff(cumulative, axis=1, prepend=0), atol=1e-12)


@pytest.mark.parametrize("eta", [-3.0, 0.0, 3.0])
def test_probabilities_sum_to_one_over_the_codes_of_a_column(likelihood, eta):
    p = probabilities(likelihood, torch.full((3,), eta).double())
    torch.testing.assert_close(p.sum(1), torch.ones(3).double())
    assert (p[0, 2:] == 0).all()
    assert (p[1, 3:] == 0).all()


def test_thresholds_rise_whatever_is_learned(likelihood):
    torch.nn.init.normal_(likelihood.gaps, std=10.0)
    assert (likelihood.thresholds()[2].diff() > 0).all()
    assert likelihood.thresholds().isfinite().sum(1).tolist() == [1, 2, 5]


def test_a_greater_parameter_makes_every_cumulative_probability_smaller(likelihood):
    low, high = (probabilities(likelihood, torch.full((3,), eta).double()).cumsum(1) for eta in (0.3, 0.4))
    for column, size in enumerate(SIZES):
        assert (high[column, : size - 1] < low[column, : size - 1]).all()


def test_log_probabilities_and_slopes_are_finite_far_out_in_single_precision(likelihood):
    likelihood.float()
    eta = torch.tensor([[-200.0] * 3, [200.0] * 3], requires_grad=True)
    for code in ([0.0, 0.0, 0.0], [1.0, 2.0, 5.0], [1.0, 1.0, 3.0]):
        log_prob = likelihood(eta).log_prob(torch.tensor(code))
        slope = torch.autograd.grad(log_prob.sum(), [eta, *likelihood.parameters()])
        assert torch.isfinite(log_prob).all()
        assert all(torch.isfinite(part).all() for part in slope)


def test_slope_of_the_expected_statistic_is_the_fisher_information(likelihood):
    eta = torch.randn(3, dtype=torch.float64)
    leaf = eta.repeat(6, 1).requires_grad_()
    log_p = likelihood.column_log_probs(leaf, CODES[:, None].expand(6, 3))
    score = torch.autograd.grad(log_p[log_p.isfinite()].sum(), leaf)[0]
    expected = (log_p.exp() * score.square()).sum(0).detach()
    at = eta.clone().requires_grad_()
    found = torch.autograd.grad(likelihood.expected_statistic(at).sum(), at)[0]
    torch.testing.assert_close(found, expected)


def test_link_inverts_the_expected_code_and_the_end_codes_have_no_finite_one(likelihood):
    eta = torch.linspace(-4, 4, 12).double().reshape(4, 3)
    by_sum = torch.stack([(probabilities(likelihood, row) * CODES).sum(1) for row in eta])
    torch.testing.assert_close(likelihood.expected_code(eta).detach(), by_sum)
    torch.testing.assert_close(likelihood.exact_link(by_sum), eta, rtol=1e-6, atol=1e-6)
    ends = torch.tensor([[0.0, 0.0, 0.0], [1.0, 2.0, 5.0]]).double()
    torch.testing.assert_close(likelihood.exact_link(ends), torch.tensor([[-1.0], [1.0]]).double() / 0 * torch.ones(3))
    assert likelihood.link(ends).isfinite().all()


def test_codes_that_are_modes_have_no_inverse(likelihood):
    codes = torch.tensor([[0.0, 1.0, 3.0], [1.0, 2.0, 1.0]]).double()
    assert not likelihood.parameters_of_mean(codes).isfinite().any()


def test_modes_and_draws_are_codes_of_the_column(likelihood):
    eta = 5 * torch.randn(500, 3, dtype=torch.float64)
    for codes in (likelihood(eta).sample(), likelihood.mean(eta)):
        assert (codes.amax(0) < torch.tensor(SIZES)).all()
    row = torch.randn(3, dtype=torch.float64)
    torch.testing.assert_close(likelihood.mean(row), probabilities(likelihood, row).argmax(1).double())


def test_training_begins_at_the_frequencies_of_each_column():
    x = torch.tensor([[0, 1], [0, 2], [1, 3], [0, 3], [2, 3]]).double().repeat(200, 1)
    likelihood = OrdinalLikelihood.from_data(x.split(7)).double()
    p = likelihood(torch.zeros(2).double()).base_dist.probs
    seen = np.array([[600, 200, 200, 0], [0, 200, 200, 600]])
    smoothed = np.where([[1, 1, 1, 0], [1, 1, 1, 1]], seen + 0.5, 0)
    expected = smoothed / smoothed.sum(1, keepdims=True)
    np.testing.assert_allclose(p.detach(), expected, rtol=1e-5)
    torch.testing.assert_close(likelihood.mean_parameters(x), torch.zeros(2).double(), rtol=0, atol=0.02)
    inputs = likelihood.inputs(x)
    torch.testing.assert_close(inputs.mean(0), torch.zeros(2).double(), rtol=0, atol=0.01)
    torch.testing.assert_close(inputs.std(0), torch.ones(2).double(), rtol=0.01, atol=0)


def test_values_that_were_not_seen_count_for_nothing():
    x = torch.randint(0, 4, (60, 3)).float()
    with_gaps = torch.cat([x, torch.full((30, 3), torch.nan)])[torch.randperm(90)]
    whole, gaps = OrdinalLikelihood.from_data([x]), OrdinalLikelihood.from_data(with_gaps.split(11))
    for one, other in zip(whole.state_dict().values(), gaps.state_dict().values(), strict=True):
        torch.testing.assert_close(one, other)


def test_a_column_of_one_code_or_none_keeps_a_parameter_that_matters():
    x = torch.tensor([[0.0, torch.nan, 1.0], [0.0, torch.nan, 1.0]])
    likelihood = OrdinalLikelihood.from_data([x])
    assert likelihood.n_parameters == 3
    assert likelihood.support.describe(0) == "the codes 0 to 1 seen in fit"
    low, high = (likelihood(torch.full((3,), eta)).base_dist.probs for eta in (0.0, 1.0))
    assert (low != high).all()


def test_codes_that_are_identifiers_are_refused():
    with pytest.raises(ValueError, match='likelihood="ordinal" takes codes.*column 1 holds the code 99999'):
        OrdinalLikelihood.from_data([torch.tensor([[0.0, 99999.0], [torch.nan, 2.0]])])


def test_a_column_never_seen_takes_the_mean_of_the_filler(likelihood):
    x, seen = torch.ones(4, 3).double(), torch.ones(4, 3, dtype=torch.bool)
    seen[:, 1] = False
    x[~seen] = likelihood.filler
    eta = likelihood.mean_parameters(x, seen)
    assert likelihood.expected_code(eta)[1].item() == pytest.approx(1e-3, rel=1e-3)
    assert likelihood.expected_code(eta)[2].item() == pytest.approx(1)
