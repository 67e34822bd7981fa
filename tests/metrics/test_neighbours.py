"""What neighbours share of a label is the mutual information over the edges of the neighbourhood graph."""

import numpy as np
import pytest
from sklearn.datasets import load_digits, load_wine
from sklearn.metrics import mutual_info_score
from sklearn.neighbors import kneighbors_graph
from sklearn.preprocessing import scale

from sklid.metrics import clustering_accuracy, neighbour_information


def test_information_is_that_of_the_labels_at_both_ends_of_every_edge():
    rng = np.random.default_rng(0)
    X, labels = rng.standard_normal((60, 3)), rng.integers(0, 4, 60)
    nearest = kneighbors_graph(X, 7).toarray() > 0
    first, second = np.nonzero(nearest | nearest.T)  # every edge both ways
    expected = mutual_info_score(labels[first], labels[second])
    assert neighbour_information(X, labels, n_neighbors=7) == pytest.approx(expected, rel=1e-12)


def test_clusters_that_no_edge_joins_reach_the_entropy_of_their_labels():
    X = np.concatenate([np.random.default_rng(0).standard_normal((size, 2)) + 100 * size for size in (20, 40)])
    labels = np.repeat(["few", "many"], [20, 40])
    information = neighbour_information(X, labels, n_neighbors=10)
    assert 0 < information <= np.log(2)
    assert information > neighbour_information(X, np.roll(labels, 5), n_neighbors=10)
    assert neighbour_information(X, np.zeros(60), n_neighbors=10) == 0


def test_labels_at_random_say_next_to_nothing():
    rng = np.random.default_rng(0)
    assert neighbour_information(rng.standard_normal((500, 2)), rng.integers(0, 3, 500)) < 0.01


def test_true_classes_beat_those_that_are_partly_wrong():
    X, classes = load_wine(return_X_y=True)
    rng = np.random.default_rng(0)
    wrong = np.where(rng.random(len(classes)) < 0.3, rng.integers(0, 3, len(classes)), classes)
    assert clustering_accuracy(classes, wrong) < 0.9
    assert neighbour_information(scale(X), classes) > neighbour_information(scale(X), wrong)


def test_equal_neighbours_of_more_rows_than_there_are_is_all_of_them():
    X, labels = load_digits(n_class=2, return_X_y=True)
    assert neighbour_information(X[:9], labels[:9], 100) == neighbour_information(X[:9], labels[:9], 8)


def test_one_row_labels_that_are_missing_and_no_neighbours_are_refused():
    with pytest.raises(ValueError, match="minimum of 2"):
        neighbour_information([[1.0]], [0])
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        neighbour_information([[1.0], [2.0]], [0])
    with pytest.raises(ValueError, match="n_neighbors=0 must be a whole number"):
        neighbour_information([[1.0], [2.0]], [0, 1], 0)


def test_equal_rows_are_one_point_so_their_order_does_not_matter():
    rng = np.random.default_rng(0)
    cube, labels = rng.integers(0, 2, (1000, 3)).astype(float), rng.integers(0, 5, 1000)
    order = np.lexsort((labels, *cube.T))
    information = neighbour_information(cube, labels)
    assert information < 0.01
    assert neighbour_information(cube[order], labels[order]) == pytest.approx(information, abs=1e-12)
    assert neighbour_information(np.ones((100, 2)), np.arange(100) % 5) == 0.0


def test_an_edge_counts_once_for_each_pair_of_rows_at_its_ends():
    """As the edges between all copies of two points do, where copies are no neighbours of each other."""
    rng = np.random.default_rng(0)
    points, copies = rng.standard_normal((40, 2)), rng.integers(1, 4, 40)
    labels = rng.integers(0, 3, copies.sum())
    nearest = kneighbors_graph(points, 5).toarray() > 0
    every = np.repeat(np.repeat(nearest | nearest.T, copies, axis=0), copies, axis=1)
    first, second = np.nonzero(every)
    expected = mutual_info_score(labels[first], labels[second])
    assert neighbour_information(np.repeat(points, copies, axis=0), labels, 5) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("scale_of_all", [1e-200, 1e200])
def test_sizes_whose_squares_are_no_numbers_are_as_good_as_others(scale_of_all):
    X, labels = load_digits(n_class=3, return_X_y=True)
    assert neighbour_information(X * scale_of_all, labels) == pytest.approx(neighbour_information(X, labels), rel=1e-3)


def test_labels_are_of_any_kind_and_one_for_each_row():
    X = np.arange(8.0)[:, None]
    expected = neighbour_information(X, [0, 0, 1, 1, 2, 2, 0, 1], 2)
    assert neighbour_information(X, np.array([None, None, "a", "a", 2.5, 2.5, None, "a"], dtype=object), 2) == expected
    with pytest.raises(ValueError, match=r"one for each row, and they have the shape \(8, 1\)"):
        neighbour_information(X, np.zeros((8, 1)))
