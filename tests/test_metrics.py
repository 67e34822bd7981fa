"""Metrics of collapse against closed forms and channels of known information."""

import numpy as np
import pytest
import torch

from sklid.metrics import active_units, kl_divergence, mutual_information


def channel(information, n_rows, n_components=4):
    """Posteriors of a Gaussian channel: z ~ N(0, 1) observed so that x and z share `information` nats in all."""
    scale = np.exp(-information / n_components)
    loc = np.sqrt(1 - scale**2) * np.random.default_rng(0).standard_normal((n_rows, n_components))
    return loc, np.full_like(loc, scale)


@pytest.mark.parametrize("information", [0.1, 1.0])
def test_mutual_information_of_a_gaussian_channel_is_within_two_standard_errors(information):
    found = mutual_information(*channel(information, 5000))
    assert abs(found.value - information) < 2 * found.standard_error
    assert not found.capped


@pytest.mark.parametrize(("information", "capped"), [(5.0, False), (11.0, True)])
def test_large_mutual_information_lies_in_its_bracket(information, capped):
    found = mutual_information(*channel(information, 5000))
    assert found.lower <= information <= found.upper * 1.01
    assert found.capped == capped


def test_collapsed_posterior_has_no_information():
    found = mutual_information(np.zeros((500, 3)), np.ones((500, 3)))
    assert found.value == pytest.approx(0, abs=1e-9)


def test_kl_divergence_equals_torch():
    loc, scale = np.random.default_rng(0).standard_normal((50, 3)), np.random.default_rng(1).random((50, 3)) + 0.1
    normal = torch.distributions.Normal
    expected = torch.distributions.kl_divergence(normal(torch.from_numpy(loc), torch.from_numpy(scale)), normal(0.0, 1.0)).mean(0)
    np.testing.assert_allclose(kl_divergence(loc, scale), expected)


def test_active_units_counts_by_variance_not_by_standard_deviation():
    loc = np.random.default_rng(0).standard_normal((100_000, 2)) * [0.09, 0.11]
    units = active_units(loc)
    assert (units.count, units.fraction) == (1, 0.5)
    np.testing.assert_allclose(units.variances, [0.0081, 0.0121], rtol=0.05)


def test_scales_that_are_not_positive_are_refused():
    with pytest.raises(ValueError, match="positive scales"):
        kl_divergence([[0.0]], [[0.0]])
