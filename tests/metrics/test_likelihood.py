"""Importance-weighted likelihoods grow to the truth, and gaps are those of the closed form."""

import math

import pytest
import torch
from sklearn.datasets import load_iris
from torch.distributions import Independent, Normal

from sklid import LIDVAE, metrics
from sklid.metrics.importance import refined
from sklid.metrics.sources import view

from .models import exact_log_likelihood, frozen_at_the_prior, linear_data, linear_model


def test_log_likelihood_grows_with_the_draws_and_stays_below_the_truth():
    rows, W = linear_data(300, [1.0, 0.5])
    exact = exact_log_likelihood(W, 1.0, rows).mean().item()
    poor = linear_model(W, encode=frozen_at_the_prior(2))
    few, many = (metrics.log_likelihood(poor, rows, n_importance_samples=n).value for n in (1, 1000))
    assert few < many < exact + 0.01
    assert many == pytest.approx(exact, abs=0.02)


def test_the_gap_of_an_encoder_frozen_at_the_prior_is_its_divergence_from_the_posterior():
    """ELBO(x; p) = log p(x) - KL(p(z) || p(z | x)), and here the best Gaussian is the exact posterior."""
    rows, W = linear_data(300, [1.0, 0.7])
    posterior = linear_model(W).encode(rows)
    prior = Independent(Normal(torch.zeros_like(posterior.mean), 1.0), 1)
    exact = torch.distributions.kl_divergence(prior, posterior).mean().item()
    found = metrics.amortization_gap(linear_model(W, encode=frozen_at_the_prior(2)), rows)
    assert found.value == pytest.approx(exact, abs=0.1)


def test_the_gap_of_the_exact_posterior_is_zero():
    rows, W = linear_data(300, [2.0, 1.0])
    assert metrics.amortization_gap(linear_model(W), rows).value == pytest.approx(0, abs=1e-3)


def test_refined_posteriors_find_the_exact_ones():
    rows, W = linear_data(100, [2.0, 1.0])
    exact = linear_model(W).encode(rows)
    found = refined(view(linear_model(W, encode=frozen_at_the_prior(2)), rows))
    assert (found.mean - exact.mean).abs().mean() < 0.02
    assert (found.stddev.log() - exact.stddev.log()).abs().mean() < 0.02


def test_refinement_stays_where_a_posterior_is_exact_in_many_dimensions():
    rows, W = linear_data(50, [3.0, 2.5, 2.0, 1.5, 1.0, 0.5])
    exact = linear_model(W).encode(rows)
    found = refined(view(linear_model(W), rows))
    torch.testing.assert_close(found.mean, exact.mean, atol=0.01, rtol=0)
    torch.testing.assert_close(found.stddev, exact.stddev, atol=0.01, rtol=0)


def test_refinement_leaves_the_model_as_it_was():
    X = load_iris().data
    model = LIDVAE(n_components=2, max_epochs=3, random_state=0).fit(X)
    before = [weight.clone() for weight in model.net_.module_.parameters()]
    metrics.amortization_gap(model, X)
    assert all(torch.equal(old, new) for old, new in zip(before, model.net_.module_.parameters(), strict=True))
    assert all(weight.grad is None or math.isfinite(weight.grad.sum()) for weight in model.net_.module_.parameters())
