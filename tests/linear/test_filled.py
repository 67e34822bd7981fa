"""Gaps filled by what is expected of them, beside the normal distribution of each row by itself."""

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from sklid.linear import incomplete_fit
from sklid.linear.expected import ExpectedScatter
from sklid.linear.filled import Filled, is_quicker, maximise_filled
from sklid.linear.incomplete import BLOCK_NUMBERS, IncompleteRows, posteriors
from sklid.linear.incomplete_fit import fit_incomplete
from sklid.linear.linear_gaussian import LinearGaussian
from sklid.linear.solver import Problem

from .tables import planted, with_gaps


@pytest.fixture
def rows():
    """Some rows share what is observed of them, one has all values, and their weights differ."""
    random = np.random.default_rng(0)
    X = with_gaps(random.standard_normal((30, 4)), 0.4)
    X[3:6, 1], X[3:6, 2:] = np.nan, 1.0
    X[7] = random.standard_normal(4)
    return IncompleteRows.of(X, random.uniform(0.5, 2, 30))


@pytest.fixture
def model():
    random = np.random.default_rng(1)
    return LinearGaussian.of_loadings(random.standard_normal(4), random.standard_normal((4, 2)), 0.3)


def test_likelihoods_are_those_of_what_is_observed_of_each_row(rows, model):
    observed, C = rows.patterns[rows.pattern], model.covariance()
    wanted = [
        multivariate_normal(model.mean[there], C[np.ix_(there, there)]).logpdf(x[there])
        for x, there in zip(rows.values, observed, strict=True)
    ]
    np.testing.assert_allclose(Filled.of(rows, model).log_likelihoods, wanted)


@pytest.mark.parametrize("block", [1, 20, BLOCK_NUMBERS])
def test_the_expected_covariance_is_that_which_latents_give(rows, model, block, monkeypatch):
    """Whose own test conditions each row by itself; and however few rows and patterns are taken at once."""
    monkeypatch.setattr("sklid.linear.filled.BLOCK_NUMBERS", block)
    found = Filled.of(rows, model)
    scatter = ExpectedScatter.of(rows, model.mean, model.loadings, model.noise_variance)
    total = found.spread + (rows.weights[:, None] * found.centred).T @ found.centred
    np.testing.assert_allclose(total, scatter.times(np.eye(4)), rtol=1e-9, atol=1e-12)
    spectrum, shift = found.spectrum(model.mean, rows.weights), rows.weights @ found.centred / rows.weights.sum()
    np.testing.assert_allclose(spectrum.mean, model.mean + shift)
    covariance = total / rows.weights.sum() - np.outer(shift, shift)
    np.testing.assert_allclose(spectrum.variances, np.linalg.eigvalsh(covariance)[::-1])


def problem(n_components, noise_variance=None, max_iter=1_000):
    return Problem(n_components, "eig", noise_variance, 1e-8, max_iter, np.random.RandomState(0))


@pytest.mark.parametrize("noise_variance", [None, 0.5])
def test_both_ways_lead_to_the_same_maximum(noise_variance, monkeypatch):
    X = with_gaps(planted(300, 12, (9.0, 6.0, 4.0)), 0.1)
    rows, asked = IncompleteRows.of(X), problem(6, noise_variance)
    assert is_quicker(rows, 6)
    filled = fit_incomplete(rows, asked).fit
    monkeypatch.setattr(incomplete_fit, "is_quicker", lambda *_: False)
    by_latents = fit_incomplete(rows, asked).fit
    assert filled.n_iter != by_latents.n_iter
    likelihood = [
        posteriors(rows, fit.model.mean, fit.model.loadings, fit.model.noise_variance).log_likelihoods.mean()
        for fit in (filled, by_latents)
    ]
    assert likelihood[0] == pytest.approx(likelihood[1], abs=1e-6)
    np.testing.assert_allclose(filled.model.covariance(), by_latents.model.covariance(), atol=1e-2)


def test_few_components_beside_many_gaps_are_found_by_their_latents():
    assert not is_quicker(IncompleteRows.of(with_gaps(planted(300, 12), 0.5)), 2)


def test_where_noise_vanishes_latents_take_over():
    """A column and its copy leave no noise beside six components of seven columns; steps of both ways count."""
    X = planted(200, 6, (9.0, 6.0, 4.0))
    rows = IncompleteRows.of(with_gaps(np.column_stack([X, X[:, 0]]), 0.05))
    initial = LinearGaussian.of_loadings(np.zeros(7), np.eye(7)[:, :6], 1e-9)
    assert maximise_filled(rows, initial, None, 1e-8, 100).n_iter == 0
    fit = fit_incomplete(rows, problem(6, max_iter=40)).fit
    assert fit.model.noise_variance < 1e-6 * fit.model.variances.max()
    assert fit.n_iter <= 40


def test_patterns_stand_in_the_order_of_their_gaps_and_rows_with_them():
    X = with_gaps(planted(50, 6), 0.3)
    rows = IncompleteRows.of(X)
    assert (np.diff(rows.patterns.sum(1)) >= 0).all()
    np.testing.assert_array_equal(~np.isnan(X[rows.order]), rows.patterns[rows.pattern])
    np.testing.assert_array_equal(rows.starts, np.searchsorted(rows.pattern, np.arange(len(rows.patterns))))
