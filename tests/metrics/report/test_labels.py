"""Measurements of labels: known truths, and models whose labels collapse."""

import numpy as np
import pytest
import torch
from scipy.stats import norm
from sklearn.datasets import make_blobs
from sklearn.mixture import GaussianMixture
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch.distributions import Categorical, Independent, MixtureSameFamily, Normal

from sklid import LIDGMVAEClustering
from sklid.metrics import cluster_mutual_information, clustering_accuracy, collapse_report
from sklid.metrics.report.labels import exact_information, separation_of_clusters

pytestmark = pytest.mark.filterwarnings("ignore::sklid.CollapseWarning")


@pytest.mark.parametrize("seed", [0, 1])
def test_ten_labels_for_one_cluster_are_a_matter_of_the_data(seed):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((500, 6)) @ rng.standard_normal((6, 6))
    report = collapse_report(LIDGMVAEClustering(k=10, max_epochs=20, random_state=0).fit(X), X)
    assert (report.subject, report.verdict, report.remedy) == ("labels", "data", "Lower k.")


def test_a_uniform_posterior_over_labels_with_a_good_argmax_is_collapsed():
    """Most rows have the right label a hair above the others: accuracy sees clusters, and there is no information."""
    rng = np.random.default_rng(0)
    classes = rng.integers(5, size=500)
    favourite = np.where(rng.random(500) < 0.7, classes, rng.integers(5, size=500))
    probabilities = np.full((500, 5), 0.2) + 1e-3 * np.eye(5)[favourite]
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    assert clustering_accuracy(classes, probabilities.argmax(axis=1)) > 0.7
    report = collapse_report(probabilities)
    assert report.labels.information < 0.01
    assert (report.verdict, report.collapsed, report.subject) == ("collapsed", True, "labels")
    assert "Pass the model itself" in str(report)


def test_a_gaussian_mixture_is_measured_and_collapses_with_exact_inference():
    X, _ = make_blobs(400, 4, centers=3, random_state=0)
    mixture = GaussianMixture(3, random_state=0).fit(X)
    assert (
        collapse_report(make_pipeline(StandardScaler(), GaussianMixture(3, random_state=0)).fit(X), X).verdict
        == "healthy"
    )
    assert collapse_report(mixture, X).verdict == "healthy"
    mixture.means_[:] = X.mean(axis=0)
    mixture.precisions_cholesky_[:] = np.linalg.cholesky(np.linalg.inv(np.cov(X.T)))
    mixture.covariances_[:] = np.cov(X.T)
    report = collapse_report(mixture, X)
    assert (report.verdict, report.collapsed) == ("model", True)
    one_cluster = np.random.default_rng(0).standard_normal((500, 3))
    assert collapse_report(GaussianMixture(5, random_state=0).fit(one_cluster), one_cluster).verdict == "data"


def two_clusters(weights, distance):
    """A mixture of N(0, 1) and N(distance, 1)."""
    places = Independent(Normal(torch.tensor([[0.0], [distance]]).double(), torch.ones(2, 1).double()), 1)
    return MixtureSameFamily(Categorical(torch.tensor(weights).double()), places)


def test_exact_information_of_labels_weighs_the_clusters_as_bayes_rule_does():
    """Rows whose posterior is one draw z have p(y | z), in proportion to y's weight times the density of z under y."""
    draws = torch.linspace(-3, 5, 9).double().unsqueeze(1)
    joint = np.array([0.95, 0.05]) * norm.pdf(draws.numpy(), loc=[0.0, 2.0])
    expected = cluster_mutual_information(joint / joint.sum(axis=1, keepdims=True))
    found = exact_information(two_clusters([0.95, 0.05], 2.0), torch.eye(9).double(), draws)
    assert found == pytest.approx(expected)


def test_separation_of_clusters_is_their_information_under_equal_weights():
    """By quadrature: I(y; z) = sum_y 1/2 integral N(z; y) log N(z; y) / p(z)."""
    grid = np.linspace(-8, 10, 20_001)
    densities = norm.pdf(grid[:, None], loc=[0.0, 2.0])
    integrand = 0.5 * densities * np.log(densities / densities.mean(axis=1, keepdims=True))
    expected = integrand.sum() * (grid[1] - grid[0])
    for weights in ([0.5, 0.5], [0.95, 0.05]):
        assert separation_of_clusters(two_clusters(weights, 2.0)) == pytest.approx(expected, abs=0.03)


@pytest.mark.parametrize("share", [0.5, 0.1, 0.03])
def test_clusters_that_are_found_are_healthy_whatever_their_shares(share):
    rng = np.random.default_rng(0)
    y = rng.random(1000) < share
    X = rng.standard_normal((1000, 4))
    X[:, 0] += 8 * y
    report = collapse_report(GaussianMixture(2, n_init=2, random_state=0).fit(X), X)
    assert (report.verdict, report.collapsed, report.labels.n_clusters) == ("healthy", False, 2)
    assert report.labels.information == pytest.approx(report.labels.most, rel=0.02)
    assert collapse_report(np.eye(2)[y.astype(int)]).verdict == "healthy"


def test_six_labels_for_three_clusters_are_too_many():
    X, _ = make_blobs(600, 4, centers=np.eye(3, 4) * 8, random_state=0)
    report = collapse_report(GaussianMixture(6, random_state=0).fit(X), X)
    assert (report.verdict, report.remedy, report.labels.n_clusters) == ("data", "Lower n_components.", 3)
