"""Measurements behind a verdict: those of linear models are closed forms."""

import pytest
import torch
from torch.distributions import Bernoulli, Independent, Normal, kl_divergence

from sklid.metrics import VariationalModel, collapse_report
from sklid.metrics.report.evidence import likelihood_variation, posterior_by_prior_draws
from sklid.metrics.sources import view_of

from ..models import frozen_at_the_prior, linear_data, linear_model


def test_pixels_that_are_always_blank_do_not_hide_what_the_residuals_hold():
    """A Bernoulli of probability 0 has no spread, and its rows lie at its mean."""
    x = torch.cat([torch.zeros(500, 3), (torch.rand(500, 1) < 0.5).float().expand(-1, 4)], dim=1)
    logits = torch.tensor([-200.0] * 3 + [0.0] * 4)
    model = VariationalModel(
        frozen_at_the_prior(1),
        lambda z: Independent(Bernoulli(logits=logits.expand(len(z), -1), validate_args=False), 1),
    )
    assert collapse_report(model, x).verdict == "model"
    independent = torch.cat([torch.zeros(500, 3), (torch.rand(500, 4) < 0.5).float()], dim=1)
    assert collapse_report(model, independent).verdict == "data"


def standard_normal(n_components):
    return Independent(Normal(torch.zeros(n_components).double(), torch.ones(n_components).double()), 1)


def test_the_variation_of_a_linear_likelihood_by_latent_is_its_squared_loading_over_the_noise():
    """E KL(p(x | z) || p(x | z')) is the sum of E (z_d - z_d')^2 |w_d|^2 / 2 s^2 over the latents redrawn.

    E (z_d - z_d')^2 is 2.
    """
    rows, W = linear_data(10, [3.0, 1.0, 0.2])
    exact = W.square().sum(1).numpy() / 0.5**2
    total, by_latent = likelihood_variation(view_of(linear_model(W, noise=0.5), rows), standard_normal(3))
    assert total == pytest.approx(exact.sum(), rel=0.2)
    assert by_latent == pytest.approx(exact, rel=0.2)


def test_the_exact_posterior_of_a_linear_model_is_as_far_from_the_prior_as_its_closed_form():
    rows, W = linear_data(200, [1.0, 0.5])
    model = linear_model(W)
    exact = kl_divergence(model.encode(rows), standard_normal(2)).mean().item()
    found = posterior_by_prior_draws(view_of(model, rows), standard_normal(2))
    assert found.divergence == pytest.approx(exact, rel=0.05)
    means = (found.weights @ found.draws - model.encode(rows).mean).abs().mean().item()
    assert means < 0.05
