"""What fitted clusterings answer: labels, probabilities, components, both phases, and warnings of collapsed labels."""

import functools

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits, make_blobs
from sklearn.metrics import adjusted_rand_score
from sklearn.mixture import GaussianMixture
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from skorch.callbacks import Callback

from sklid import CollapseWarning, LIDGMVAEClustering
from sklid.baselines import GMVAE
from sklid.metrics import cluster_mutual_information, clustering_accuracy

X, CLASSES = make_blobs([60, 90, 150], n_features=5, centers=np.eye(3, 5) * 12, random_state=0)
FAST = {
    "k": 3,
    "init": "kmeans",
    "n_components": 2,
    "max_epochs": 30,
    "learning_rate": 1e-2,
    "decoder_width": 32,
    "encoder_width": 32,
    "batch_size": 64,
    "random_state": 0,
}
both = pytest.mark.parametrize("Estimator", [LIDGMVAEClustering, GMVAE])


def fitted(Estimator=LIDGMVAEClustering, **kwargs):
    return Estimator(**{**FAST, **kwargs}).fit(X)


@pytest.fixture(scope="module")
def models():
    """Those that were fitted before; nobody changes them."""
    return functools.cache(fitted)


@pytest.fixture(scope="module")
def model(models):
    return models(LIDGMVAEClustering)


@both
def test_well_separated_clusters_are_found(Estimator):
    assert adjusted_rand_score(CLASSES, Estimator(**FAST).fit_predict(X)) > 0.98


def test_three_digits_are_told_apart():
    images, digits = load_digits(n_class=3, return_X_y=True)
    labels = LIDGMVAEClustering(k=3, likelihood="bernoulli", random_state=0).fit_predict(images / 16)
    assert clustering_accuracy(digits, labels) > 0.9


@pytest.mark.filterwarnings("ignore::sklid.CollapseWarning")
def test_labels_are_numbered_by_size_without_gaps(model):
    assert np.bincount(model.labels_).tolist() == [150, 90, 60]
    few = fitted(k=8)
    assert np.unique(few.labels_).tolist() == list(range(len(np.unique(few.labels_))))


@both
@pytest.mark.parametrize("options", [{}, {"inference": "joint"}])
def test_predict_is_the_argmax_of_predict_proba_and_of_the_fit(Estimator, options, models):
    model = models(Estimator, **options)
    probabilities = model.predict_proba(X)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    np.testing.assert_array_equal(model.predict(X), probabilities.argmax(axis=1))
    np.testing.assert_array_equal(model.predict(X), model.labels_)


def test_one_row_has_the_label_it_has_among_others(model):
    assert [model.predict(row[None])[0] for row in X[:20]] == model.labels_[:20].tolist()


@both
def test_same_seed_gives_the_same_labels(Estimator, models):
    np.testing.assert_array_equal(fitted(Estimator).predict_proba(X), models(Estimator).predict_proba(X))


@pytest.mark.parametrize(
    ("covariance_type", "shape"), [("full", (3, 2, 2)), ("tied", (2, 2)), ("diag", (3, 2)), ("spherical", (3,))]
)
def test_components_are_in_the_order_of_the_labels(covariance_type, shape, models):
    model = models(LIDGMVAEClustering, covariance_type=covariance_type)
    assert model.covariances_.shape == shape
    np.testing.assert_allclose(model.weights_, np.bincount(model.labels_) / len(X), atol=0.05)
    averages = [model.transform(X)[model.labels_ == label].mean(axis=0) for label in range(3)]
    np.testing.assert_allclose(model.means_, averages, atol=0.5)


@pytest.mark.filterwarnings("ignore::sklid.CollapseWarning")
def test_components_keep_their_distance_and_their_bounds():
    model = fitted(k=10, min_separation=1.5, scale_bounds=(0.4, 1.0))
    assert model.cluster_separation_ >= 1.5 * (1 - 1e-5)
    variances = np.linalg.eigvalsh(model.covariances_)
    assert variances.min() >= 0.4**2 * (1 - 1e-5)
    assert variances.max() <= 1.0 * (1 + 1e-5)


@both
def test_draws_come_with_the_labels_that_predict_gives_them(Estimator, models):
    model = models(Estimator)
    drawn, labels = model.sample(300)
    assert drawn.shape == (300, 5)
    assert (model.predict(drawn) == labels).mean() > 0.95
    np.testing.assert_array_equal(model.sample(300)[1], labels)


@pytest.mark.parametrize("init", ["graph", "gmm", "kmeans", "random"])
@both
def test_every_start_gives_a_clustering(Estimator, init):
    assert cluster_mutual_information(fitted(Estimator, init=init, max_epochs=60).predict_proba(X)) > 0.5


def test_given_means_stay_in_place_when_they_are_fixed():
    means = np.array([[2.0, 0.0], [-1.0, 2.0], [-1.0, -2.0]])
    model = fitted(init=means, cluster_means="fixed")
    nearest = np.linalg.norm(model.means_[:, None] - means, axis=2).argmin(axis=1)
    assert sorted(nearest) == [0, 1, 2]
    np.testing.assert_allclose(model.means_, means[nearest], atol=1e-6)
    assert adjusted_rand_score(CLASSES, model.labels_) > 0.9


def test_weights_are_learned_or_uniform(model):
    assert model.weights_.max() > 0.4
    np.testing.assert_allclose(fitted(mixture_weights="uniform").weights_, 1 / 3, atol=1e-6)


def test_more_starts_give_no_worse_a_bound_at_the_start():
    """All candidates belong to one model, so the divergence alone decides.

    The first candidates of a longer list are those of a shorter one.
    """
    model, noise = fitted(max_epochs=1), torch.zeros(1)
    x = model.view(X).rows
    bounds = []
    for n_init in (1, 10):
        model.n_init = n_init
        torch.manual_seed(0)
        prior, _ = model.set_params(init="random")._mixture_start().mixture(model.net_.module_, x, 0)
        q = model.net_.module_.encode(x)
        bounds.append(prior.divergences(q, noise, noise).mean().item())
    assert bounds[1] <= bounds[0] + 1e-6


def test_history_holds_both_phases(model):
    assert [epoch["epoch"] for epoch in model.net_.history] == list(range(1, 31))
    assert isinstance(model.net_.module_.prior.codes, torch.Tensor)


def test_first_phase_can_be_left_out():
    assert len(fitted(pretrain_fraction=0.0).net_.history) == 30


def test_early_stopping_watches_the_second_phase():
    model = fitted(early_stopping=True, n_iter_no_change=2, tol=1e3)
    assert len(model.net_.history) == 12 + 3
    assert "valid_loss" in model.net_.history[-1]
    assert "valid_loss" not in model.net_.history[0]


class Weights(Callback):
    """Notes the weight of the divergence at the end of each batch."""

    def __init__(self):
        self.noted = []

    def on_batch_end(self, net, training=False, **kwargs):
        self.noted.append(net.criterion_.kl_weight * net.criterion_.warmup_factor)


@pytest.mark.parametrize(
    ("told", "steps"),
    [
        ({}, 9),
        ({"kl_warmup": 1.0}, 18),
        ({"kl_warmup": 0.0}, 0),
        ({"objective": "iwae", "n_samples_train": 2}, 0),
    ],
)
def test_weight_of_the_divergence_rises_in_the_second_phase_from_that_of_the_first(told, steps):
    weights = Weights()
    fitted(max_epochs=10, pretrain_fraction=0.4, pretrain_kl_weight=0.2, batch_size=100, callbacks=[weights], **told)
    first, second = weights.noted[:12], weights.noted[12:]
    expected = np.ones(18)
    expected[:steps] = np.linspace(0.2, 1, steps, endpoint=False)
    np.testing.assert_allclose(first, 0.2)
    np.testing.assert_allclose(second, expected)


def test_weight_of_the_divergence_is_whole_without_a_first_phase_and_by_parts():
    weights = Weights()
    model = fitted(max_epochs=3, pretrain_fraction=0.0, callbacks=[weights])
    model.partial_fit(X)
    np.testing.assert_allclose(weights.noted, 1)


def test_weight_of_the_divergence_falls_at_once_where_the_second_phase_has_less_of_it():
    weights = Weights()
    fitted(max_epochs=5, pretrain_kl_weight=1.0, kl_weight=0.5, batch_size=100, callbacks=[weights])
    np.testing.assert_allclose(weights.noted, [1.0] * 6 + [0.5] * 9)


def test_flow_posterior_clusters_too():
    pytest.importorskip("zuko", reason="needs the extra sklid[flow]")
    model = fitted(posterior="flow", max_epochs=15)
    assert adjusted_rand_score(CLASSES, model.labels_) > 0.9
    assert np.isfinite(model.score(X))


@both
def test_partial_fit_learns_labels_from_batches(Estimator):
    model = Estimator(**FAST)
    for _ in range(10):
        for start in range(0, 300, 100):
            model.partial_fit(X[start : start + 100])
    assert adjusted_rand_score(CLASSES, model.predict(X)) > 0.95
    np.testing.assert_array_equal(model.labels_, model.predict(X[200:]))


def test_warm_start_goes_on_with_the_mixture():
    model = LIDGMVAEClustering(**FAST, warm_start=True).fit(X)
    before = model.score(X)
    model.fit(X)
    assert len(model.net_.history) == 60
    assert model.score(X) > before - 0.1
    assert adjusted_rand_score(CLASSES, model.labels_) > 0.98


class Interrupt(Callback):
    def __init__(self, epoch):
        self.epoch = epoch

    def on_epoch_end(self, net, **kwargs):
        if len(net.history) == self.epoch:
            raise KeyboardInterrupt


@pytest.mark.filterwarnings("ignore::sklid.CollapseWarning")
@pytest.mark.parametrize("epoch", [5, 20], ids=["first phase", "second phase"])
def test_interrupted_fit_is_usable(epoch):
    model = fitted(callbacks=[Interrupt(epoch)], on_interrupt="keep")
    assert model.interrupted_
    assert len(model.net_.history) == epoch
    assert model.predict(X).shape == (300,)
    raising = LIDGMVAEClustering(**{**FAST, "callbacks": [Interrupt(epoch)]})
    with pytest.raises(KeyboardInterrupt):
        raising.fit(X)
    np.testing.assert_array_equal(raising.labels_, raising.predict(X))


@pytest.mark.parametrize("likelihood", ["bernoulli", "continuous_bernoulli", "poisson", "categorical"])
def test_every_likelihood_clusters(likelihood):
    rng = np.random.default_rng(0)
    rows = rng.binomial(4, np.where(np.arange(120)[:, None] < 60, [0.1] * 3 + [0.8] * 3, [0.8] * 3 + [0.1] * 3))
    rows = rows / 4 if "bernoulli" in likelihood else rows
    model = LIDGMVAEClustering(**{**FAST, "k": 2, "likelihood": likelihood}).fit(rows)
    assert clustering_accuracy(np.arange(120) < 60, model.labels_) > 0.95
    assert np.isnan(model.mutual_information_lower_bound_) == ("gaussian" not in likelihood)


def test_certificates_are_those_of_the_mixture(model):
    covariances = np.linalg.det(np.eye(2) + model.inverse_lipschitz_**2 * model.covariances_)
    assert model.mutual_information_lower_bound_ == pytest.approx(
        (model.weights_ * 0.5 * np.log(covariances)).sum(), rel=1e-4
    )


@pytest.mark.parametrize("inference", ["marginal", "joint"])
def test_kl_lower_bound_never_exceeds_the_divergence(inference):
    model = fitted(inference=inference, inverse_lipschitz=3.0)
    q, p = model.encode(X), model.net_.module_.prior()
    with torch.no_grad():
        w = q.sample(torch.Size([2000]))
        log_ratio = q.log_prob(w) - p.log_prob(w)
    floor = torch.from_numpy(model.kl_lower_bound(X))
    assert (floor <= log_ratio.mean(0) + 4 * log_ratio.std(0) / 2000**0.5).all()


def test_invert_undoes_inverse_transform(model):
    Z = model.transform(X[:20])
    np.testing.assert_allclose(model.invert(model.inverse_transform(Z.astype(np.float64))), Z, atol=1e-4)


@pytest.mark.usefixtures("with_causes")
@pytest.mark.filterwarnings("ignore:.*latents collapsed")
def test_collapsed_labels_are_reported_with_numbers():
    """Everything random at the start, and too few steps to find the clusters."""
    random = {"encoder": "plain", "init": "random", "pretrain_fraction": 0.0, "learning_rate": 1e-3, "max_epochs": 3}
    with pytest.warns(CollapseWarning, match=r"share \S+ of 1.\d+ nats with the rows.* Cause: \w+: .* Lower kl_weight"):
        GMVAE(**{**FAST, **random}).fit(X)


@pytest.mark.usefixtures("with_causes")
def test_clusters_without_a_row_are_reported():
    rows = np.repeat([[0.0, 0.0], [5.0, 5.0]], 20, axis=0)
    with pytest.warns(
        CollapseWarning, match=r"share 0\.\d+ of 0\.69 nats with the rows, 2 of 6 are used. Cause: data: .*Lower k"
    ):
        LIDGMVAEClustering(**{**FAST, "k": 6, "n_components": 1}).fit(rows)


@pytest.mark.parametrize("parameters", [{"cluster__k": [2, 3]}, {"cluster__decoder_depth": [1, 2]}])
def test_grid_search_by_the_default_score(parameters):
    pipeline = Pipeline([("scale", StandardScaler()), ("cluster", LIDGMVAEClustering(**FAST))])
    search = GridSearchCV(pipeline, parameters, cv=2).fit(X)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    if "cluster__k" in parameters:
        assert search.best_params_ == {"cluster__k": 3}


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"k": 1}, "'k' parameter of LIDGMVAEClustering must be an int in the range"),
        ({"k": 301}, "k=301 clusters need at least 301 rows, got n_samples=300. Lower k"),
        ({"n_components": 0}, "'n_components' parameter of LIDGMVAEClustering"),
        ({"n_components": 6}, "An injective decoder cannot shrink"),
        ({"init": np.zeros((3, 5))}, r"init has shape \(3, 5\).*have shape \(3, 2\)"),
        ({"init": np.full((3, 2), np.nan)}, "Input init contains NaN"),
        ({"init": "best"}, "'init' parameter of LIDGMVAEClustering"),
        ({"scale_bounds": (1.0, 0.5)}, "two positive numbers, the least standard deviation and a greater one"),
        ({"inference": "joint", "posterior": "flow"}, 'use posterior="gaussian"'),
        ({"pretrain_fraction": 1.0}, "'pretrain_fraction' parameter"),
    ],
)
def test_bad_parameters_get_one_clear_line(kwargs, message):
    with pytest.raises(ValueError, match=message):
        fitted(**kwargs)


def test_first_partial_fit_needs_rows_for_the_mixture():
    with pytest.raises(ValueError, match="k=3 clusters need at least 3 rows, got n_samples=2"):
        LIDGMVAEClustering(**FAST).partial_fit(X[:2])


@pytest.mark.parametrize("covariance_type", ["full", "tied", "diag", "spherical"])
def test_precisions_are_the_inverse_covariances_in_the_shape_of_scikit_learns(covariance_type, models):
    model = models(LIDGMVAEClustering, covariance_type=covariance_type)
    reference = GaussianMixture(model.k, covariance_type=covariance_type).fit(model.transform(X))
    assert model.precisions_.shape == reference.precisions_.shape
    if covariance_type in ("full", "tied"):
        product = model.precisions_ @ model.covariances_
        np.testing.assert_allclose(product, np.broadcast_to(np.eye(product.shape[-1]), product.shape), atol=1e-4)
    else:
        np.testing.assert_allclose(model.precisions_ * model.covariances_, 1, rtol=1e-6)
