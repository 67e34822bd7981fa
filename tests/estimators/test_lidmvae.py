"""Clusterings of every family: the Gaussian case is LIDGMVAE, heavy tails pay, gamma latents are positive."""

import copy
import pickle

import numpy as np
import pytest
import torch
from sklearn.datasets import make_blobs
from sklearn.metrics import adjusted_rand_score

from sklid import LIDGMVAEClustering, LIDMVAEClustering
from sklid.metrics import collapse_report, log_likelihood

X, CLASSES = make_blobs([60, 90, 150], n_features=5, centers=np.eye(3, 5) * 12, random_state=0)
FAST = {
    "k": 3,
    "init": "kmeans",
    "n_components": 2,
    "max_epochs": 30,
    "learning_rate": 1e-2,
    "decoder_width": 16,
    "encoder_width": 32,
    "batch_size": 64,
    "random_state": 0,
}
OPTIONS = {
    "laplace": {"family": "laplace"},
    "student_t": {"family": "student_t"},
    "gamma": {"family": "gamma", "covariance_type": "diag"},
}
every = pytest.mark.parametrize("family", OPTIONS)


def fitted(family="laplace", X=X, **kwargs):
    return LIDMVAEClustering(**{**FAST, **OPTIONS[family], **kwargs}).fit(X)


@pytest.fixture(scope="module")
def models():
    return {family: fitted(family) for family in OPTIONS}


@pytest.mark.parametrize("inference", ["marginal", "joint"])
def test_gaussian_family_is_bitwise_lidgmvae(inference):
    gaussian, other = (
        Estimator(**FAST, inference=inference).fit(X) for Estimator in (LIDMVAEClustering, LIDGMVAEClustering)
    )
    np.testing.assert_array_equal(gaussian.predict_proba(X), other.predict_proba(X))
    np.testing.assert_array_equal(gaussian.score_samples(X), other.score_samples(X))
    np.testing.assert_array_equal(gaussian.covariances_, other.covariances_)


@every
def test_well_separated_clusters_are_found(family, models):
    model = models[family]
    assert adjusted_rand_score(CLASSES, model.labels_) > 0.98
    np.testing.assert_array_equal(model.predict(X), model.labels_)
    assert np.bincount(model.labels_).tolist() == [150, 90, 60]
    averages = [model.transform(X)[model.labels_ == label].mean(axis=0) for label in range(3)]
    np.testing.assert_allclose(model.means_, averages, atol=0.5)
    assert model.cluster_separation_ >= model.min_separation


@every
def test_draws_come_with_the_labels_that_predict_gives_them(family, models):
    drawn, labels = models[family].sample(300)
    assert (models[family].predict(drawn) == labels).mean() > 0.95


@every
@pytest.mark.parametrize("options", [{"posterior": "flow"}, {"inference": "joint"}])
def test_flows_and_posteriors_by_label_cluster_too(family, options):
    if "posterior" in options:
        pytest.importorskip("zuko", reason="needs the extra sklid[flow]")
    model = fitted(family, max_epochs=15, **options)
    assert adjusted_rand_score(CLASSES, model.labels_) > 0.9
    assert np.isfinite(model.score(X))


@every
@pytest.mark.parametrize("kind", ["gaussian", "flow"])
@pytest.mark.filterwarnings("ignore::sklid.CollapseWarning")
def test_floors_never_exceed_the_divergence_and_wide_clusters_have_some(family, kind):
    if kind == "flow":
        pytest.importorskip("zuko", reason="needs the extra sklid[flow]")
    model = fitted(family, posterior=kind, inverse_lipschitz=5.0, max_epochs=8, scale_bounds=(1.0, 3.0))
    rows = X[:40]
    q, p = model.encode(rows), model.net_.module_.prior()
    with torch.no_grad():
        w = q.sample(torch.Size([1000]))
        log_ratio = q.log_prob(w) - p.log_prob(w)
    floor = torch.from_numpy(model.kl_lower_bound(rows))
    assert (floor <= log_ratio.mean(0) + 4 * log_ratio.std(0) / 1000**0.5).all()
    assert (floor > 0.1).any()
    assert model.mutual_information_lower_bound_ > 1


@every
def test_invert_undoes_inverse_transform(family, models):
    Z = models[family].transform(X[:20])
    found = models[family].invert(models[family].inverse_transform(Z.astype(np.float64)))
    np.testing.assert_allclose(found, Z, atol=1e-4)


@every
def test_pickled_models_answer_the_same(family, models):
    loaded = pickle.loads(pickle.dumps(models[family]))
    np.testing.assert_array_equal(loaded.predict_proba(X), models[family].predict_proba(X))
    np.testing.assert_array_equal(loaded.score_samples(X), models[family].score_samples(X))


@every
def test_report_finds_labels_and_latents_healthy(family, models):
    report = collapse_report(models[family], X)
    assert "HEALTHY" in str(report)
    assert log_likelihood(models[family], X).value == pytest.approx(models[family].score(X), abs=0.3)


@every
def test_partial_fit_learns_labels_from_batches(family):
    model = LIDMVAEClustering(**{**FAST, **OPTIONS[family]})
    for _ in range(8):
        for start in range(0, 300, 100):
            model.partial_fit(X[start : start + 100])
    assert adjusted_rand_score(CLASSES, model.predict(X)) > 0.9


@every
def test_warm_start_goes_on_with_the_mixture(family):
    model = LIDMVAEClustering(**{**FAST, **OPTIONS[family], "warm_start": True}).fit(X)
    before = model.score(X)
    model.fit(X)
    assert len(model.net_.history) == 60
    assert model.score(X) > before - 0.1
    model.set_params(family="gaussian", covariance_type="full")
    with pytest.raises(ValueError, match=r"(family|covariance_type) changed from"):
        model.fit(X)


@every
@pytest.mark.parametrize(
    ("covariance_type", "shape"), [("full", (3, 2, 2)), ("tied", (2, 2)), ("diag", (3, 2)), ("spherical", (3,))]
)
def test_covariances_have_the_shape_of_their_type(family, covariance_type, shape):
    options = {"covariance_type": covariance_type, "max_epochs": 4}
    if family == "gamma" and covariance_type in ("full", "tied"):
        with pytest.raises(ValueError, match='has axes that turn.*; use covariance_type="diag" or "spherical"'):
            fitted(family, **options)
        return
    model = fitted(family, **options)
    assert model.covariances_.shape == model.precisions_.shape == shape
    variances = (
        np.linalg.eigvalsh(model.covariances_) if len(shape) > 1 and shape[-1] == shape[-2] else model.covariances_
    )
    assert variances.min() >= model.scale_bounds[0] ** 2 * (1 - 1e-4)


def test_latents_means_and_draws_of_gamma_clusters_are_positive(models):
    model = models["gamma"]
    assert model.transform(X).min() > 0
    assert model.means_.min() >= model.scale_bounds[0]
    assert (model.covariances_ <= model.means_**2 * (1 + 1e-5)).all()
    with torch.no_grad():
        assert (model.encode(X).sample(torch.Size([100])) > 0).all()
        assert (model.net_.module_.prior.sample_with_labels(10_000)[0] > 0).all()


@pytest.mark.filterwarnings("ignore::sklid.CollapseWarning")
def test_crowded_means_of_gamma_clusters_are_positive_and_apart_for_every_value_of_their_parameters():
    model = fitted("gamma", k=8, min_separation=2.0, max_epochs=4)
    prior = copy.deepcopy(model.net_.module_.prior)
    for size in (0.0, 1.0, 1e8):
        with torch.no_grad():
            prior.shifts.copy_(-size * torch.rand_like(prior.shifts))
            assert prior.means().min() >= model.scale_bounds[0] * (1 - 1e-5)
            assert torch.pdist(prior.means()).min() >= 2.0 * (1 - 1e-4)


@pytest.mark.filterwarnings("ignore::sklid.CollapseWarning")
def test_given_positive_means_stay_in_place_when_they_are_fixed():
    means = np.array([[0.3, 3.0], [3.0, 0.3], [2.0, 2.0]])
    model = fitted("gamma", init=means, cluster_means="fixed", max_epochs=10)
    nearest = np.linalg.norm(model.means_[:, None] - means, axis=2).argmin(axis=1)
    assert sorted(nearest) == [0, 1, 2]
    np.testing.assert_allclose(model.means_, means[nearest], atol=1e-6)


def test_given_means_of_positive_latents_are_positive():
    expected = r"means are at least scale_bounds\[0\]=0.05, the least standard .*; init has -1. Move the means up"
    with pytest.raises(ValueError, match=expected):
        fitted("gamma", init=np.array([[-1.0, 3.0], [3.0, 0.3], [2.0, 2.0]]))


@every
def test_counts_are_clustered_and_say_why_they_have_no_floor(family):
    rng = np.random.default_rng(0)
    rates = np.where(np.arange(120)[:, None] < 60, [1] * 3 + [9] * 3, [9] * 3 + [1] * 3)
    rows = rng.poisson(rates)
    model = fitted(family, rows, k=2, likelihood="poisson")
    assert adjusted_rand_score(np.arange(120) < 60, model.labels_) > 0.9
    assert np.isnan(model.mutual_information_lower_bound_)
    assert "no floor" in model.mutual_information_lower_bound_reason_
    assert np.isnan(model.kl_lower_bound(rows)).all()


def heavy(kind, seed, n=600):
    """Rows in five columns over three clusters with tails in a plane: one half to fit, one to score."""
    rng = np.random.default_rng(seed)
    means = 8 * np.array([[1.0, 0.0], [-0.5, 0.9], [-0.5, -0.9]])
    e = rng.standard_normal((n, 2)) * np.sqrt(2.5 / rng.chisquare(2.5, n))[:, None]
    e = rng.laplace(size=(n, 2)) if kind == "laplace" else e
    plane = np.linalg.qr(rng.standard_normal((5, 2)))[0].T
    rows = (means[rng.integers(0, 3, n)] + e) @ plane + 0.1 * rng.standard_normal((n, 5))
    return rows[: n // 2], rows[n // 2 :]


@pytest.mark.parametrize("kind", ["laplace", "student_t"])
def test_rows_in_clusters_with_heavy_tails_are_explained_better_by_their_family(kind):
    rows, held_out = heavy(kind, seed=1)
    scores = {
        family: LIDMVAEClustering(**{**FAST, "max_epochs": 60, "family": family}).fit(rows).score(held_out)
        for family in ("gaussian", kind)
    }
    assert scores[kind] > scores["gaussian"] + 0.1


@pytest.mark.filterwarnings("ignore::sklid.CollapseWarning")
def test_degrees_of_freedom_are_learned_above_2_and_belong_to_one_family():
    few = fitted("student_t", heavy("student_t", 1)[0], max_epochs=60).degrees_of_freedom_
    rng = np.random.default_rng(0)
    centres = 8 * np.array([[1.0, 0.0], [-0.5, 0.9], [-0.5, -0.9]])
    plane = np.linalg.qr(rng.standard_normal((5, 2)))[0].T
    normal = (centres[rng.integers(0, 3, 300)] + rng.standard_normal((300, 2))) @ plane
    many = fitted("student_t", normal + 0.1 * rng.standard_normal((300, 5)), max_epochs=60).degrees_of_freedom_
    assert few.shape == (3,)
    assert (few > 2).all()
    assert np.median(few) < 0.7 * np.median(many)
    with pytest.raises(
        AttributeError, match='family="laplace" have no degrees of freedom; those of family="student_t"'
    ):
        _ = fitted("laplace", max_epochs=2).degrees_of_freedom_


@every
@pytest.mark.filterwarnings("ignore::sklid.CollapseWarning")
def test_interrupted_and_single_phase_fits_have_a_mixture_of_the_family(family):
    model = fitted(family, pretrain_fraction=0.0, max_epochs=2)
    assert np.isfinite(model.score(X))
    assert type(model.net_.module_.prior.clusters).__name__ != "GaussianClusters"
