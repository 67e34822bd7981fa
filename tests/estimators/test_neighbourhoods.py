"""The start of a mixture by neighbourhoods: shapes that no Gaussian fits, and how many there are."""

import threading
from itertools import islice

import numpy as np
import pytest
from scipy.stats import norm
from sklearn.datasets import make_blobs, make_moons
from sklearn.neighbors import NearestNeighbors

from sklid import LIDGMVAEClustering
from sklid.datasets import make_pinwheel
from sklid.estimators import neighbourhoods, valleys
from sklid.estimators.neighbourhoods import Layout, best_partition, k_means, partitions, ward
from sklid.estimators.valleys import found_clusters, merged_without_valley
from sklid.metrics import clustering_accuracy, collapse_report, neighbour_information


def test_partition_into_moons_is_theirs_where_k_means_cuts_them():
    X, moons = make_moons(400, noise=0.05, random_state=0)
    assert clustering_accuracy(moons, k_means(X, 2, 0)) < 0.9
    assert clustering_accuracy(moons, best_partition(Layout(X, 0), Layout(X, 0), 2, 5)) > 0.99


def test_the_partition_taken_is_the_one_that_neighbours_share_most():
    X, _ = make_pinwheel(300, random_state=0)
    Z = X * (1, 3)
    tried = [labels for labels, _ in zip(partitions(Layout(X, 0), Layout(Z, 0), 5), range(4), strict=False)]
    shared = [neighbour_information(X, labels) + neighbour_information(Z, labels) for labels in tried]
    np.testing.assert_array_equal(best_partition(Layout(X, 0), Layout(Z, 0), 5, 4), tried[int(np.argmax(shared))])
    np.testing.assert_array_equal(best_partition(Layout(X, 0), Layout(Z, 0), 5, 1), tried[0])


def test_rows_beyond_those_laid_out_have_the_label_of_their_neighbours(monkeypatch):
    monkeypatch.setattr(neighbourhoods, "MOST_ROWS", 150)
    X, blobs = make_blobs(400, 4, centers=3, random_state=0)
    layout = Layout(X, 0)
    assert layout.plane.shape == (150, 2)
    assert clustering_accuracy(blobs, layout.carried(ward(layout.plane, 3))) == 1.0


def test_layouts_of_several_threads_are_bitwise_those_of_one():
    X, _ = make_blobs(300, 5, random_state=0)
    first = Layout(X, 0).plane
    found = []
    workers = [threading.Thread(target=lambda: found.append(Layout(X, 0).plane)) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    for plane in found:
        np.testing.assert_array_equal(plane, first)


@pytest.mark.parametrize("n_different", [1, 2, 3])
def test_rows_of_which_few_differ_are_partitioned_without_a_layout(n_different):
    X = np.repeat(np.arange(n_different * 2.0).reshape(n_different, 2), 20, axis=0)
    X = X + 1e-9 * np.random.default_rng(0).standard_normal(X.shape)  # as rounding leaves them
    labels = best_partition(Layout(X, 0), Layout(X, 0), 3, 5)
    assert len(np.unique(labels)) == n_different


def test_a_table_of_few_kinds_of_rows_starts_at_k_means_in_any_order():
    """Six binary columns: how often a kind of row occurs says where the clusters are, and a plane does not show it."""
    rng = np.random.default_rng(0)
    chances = np.array([[9, 9, 1, 1, 5, 5], [1, 1, 9, 9, 5, 5], [9, 1, 9, 1, 5, 5], [1, 9, 1, 9, 5, 5]]) / 10
    classes = np.sort(rng.choice(4, 600))
    X = (rng.random((600, 6)) < chances[classes]).astype(float)
    for order in (np.arange(600), rng.permutation(600)):
        labels = best_partition(Layout(X[order], 0), Layout(X[order], 0), 4, 5)
        assert clustering_accuracy(classes[order], labels) > 0.6


@pytest.mark.parametrize("copies", [2, 5])
def test_copies_of_rows_are_no_clusters(copies):
    noise = np.repeat(np.random.default_rng(0).standard_normal((200, 4)), copies, axis=0)
    layout = Layout(noise, 0)
    assert layout.plane.shape == (200, 2)
    np.testing.assert_array_equal(layout.carried(np.arange(200)), np.repeat(np.arange(200), copies))
    assert found_clusters(layout)[0] == 1


def test_layouts_after_the_first_two_differ_from_them():
    X, _ = make_blobs(200, 5, random_state=0)
    tried = partitions(Layout(X, 0), Layout(X, 0), 6)
    first = list(islice(tried, 9))
    assert not all(np.array_equal(one, other) for one, other in zip(first[1:5], first[5:], strict=True))


@pytest.mark.parametrize("seed", [0, 1])
def test_noise_is_one_cluster_and_blobs_are_as_many_as_were_made(seed):
    noise = np.random.default_rng(seed).standard_normal((500, 5))
    assert found_clusters(Layout(noise, 0))[0] == 1
    blobs, _ = make_blobs(500, 5, centers=4, random_state=seed)
    assert found_clusters(Layout(blobs, 0))[0] == 4


def test_arms_of_a_pinwheel_are_counted():
    assert found_clusters(Layout(make_pinwheel(1000, random_state=0)[0], 0))[0] == 5


def test_valley_is_no_deeper_than_the_density_between_as_a_share_of_that_within_and_follows_it():
    """Two Gaussians along a line, whose densities are known: the highest passes are above the average one."""
    rng = np.random.default_rng(0)
    valleys_found = []
    for apart in (1.5, 2.0, 2.5, 3.0):
        x = np.concatenate([rng.standard_normal(4000) - apart, rng.standard_normal(4000) + apart])
        plane = np.column_stack([x, 5 * rng.random(len(x))])  # uniform along the second axis
        level = np.median(norm.pdf(x[x > 0] - apart) + norm.pdf(x[x > 0] + apart))
        labels, mergings = merged_without_valley(plane, (x > 0).astype(int), deepest=0.0)
        assert labels.max() == 0
        valleys_found.append(mergings[0].valley)
        assert 2 * norm.pdf(apart) / level < valleys_found[-1] < 2.5 * 2 * norm.pdf(apart) / level
    assert np.all(np.diff(valleys_found) < 0)


def test_shallowest_valley_is_merged_first_and_the_last_stays():
    rng = np.random.default_rng(0)
    x = rng.random((600, 2)) + np.repeat([[0, 0], [1, 0], [9, 0]], 200, axis=0)
    labels, mergings = merged_without_valley(x, np.repeat([0, 1, 2], 200))
    assert [merging.n_clusters for merging in mergings] == [3, 2]
    assert mergings[0].valley > 0.7
    assert mergings[1].valley == 0.0
    np.testing.assert_array_equal(labels, np.repeat([0, 0, 1], [200, 200, 200]))


def test_no_edge_leaves_out_a_nearer_neighbour():
    plane = np.random.default_rng(0).standard_normal((100, 2))
    expected = NearestNeighbors(n_neighbors=valleys.N_NEIGHBOURS).fit(plane).kneighbors()[1]
    ends = valleys._Passes(plane).ends.reshape(100, -1, 2)
    np.testing.assert_array_equal(ends[..., 1], expected)


SMALL = {"max_epochs": 10, "encoder_width": 32, "decoder_width": 32, "random_state": 0}


def test_clustering_finds_how_many_blobs_there_are_and_says_why():
    X, blobs = make_blobs(400, 6, centers=3, random_state=1)
    model = LIDGMVAEClustering("auto", n_components=3, **SMALL).fit(X)
    assert model.n_clusters_ == 3
    assert clustering_accuracy(blobs, model.labels_) > 0.98
    assert model.predict_proba(X).shape == (400, 3)
    assert model.n_clusters_reason_.startswith("30 clusters of the start were merged to 3, where the last valley")


def test_clustering_finds_one_cluster_in_noise_and_answers_every_question():
    X = np.random.default_rng(0).standard_normal((300, 5))
    model = LIDGMVAEClustering("auto", n_components=3, **SMALL).fit(X)
    assert model.n_clusters_ == 1
    assert model.n_clusters_reason_.startswith("All 30 clusters of the start were merged")
    np.testing.assert_array_equal(model.predict_proba(X), 1.0)
    assert model.cluster_separation_ == np.inf
    assert np.isfinite(model.score(X))
    assert model.sample(5)[1].max() == 0
    assert model.mutual_information_lower_bound_ > 0


@pytest.mark.filterwarnings("ignore::sklid.CollapseWarning")  # the second column is noise
def test_two_groups_of_rows_that_repeat_are_found_and_diagnosed():
    rng = np.random.default_rng(0)
    X = np.round(rng.standard_normal((200, 2)) + np.repeat([[0], [40]], 100, axis=0))
    model = LIDGMVAEClustering("auto", n_components=2, **SMALL).fit(X)
    assert model.n_clusters_ == 2
    assert "None" not in str(collapse_report(model, X))


def test_number_that_was_given_is_kept_and_said():
    X, _ = make_blobs(100, 4, random_state=0)
    model = LIDGMVAEClustering(4, n_components=2, **SMALL).fit(X)
    assert model.n_clusters_ == 4
    assert model.n_clusters_reason_ == "k=4 was given."


def test_rows_too_few_for_two_clusters_are_one():
    model = LIDGMVAEClustering("auto", n_components=2, **SMALL).fit(np.random.default_rng(0).standard_normal((12, 3)))
    assert model.n_clusters_ == 1
    assert model.n_clusters_reason_ == "There are fewer than 20 different rows, too few to tell clusters apart."


def test_given_means_say_how_many_they_are_for():
    with pytest.raises(ValueError, match='k="auto" is to find how many there are; use k=3'):
        LIDGMVAEClustering("auto", n_components=2, init=np.eye(3, 2), **SMALL).fit(np.ones((20, 2)) * [[1, 2]])
