"""Importance-weighted likelihoods grow to the truth, and gaps are those of the closed form."""

import pytest
import torch
from torch.distributions import Independent, Normal

from sklid import metrics

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
