"""Metrics of collapse against closed forms and channels of known information."""

import itertools

import numpy as np
import pytest
import torch
from sklearn.metrics import mutual_info_score

from sklid.metrics import active_units, cluster_mutual_information, clustering_accuracy, kl_divergence, mutual_information


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


def test_cluster_information_is_zero_in_both_ways_to_fail():
    uniform, constant = np.full((50, 4), 0.25), np.tile([1.0, 0.0, 0.0, 0.0], (50, 1))
    assert cluster_mutual_information(uniform) == pytest.approx(0, abs=1e-12)
    assert cluster_mutual_information(constant) == pytest.approx(0, abs=1e-12)


def test_cluster_information_of_hard_labels_equals_scikit_learns():
    labels = np.random.default_rng(0).integers(4, size=200)
    expected = mutual_info_score(labels, labels)
    assert cluster_mutual_information(np.eye(4)[labels]) == pytest.approx(expected)


def test_cluster_information_is_the_average_divergence_from_the_average():
    q = np.random.default_rng(0).dirichlet(np.ones(5), size=300)
    assert cluster_mutual_information(q) == pytest.approx((q * np.log(q / q.mean(axis=0))).sum(axis=1).mean())


def test_rows_that_are_no_distributions_are_refused():
    with pytest.raises(ValueError, match="sum 1, as predict_proba gives them"):
        cluster_mutual_information([[0.5, 0.6]])


def test_accuracy_is_the_best_over_all_matchings():
    rng = np.random.default_rng(0)
    classes, clusters = rng.integers(4, size=60), rng.integers(4, size=60)
    best = max((np.array(names)[clusters] == classes).mean() for names in itertools.permutations(range(4)))
    assert clustering_accuracy(classes, clusters) == pytest.approx(best)


def test_accuracy_matches_one_to_one_and_not_by_majority():
    assert clustering_accuracy([0, 0, 0, 1], [0, 1, 2, 0]) == 0.5
