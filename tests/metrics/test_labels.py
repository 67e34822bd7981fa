"""Measures of labels: zero in both ways to fail, scikit-learn's where these agree, and matchings that are the best."""

import itertools

import numpy as np
import pytest
from sklearn.datasets import make_blobs
from sklearn.metrics import mutual_info_score
from sklearn.mixture import GaussianMixture
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklid.metrics import cluster_mutual_information, clustering_accuracy, majority_vote_accuracy


def test_information_is_zero_in_both_ways_to_fail():
    uniform, constant = np.full((50, 4), 0.25), np.tile([1.0, 0.0, 0.0, 0.0], (50, 1))
    assert cluster_mutual_information(uniform) == pytest.approx(0, abs=1e-12)
    assert cluster_mutual_information(constant) == pytest.approx(0, abs=1e-12)


def test_information_of_hard_labels_equals_scikit_learns():
    labels = np.random.default_rng(0).integers(4, size=200)
    assert cluster_mutual_information(np.eye(4)[labels]) == pytest.approx(mutual_info_score(labels, labels))


def test_information_is_the_average_divergence_from_the_average():
    q = np.random.default_rng(0).dirichlet(np.ones(5), size=300)
    assert cluster_mutual_information(q) == pytest.approx((q * np.log(q / q.mean(axis=0))).sum(axis=1).mean())


def test_information_of_an_estimator_is_that_of_its_responsibilities():
    X, _ = make_blobs(200, centers=3, random_state=0)
    pipeline = make_pipeline(StandardScaler(), GaussianMixture(3, random_state=0)).fit(X)
    assert cluster_mutual_information(pipeline, X) == cluster_mutual_information(pipeline.predict_proba(X))


def test_rows_that_are_no_distributions_are_refused():
    with pytest.raises(ValueError, match="sum 1, as predict_proba gives them"):
        cluster_mutual_information([[0.5, 0.6]])


def test_accuracy_is_the_best_over_all_matchings():
    rng = np.random.default_rng(0)
    classes, clusters = rng.integers(4, size=60), rng.integers(4, size=60)
    best = max((np.array(names)[clusters] == classes).mean() for names in itertools.permutations(range(4)))
    assert clustering_accuracy(classes, clusters) == pytest.approx(best)


def test_accuracy_matches_one_to_one_and_majority_vote_many_to_one():
    classes, clusters = [0, 0, 0, 1], [0, 1, 2, 0]
    assert clustering_accuracy(classes, clusters) == 0.5
    assert majority_vote_accuracy(classes, clusters) == 0.75


def test_majority_vote_is_the_accuracy_of_naming_each_cluster_by_its_most_frequent_class():
    rng = np.random.default_rng(0)
    classes, clusters = rng.integers(3, size=90), rng.integers(7, size=90)
    names = np.array([np.bincount(classes[clusters == cluster]).argmax() for cluster in range(7)])
    assert majority_vote_accuracy(classes, clusters) == pytest.approx((names[clusters] == classes).mean())
    assert majority_vote_accuracy(classes, clusters) >= clustering_accuracy(classes, clusters)


@pytest.mark.parametrize("accuracy", [clustering_accuracy, majority_vote_accuracy])
def test_accuracy_of_no_rows_is_refused(accuracy):
    with pytest.raises(ValueError, match="are empty"):
        accuracy([], [])


def test_probabilities_in_half_precision_sum_to_one_up_to_their_rounding():
    q = np.random.default_rng(0).dirichlet(np.ones(10), size=50)
    assert cluster_mutual_information(q.astype(np.float16)) == pytest.approx(cluster_mutual_information(q), abs=1e-2)
    with pytest.raises(ValueError, match="sum 1"):
        cluster_mutual_information((0.98 * q).astype(np.float16))
