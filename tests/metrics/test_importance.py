"""Posteriors refined row by row, and models that condition each row on something."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn.datasets import load_iris
from torch.distributions import Independent, Normal

from sklid import LIDVAE, metrics
from sklid.metrics import collapse_report
from sklid.metrics.encodings import encodings_of
from sklid.metrics.importance import decoder_of, refined
from sklid.metrics.sources import view_of
from sklid.plots import LikelihoodSurfaceDisplay

from .models import frozen_at_the_prior, linear_data, linear_model


class WithOffsets:
    """A model of x less an offset on which it conditions: the multiple of 1000 nearest to the row's first column."""

    def __init__(self, model):
        self.model = model

    def given(self, x):
        return 1000 * (x[:, :1] / 1000).round()

    def encode(self, x):
        return self.model.encode(x - self.given(x))

    def decode(self, z, given=None):
        p = self.model.decode(z)
        return Independent(Normal(p.mean + given, p.stddev), 1)


@pytest.fixture
def shifted():
    """A model and its rows, and the same model and rows with an offset to each row."""
    rows, W = linear_data(300, [2.0, 0.7])
    offsets = 1000.0 * torch.randint(-5, 6, (300, 1)).double()
    return (linear_model(W), rows), (WithOffsets(linear_model(W)), rows + offsets)


def test_a_model_with_an_offset_per_row_is_as_likely_as_one_without_on_shifted_rows(shifted):
    plain, offset = (metrics.log_likelihood(*pair).per_row for pair in shifted)
    np.testing.assert_allclose(offset, plain, atol=1e-6)


def test_a_report_on_a_model_with_an_offset_per_row_is_that_of_one_without_on_shifted_rows(shifted):
    plain, offset = (collapse_report(*pair) for pair in shifted)
    # not nearer, for the steps of the gap double their rounding errors
    np.testing.assert_allclose(offset.totals, plain.totals, atol=1e-3)
    np.testing.assert_allclose(offset.latents.gain, plain.latents.gain, atol=1e-6)
    np.testing.assert_allclose(offset.latents.variation, plain.latents.variation, rtol=1e-6)
    assert offset.verdict == plain.verdict == "healthy"


def test_the_likelihood_surface_of_a_row_has_the_offset_of_that_row(shifted):
    pytest.importorskip("matplotlib", reason="pictures need the extra sklid[plots]")
    plain, offset = (LikelihoodSurfaceDisplay.from_estimator(*pair, row=7, n_steps=5) for pair in shifted)
    np.testing.assert_allclose(offset.surface, plain.surface, atol=1e-6)


def test_latents_of_no_row_take_what_rows_are_conditioned_on_in_order(shifted):
    view = replace(view_of(*shifted[1]), rows=torch.tensor([[1000.0] * 8, [2000.0] * 8]).double())
    means = decoder_of(view)(torch.zeros(5, 2).double()).mean
    assert means[:, 0].tolist() == [1000.0, 2000.0, 1000.0, 2000.0, 1000.0]


def test_refined_posteriors_find_the_exact_ones():
    rows, W = linear_data(100, [2.0, 1.0])
    exact = linear_model(W).encode(rows)
    view = view_of(linear_model(W, encode=frozen_at_the_prior(2)), rows)
    found = refined(view, encodings_of(view))
    assert (found.mean - exact.mean).abs().mean() < 0.02
    assert (found.stddev.log() - exact.stddev.log()).abs().mean() < 0.02


def test_refinement_stays_where_a_posterior_is_exact_in_many_dimensions():
    rows, W = linear_data(50, [3.0, 2.5, 2.0, 1.5, 1.0, 0.5])
    exact = linear_model(W).encode(rows)
    view = view_of(linear_model(W), rows)
    found = refined(view, encodings_of(view))
    torch.testing.assert_close(found.mean, exact.mean, atol=0.01, rtol=0)
    torch.testing.assert_close(found.stddev, exact.stddev, atol=0.01, rtol=0)


def test_refinement_leaves_the_model_as_it_was():
    X = load_iris().data
    model = LIDVAE(n_components=2, max_epochs=3, random_state=0).fit(X)
    before = [weight.clone() for weight in model.net_.module_.parameters()]
    metrics.amortization_gap(model, X)
    assert all(torch.equal(old, new) for old, new in zip(before, model.net_.module_.parameters(), strict=True))
    assert all(weight.grad is None or math.isfinite(weight.grad.sum()) for weight in model.net_.module_.parameters())
