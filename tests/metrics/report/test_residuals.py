"""Residuals are independent noise where the model is right, of any likelihood."""

import numpy as np
import pytest
import torch
from scipy.stats import kstest
from torch.distributions import (
    Bernoulli,
    Categorical,
    Independent,
    Laplace,
    MultivariateNormal,
    NegativeBinomial,
    Normal,
    Poisson,
)

from sklid.metrics import VariationalModel
from sklid.metrics.report.residuals import posterior_draw, residuals_of, rows_that_differ
from sklid.metrics.sources import view_of

from ..models import frozen_at_the_prior, linear_data, linear_model

FAMILIES = {
    "Gaussian": lambda eta: Normal(eta, 2.0),
    "Laplace": lambda eta: Laplace(eta, 1.0),
    "Bernoulli": lambda eta: Bernoulli(logits=eta),
    "Poisson": lambda eta: Poisson(eta.exp()),
    "negative binomial": lambda eta: NegativeBinomial(torch.full_like(eta, 3.0), logits=eta - 2),
    "categorical": lambda eta: Categorical(logits=torch.stack([0 * eta, eta, 2 * eta], -1)),
}


def view_at(family, z):
    """A model that ignores nothing and knows its latents, and rows drawn at z."""
    decode = lambda z: Independent(FAMILIES[family](z @ torch.tensor([[0.5, -0.5, 1.0]]).double()), 1)  # noqa: E731
    return view_of(VariationalModel(frozen_at_the_prior(1), decode), decode(z).sample().double())


@pytest.mark.parametrize("family", FAMILIES)
def test_residuals_at_the_true_latents_are_standard_and_scores_standard_normal(family):
    torch.manual_seed(0)
    z = torch.randn(2000, 1).double()
    residuals = residuals_of(view_at(family, z), z, z)
    assert residuals.standardised.mean().abs() < 0.05
    of_rows = residuals.standardised.square().sum(-1).mean().item()
    n_free = 2 if family == "categorical" else 1
    assert of_rows == pytest.approx(n_free, rel=0.1)
    assert residuals.has_scale == (family in {"Gaussian", "Laplace"})
    assert kstest(residuals.scores.flatten(), "norm").pvalue > 0.001
    assert torch.corrcoef(residuals.scores.T).fill_diagonal_(0).abs().max() < 0.08


def test_noise_of_a_gaussian_with_correlated_columns_is_whitened():
    torch.manual_seed(0)
    noise = MultivariateNormal(torch.zeros(2).double(), torch.tensor([[2.0, 1.5], [1.5, 2.0]]).double())
    x = noise.sample((4000,))
    view = view_of(VariationalModel(frozen_at_the_prior(1), lambda z: noise.expand([len(z)])), x)
    residuals = residuals_of(view, x[:, :1], x[:, :1])
    torch.testing.assert_close(torch.cov(residuals.scores.T), torch.eye(2).double(), atol=0.08, rtol=0)


def test_grey_values_under_a_bernoulli_have_residuals_and_no_scores():
    x = torch.rand(100, 3).double()
    decode = lambda z: Independent(Bernoulli(torch.full((len(z), 3), 0.5).double(), validate_args=False), 1)  # noqa: E731
    residuals = residuals_of(view_of(VariationalModel(frozen_at_the_prior(1), decode), x), x[:, :1], x[:, :1])
    torch.testing.assert_close(residuals.standardised.squeeze(-1), 2 * x - 1)
    assert residuals.scores is None


@pytest.mark.parametrize("factor", [0.8, 1.0, 1.5])
def test_noise_that_is_taken_too_large_or_small_leaves_no_direction_along_the_latents(factor):
    """At plain draws the variance along a latent would be 1, and 1 / factor^2 beside it."""
    torch.manual_seed(0)
    rows, W = linear_data(4000, [4.0])
    view = view_of(linear_model(W, noise=factor), rows)
    z, centre = posterior_draw(view), linear_model(W, noise=factor).encode(rows).mean
    residuals = residuals_of(view, z, centre).scores
    along = (residuals @ W.T / W.norm()).var().item()
    assert along == pytest.approx(1 / factor**2, rel=0.2)


def test_draws_follow_the_exact_posterior_though_the_encoder_does_not():
    """The mean residual of draws at the prior would have the variance of the rows, not of the noise."""
    torch.manual_seed(0)
    rows, W = linear_data(2000, [1.0])
    model = linear_model(W, encode=frozen_at_the_prior(1))
    z = posterior_draw(view_of(model, rows))
    exact = linear_model(W).encode(rows)
    scores = ((z - exact.mean) / exact.stddev).squeeze(-1)
    assert kstest(scores, "norm").statistic < 0.05


def test_rows_that_repeat_others_are_left_aside_where_they_are_real_numbers():
    rows = torch.randn(50, 3).repeat_interleave(10, 0)
    model = linear_model(torch.ones(1, 3))
    torch.testing.assert_close(rows_that_differ(view_of(model, rows), 10_000).rows, rows[::10])
    counts = torch.arange(5.0).repeat(20)[:, None].expand(-1, 3)
    assert len(rows_that_differ(view_of(model, counts), 10_000).rows) == 100
    ordered = rows_that_differ(view_of(model, torch.arange(9999.0)[:, None].expand(-1, 3) / 7), 100).rows
    assert (np.diff(ordered[:, 0].numpy()) > 0).all()
    assert len(ordered) == 100
