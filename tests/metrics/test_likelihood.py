"""Importance-weighted likelihoods grow to the truth, and gaps are those of the closed form."""

import pytest
import torch
from torch.distributions import Independent, Normal

from sklid import metrics
from sklid.metrics.encodings import encodings_of
from sklid.metrics.likelihood import _differences
from sklid.metrics.sources import view_of

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


def correlated_model(n_components, n_features, noise, seed, shift=0.0):
    """A linear model whose loadings are not orthogonal, with each row's best diagonal Gaussian moved by `shift`.

    Rows, the model, and the precision of its exact posterior; the shift is in standard deviations, along all latents.
    """
    generator = torch.Generator().manual_seed(seed)
    W = 2 * torch.nn.functional.normalize(torch.randn(n_components, n_features, generator=generator).double())
    W = W + W[:1]
    precision = torch.eye(n_components).double() + W @ W.T / noise**2
    scale = precision.diagonal().rsqrt()
    projection = W.T @ torch.linalg.inv(precision) / noise**2
    rows = torch.randn(100, n_components, generator=generator).double() @ W
    rows = rows + noise * torch.randn(100, n_features, generator=generator).double()
    encode = lambda x: Independent(Normal(x @ projection + shift * scale, scale.expand(len(x), -1)), 1)  # noqa: E731
    return rows, linear_model(W, noise, encode), precision


@pytest.mark.parametrize(("n_components", "noise"), [(1, 1.0), (5, 1.0), (5, 0.1), (24, 0.3)])
def test_the_gap_of_the_best_diagonal_gaussian_is_zero_within_two_standard_errors(n_components, noise):
    """Of ten runs all but one at most, where nineteen of twenty are due."""
    right = 0
    for seed in range(10):
        rows, model, _ = correlated_model(n_components, 30, noise, seed)
        found = metrics.amortization_gap(model, rows, random_state=seed)
        right += abs(found.value) <= 2 * found.standard_error
    assert right >= 9


def test_the_gap_of_a_shifted_gaussian_is_the_quadratic_form_of_its_shift():
    for seed in range(3):
        rows, model, precision = correlated_model(4, 8, 1.0, seed, shift=0.5)
        shift = 0.5 * precision.diagonal().rsqrt()
        found = metrics.amortization_gap(model, rows, random_state=seed)
        exact = (shift @ precision @ shift).item() / 2
        assert found.value == pytest.approx(exact, abs=0.03 + 3 * found.standard_error)
        assert found.standard_error < 0.06


def test_two_posteriors_that_are_one_are_compared_with_the_same_noise():
    rows, model, _ = correlated_model(3, 8, 1.0, seed=0)
    view = view_of(model, rows)
    encoded = encodings_of(view)
    assert (_differences(view, encoded, encoded.posterior) == 0).all()
