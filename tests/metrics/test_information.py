"""Divergence and information: known truths, and brackets that hold."""

import math

import numpy as np
import pytest
import torch
from torch.distributions import Categorical, Independent, MixtureSameFamily, Normal, kl_divergence

from sklid import metrics
from sklid.exceptions import CappedEstimateWarning
from sklid.metrics.aggregate import aggregate_log_densities, most_evaluated
from sklid.randomness import from_random_state

from .models import as_tensors, channel


@pytest.mark.parametrize("information", [0.1, 1.0])
def test_information_of_a_gaussian_channel_is_within_two_standard_errors(information):
    found = metrics.mutual_information(*channel(information, 5000))
    assert abs(found.value - information) < 2 * found.standard_error
    assert found.lower <= information <= found.upper
    assert not found.capped


@pytest.mark.parametrize("information", [0.1, 1.0])
def test_standard_errors_cover_the_truth_as_often_as_they_should(information):
    """Of ten data sets 9.5 on average; fewer than 7 would happen once in ten thousand."""
    found = [
        metrics.mutual_information(*channel(information, 2000, seed=seed), random_state=seed) for seed in range(10)
    ]
    assert sum(abs(one.value - information) < 2 * one.standard_error for one in found) >= 7


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_five_nats_lie_in_the_bracket(seed):
    found = metrics.mutual_information(*channel(5.0, 5000, seed=seed))
    assert found.lower <= 5.0 <= found.upper
    assert not found.capped


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_eleven_nats_lie_in_the_bracket_and_are_said_to_be_capped(seed):
    with pytest.warns(CappedEstimateWarning, match="too few rows|rows are too few"):
        found = metrics.mutual_information(*channel(11.0, 5000, seed=seed))
    assert found.lower <= 11.0 <= found.upper
    assert found.capped


def test_an_estimate_per_mini_batch_cannot_exceed_the_log_of_its_size():
    """The usual estimate averages over batches of 32 rows; the truth is 11 nats, and it reads at most log 32 = 3.5."""
    loc, scale = as_tensors(channel(11.0, 5000))
    by_batch = []
    for m, s in zip(loc.split(32), scale.split(32), strict=True):
        log_q = Independent(Normal(m, s), 1).log_prob((m + s * torch.randn_like(m)).unsqueeze(1))
        by_batch.append((log_q.diagonal() - log_q.logsumexp(1)).mean().item() + math.log(len(m)))
    assert np.mean(by_batch) <= math.log(32) < 11.0 / 2
    with pytest.warns(CappedEstimateWarning):
        assert metrics.mutual_information(loc.numpy(), scale.numpy()).upper >= 11.0


def test_a_collapsed_posterior_has_no_information():
    found = metrics.mutual_information(np.zeros((500, 3)), np.ones((500, 3)))
    assert found.value == pytest.approx(0, abs=1e-9)


def test_kl_divergence_equals_torch_and_adds_up():
    loc, scale = np.random.default_rng(0).standard_normal((50, 3)), np.random.default_rng(1).random((50, 3)) + 0.1
    expected = kl_divergence(Normal(*as_tensors((loc, scale))), Normal(0.0, 1.0))
    found = metrics.kl_divergence(loc, scale)
    np.testing.assert_allclose(found.per_dimension, expected.mean(0))
    assert found.value == pytest.approx(found.per_dimension.sum())
    assert found.standard_error == pytest.approx(expected.sum(1).std().item() / 50**0.5)


def test_divergence_from_a_mixture_prior_is_the_integral():
    """One latent, one posterior: the divergence by quadrature."""
    q = Normal(torch.tensor([[0.7]] * 500), torch.tensor([[0.4]] * 500))
    prior = MixtureSameFamily(
        Categorical(torch.tensor([0.3, 0.7])),
        Independent(Normal(torch.tensor([[-1.0], [1.0]]), torch.tensor([[0.5], [0.8]])), 1),
    )
    grid = torch.linspace(-6, 6, 20_001).unsqueeze(1)
    log_q = Normal(0.7, 0.4).log_prob(grid).squeeze(1)
    exact = torch.trapezoid(log_q.exp() * (log_q - prior.log_prob(grid)), grid.squeeze(1)).item()
    found = metrics.kl_divergence(q, prior)
    assert found.value == pytest.approx(exact, abs=0.01)
    assert found.per_dimension[0] == pytest.approx(exact, abs=0.01)


def test_divergence_of_the_aggregate_posterior_is_that_of_one_gaussian_when_rows_agree():
    found = metrics.aggregate_posterior_kl(np.full((200, 1), 2.0), np.full((200, 1), 0.5))
    assert found.value == pytest.approx(0.5 * (4 + 0.25 - 1) - math.log(0.5))
    assert found.lower <= found.value <= found.upper


def test_a_matching_aggregate_posterior_has_little_divergence():
    found = metrics.aggregate_posterior_kl(*channel(1.0, 5000))
    assert found.lower <= 2 * found.standard_error


def test_metrics_leave_the_global_generators_alone():
    torch.manual_seed(3)
    before = torch.get_rng_state()
    np.random.seed(3)  # noqa: NPY002
    state = np.random.get_state()[1].copy()  # noqa: NPY002
    metrics.mutual_information(*channel(1.0, 100))
    assert torch.equal(before, torch.get_rng_state())
    assert (np.random.get_state()[1] == state).all()  # noqa: NPY002


def test_a_hundred_thousand_rows_fit_into_two_gigabytes():
    """Divergence and active units whole; the table behind the information in blocks of 32 MB at any number of rows."""
    import resource

    from sklid.metrics.aggregate import TABLE_NUMBERS

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    loc, scale = channel(5.0, 100_000, n_components=64)
    assert metrics.kl_divergence(loc, scale).per_dimension.shape == (64,)
    assert metrics.active_units(loc).count == 64
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 2**20 < 1.0
    assert 8 * TABLE_NUMBERS <= 2**25


@pytest.mark.parametrize("n_components", [2, 3])
def test_information_of_a_flow_is_that_of_its_posteriors_one_by_one(n_components):
    pytest.importorskip("zuko", reason="flows need the extra sklid[flow]")
    from sklid.nn.flow import FlowPosterior

    flow = FlowPosterior(4, n_components, depth=1, width=8).double()
    with torch.no_grad():
        for parameter in flow.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    x = 0.2 * torch.randn(40, 4).double()
    with from_random_state(0):
        q = flow(x)
        z = q.sample()
        log_q = torch.stack([flow(x[row : row + 1].expand(40, -1)).log_prob(z) for row in range(40)], dim=1)
    found = metrics.mutual_information(
        q, Independent(Normal(*torch.tensor([[0.0], [1.0]]).double().expand(2, n_components)), 1)
    )
    expected = (log_q.diagonal() - log_q.logsumexp(1) + math.log(40)).mean().item()
    assert found.lower + 2 * found.standard_error == pytest.approx(expected)


def test_warning_of_too_few_rows_points_at_the_line_that_measured():
    loc, scale = channel(5.0, 20, n_components=8)
    with pytest.warns(CappedEstimateWarning) as caught:
        metrics.mutual_information(loc, scale)
    assert {warning.filename for warning in caught} == {__file__}


def test_information_of_a_flow_that_is_a_gaussian_in_disguise_is_that_of_the_gaussian():
    zuko = pytest.importorskip("zuko", reason="flows need the extra sklid[flow]")
    loc, scale = as_tensors(channel(1.5, 1500, n_components=3))
    identity = zuko.flows.RealNVP(3, context=2, transforms=2, hidden_features=(8,)).double()
    for layer in identity.transform.transforms:
        torch.nn.init.zeros_(layer.hyper[-1].weight)
        torch.nn.init.zeros_(layer.hyper[-1].bias)
    layers = identity.transform(torch.randn(1500, 2).double())
    flow = zuko.distributions.NormalizingFlow(layers, Independent(Normal(loc, scale), 1))
    found = metrics.mutual_information(flow)
    assert found.lower <= 1.5 <= found.upper
    assert abs(found.value - 1.5) < 3 * found.standard_error
    rest = metrics.aggregate_posterior_kl(flow)
    assert rest.lower <= 3 * rest.standard_error


@pytest.mark.parametrize("n_rows", [50, 1500])
def test_densities_of_one_latent_are_those_of_the_average_of_its_gaussians(n_rows):
    q = Normal(torch.randn(n_rows, dtype=torch.float64), 0.1 + torch.rand(n_rows, dtype=torch.float64))
    z, places = q.sample(), torch.arange(20)
    own, others = aggregate_log_densities(q, z, places)
    torch.testing.assert_close(own, q.log_prob(z)[:20])
    every = q.log_prob(z[:20, None])
    every[places, places] = -torch.inf
    torch.testing.assert_close(others, every.logsumexp(1))
    assert most_evaluated(q) >= n_rows


def test_the_bracket_reaches_as_far_as_the_information_does():
    """I = K / 2 log(1 + 1 / s^2) of z = x + s e in its exact posterior, far above log N."""
    K, s, n_rows = 20, 0.05, 500
    z = np.random.default_rng(0).standard_normal((n_rows, K))
    x, variance = z + s * np.random.default_rng(1).standard_normal((n_rows, K)), s**2 / (1 + s**2)
    with pytest.warns(CappedEstimateWarning):
        found = metrics.mutual_information(x / (1 + s**2), np.full((n_rows, K), variance**0.5))
    assert found.lower < K / 2 * math.log1p(1 / s**2) < found.upper < 65
