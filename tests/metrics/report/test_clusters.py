"""As many clusters as the rows form, of any sizes."""

import numpy as np
import pytest

from sklid.metrics.report.clusters import evidence_for_clusters


def blobs(sizes, apart, n_features=4, seed=0):
    """Unit Gaussians at the corners of a simplex, so far apart: rows and labels."""
    labels = np.repeat(np.arange(len(sizes)), sizes)
    means = apart / 2**0.5 * np.eye(n_features)
    return means[labels] + np.random.default_rng(seed).standard_normal((len(labels), n_features)), labels


@pytest.mark.parametrize("sizes", [(300, 300), (540, 60), (995, 5), (200, 200, 200)])
def test_clusters_far_apart_are_counted_whatever_their_sizes(sizes):
    rows, labels = blobs(sizes, 8.0)
    n_clusters, evidence = evidence_for_clusters(rows, labels, len(sizes))
    assert n_clusters == len(sizes)
    assert evidence > 20


@pytest.mark.parametrize(("sizes", "k"), [((600,), 2), ((600,), 6), ((200, 200, 200), 6), ((300, 300), 3)])
def test_labels_that_split_a_cluster_are_too_many(sizes, k):
    rows, labels = blobs(sizes, 8.0)
    split = labels if k == len(sizes) else np.random.default_rng(0).integers(k, size=len(rows))
    n_clusters, evidence = evidence_for_clusters(rows, split, k)
    assert n_clusters == len(sizes)
    assert evidence < -3


def test_clusters_are_found_where_the_labels_say_nothing():
    rows, labels = blobs((200, 200, 200), 8.0)
    assert evidence_for_clusters(rows, np.zeros_like(labels), 3)[0] == 3


def test_rows_that_do_not_vary_or_are_not_finite_are_no_basis():
    assert evidence_for_clusters(np.ones((9, 2)), np.arange(9) % 2, 2) == (1, -np.inf)
    assert np.isnan(evidence_for_clusters([[np.nan], [1.0]], np.array([0, 1]), 2)[1])
    assert np.isnan(evidence_for_clusters([[0.0], [1.0]], np.array([0, 0]), 1)[1])
