"""Any model can be measured: our estimators, PCA, a pipeline, a VAE written by hand, and pythae's."""

import numpy as np
import pytest
import torch
from scipy import sparse
from scipy.stats import multivariate_normal
from sklearn.datasets import load_iris
from sklearn.decomposition import PCA, FactorAnalysis, IncrementalPCA
from sklearn.mixture import BayesianGaussianMixture
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch.distributions import Independent, Normal

from sklid import LIDVAE, IdentifiablePPCA, metrics
from sklid.metrics import log_likelihood
from sklid.metrics.encodings import encodings

from .models import HandWrittenVAE, exact_log_likelihood, linear_data, linear_model

MEASURES = (
    metrics.kl_divergence,
    metrics.mutual_information,
    metrics.active_units,
    metrics.log_likelihood,
    metrics.informative_units,
)


@pytest.fixture(scope="module")
def fitted():
    X = load_iris().data
    with torch.random.fork_rng():
        return LIDVAE(n_components=2, max_epochs=20, random_state=0).fit(X), X


def test_an_estimator_and_its_posterior_give_the_same(fitted):
    model, X = fitted
    q = model.encode(X)
    for measure in (metrics.kl_divergence, metrics.mutual_information, metrics.active_units):
        first, second = measure(model, X), measure(q, model.net_.module_.prior())
        assert first[0] == pytest.approx(second[0])
    arrays = metrics.kl_divergence(q.mean.numpy(), q.stddev.numpy())
    np.testing.assert_allclose(arrays.per_dimension, metrics.kl_divergence(model, X).per_dimension, rtol=1e-5)


def test_a_pipeline_is_looked_through(fitted):
    _, X = fitted
    pipeline = make_pipeline(StandardScaler(), LIDVAE(n_components=2, max_epochs=5, random_state=0)).fit(X)
    inside = pipeline[-1], pipeline[:-1].transform(X)
    for measure in MEASURES:
        assert measure(pipeline, X)[0] == measure(*inside)[0]


def test_log_likelihood_of_an_estimator_is_in_the_units_of_the_data(fitted):
    model, X = fitted
    assert metrics.log_likelihood(model, X, n_importance_samples=500).value == pytest.approx(model.score(X), abs=0.15)


@pytest.mark.parametrize("whiten", [False, True])
def test_pca_counts_as_probabilistic_pca(whiten):
    X = load_iris().data
    pca = PCA(2, whiten=whiten).fit(X)
    loc, scale = encodings(pca, X).moments()
    kept = pca.components_.T * np.sqrt(pca.explained_variance_ - pca.noise_variance_)
    M = kept.T @ kept + pca.noise_variance_ * np.eye(2)
    np.testing.assert_allclose(loc, (X - pca.mean_) @ kept @ np.linalg.inv(M), atol=1e-10)
    np.testing.assert_allclose(scale[0].square(), pca.noise_variance_ * np.diag(np.linalg.inv(M)))
    assert metrics.log_likelihood(pca, X).value == pytest.approx(PCA(2).fit(X).score(X), abs=1e-6)


def test_pca_without_noise_is_refused_with_the_way_out():
    X = load_iris().data
    with pytest.raises(ValueError, match="smaller n_components"):
        metrics.kl_divergence(PCA(4).fit(X), X)


@pytest.mark.parametrize("model", [FactorAnalysis(2), IncrementalPCA(2, batch_size=150)])
def test_linear_models_of_scikit_learn_have_their_exact_posterior_and_likelihood(model):
    X = load_iris().data
    model = model.fit(X)
    exact = multivariate_normal(model.mean_, model.get_covariance()).logpdf(X)
    np.testing.assert_allclose(metrics.log_likelihood(model, X).per_row, exact, atol=1e-6)
    assert metrics.amortization_gap(model, X).value == pytest.approx(0, abs=1e-6)
    assert metrics.collapse_report(model, X).verdict == "healthy"


def test_factor_analysis_has_the_posterior_means_of_scikit_learn():
    X = load_iris().data
    model = FactorAnalysis(2).fit(X)
    np.testing.assert_allclose(encodings(model, X).moments()[0], model.transform(X), atol=1e-10)


def test_labels_of_a_bayesian_mixture_are_measured_as_those_of_a_mixture():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((300, 3)) + 8 * np.eye(3)[rng.integers(3, size=300)]
    report = metrics.collapse_report(BayesianGaussianMixture(n_components=3, random_state=0).fit(X), X)
    assert (report.verdict, report.subject) == ("healthy", "labels")
    assert report.labels.information == pytest.approx(np.log(3), abs=0.05)


def test_a_prior_may_be_given_as_a_distribution():
    rows, W = linear_data(50, [2.0, 1.0])
    prior, plain = Independent(Normal(torch.zeros(2).double(), 1.5), 1), linear_model(W)
    found = [
        metrics.log_likelihood(plain._replace(prior=given), rows).value
        for given in (prior, lambda: prior, Normal(torch.zeros(2).double(), 1.5))
    ]
    assert found[0] == found[1] == found[2]
    with pytest.raises(TypeError, match="a function without arguments that gives one.*got ndarray"):
        metrics.log_likelihood(plain._replace(prior=np.zeros(2)), rows)


def test_log_likelihood_of_a_linear_model_is_exact():
    rows, W = linear_data(50, [2.0, 1.0])
    found = metrics.log_likelihood(linear_model(W), rows)
    np.testing.assert_allclose(found.per_row, exact_log_likelihood(W, 1.0, rows), atol=1e-9)


def test_a_vae_written_by_hand_is_measured_through_the_same_functions():
    rows, W = linear_data(1000, [3.0, 2.0])
    rows, others = rows.split([600, 400])
    x = rows.float()
    vae = HandWrittenVAE(8, 3).fit(x)
    model = metrics.VariationalModel(lambda x: Normal(*vae.moments(x)), lambda z: Normal(vae.decoder(z), 1.0))
    with torch.no_grad():
        loc, scale = (moment.numpy() for moment in vae.moments(x))
    for measure in (metrics.kl_divergence, metrics.active_units):
        assert measure(model, x)[0] == pytest.approx(measure(loc, scale)[0], rel=1e-5)
    information = metrics.mutual_information(loc, scale)
    assert metrics.mutual_information(model, x).value == pytest.approx(
        information.value, abs=3 * information.standard_error
    )
    exact = exact_log_likelihood(W, 1.0, rows).mean().item()
    assert exact - 0.5 < metrics.log_likelihood(model, x).value < exact + 0.1
    assert metrics.informative_units(model, others.float()).count == 2
    assert metrics.amortization_gap(model, x).value > -0.05
    assert metrics.collapse_report(model, x).totals.kl == pytest.approx(
        metrics.kl_divergence(loc, scale).value, rel=1e-5
    )


def test_a_pythae_vae_is_measured_through_the_same_functions():
    pythae = pytest.importorskip("pythae.models", reason="pythae is not installed")
    x = linear_data(200, [3.0, 2.0])[0].float()
    vae = pythae.VAE(pythae.VAEConfig(input_dim=(8,), latent_dim=3)).eval()

    def encode(x):
        encoded = vae.encoder(x)
        return Normal(encoded.embedding, (0.5 * encoded.log_covariance).exp())

    model = metrics.VariationalModel(encode, lambda z: Independent(Normal(vae.decoder(z).reconstruction, 1.0), 1))
    with torch.no_grad():
        q = encode(x)
    assert metrics.kl_divergence(model, x).value == pytest.approx(
        metrics.kl_divergence(q.mean.numpy(), q.stddev.numpy()).value, rel=1e-5
    )
    assert np.isfinite(metrics.log_likelihood(model, x).value)
    assert metrics.collapse_report(model, x).verdict in {"healthy", "model", "inference", "data"}


def test_images_and_convolutional_shapes_are_summed_over_all_but_the_row():
    x = torch.rand(20, 1, 4, 4)
    decoder = torch.nn.Sequential(torch.nn.Linear(2, 16), torch.nn.Unflatten(1, (1, 4, 4)))
    model = metrics.VariationalModel(lambda x: Normal(x.flatten(1)[:, :2], 1.0), lambda z: Normal(decoder(z), 1.0))
    with torch.no_grad():
        assert metrics.log_likelihood(model, x).per_row.shape == (20,)
    assert metrics.informative_units(model, x).gains.shape == (2,)


@pytest.mark.parametrize("measure", [metrics.log_likelihood, metrics.informative_units, metrics.amortization_gap])
def test_what_is_no_model_is_refused_with_the_way_out(measure):
    with pytest.raises(TypeError, match=r"VariationalModel\(encode, decode, prior\)"):
        measure(StandardScaler(), [[1.0]])
    with pytest.raises(TypeError, match="pass X"):
        measure(PCA(1).fit(load_iris().data), None)


def test_search_is_measured_as_the_estimator_that_it_found_best():
    X = load_iris().data
    search = GridSearchCV(make_pipeline(StandardScaler(), PCA()), {"pca__n_components": [1, 2]}, cv=2).fit(X)
    best = search.best_estimator_
    assert metrics.log_likelihood(search, X).value == metrics.log_likelihood(best, X).value
    assert metrics.collapse_report(search, X).model == "PCA"
    outer = make_pipeline(StandardScaler(), search).fit(X)
    inner = outer[-1].best_estimator_
    assert metrics.log_likelihood(outer, X).value == (metrics.log_likelihood(inner, outer[:-1].transform(X)).value)


def test_rows_of_another_width_are_refused():
    X = load_iris().data
    with pytest.raises(ValueError, match="X has 3 features, but the model was fitted to 4 features"):
        metrics.log_likelihood(PCA(2).fit(X), X[:, :3])


@pytest.mark.parametrize("make", [PCA, IncrementalPCA, FactorAnalysis])
def test_models_fitted_to_single_precision_are_measured(make):
    X = np.random.default_rng(0).standard_normal((300, 8)).astype(np.float32)
    model = make(2).fit(X)
    assert np.isfinite(log_likelihood(model, X).value)


def test_noise_of_an_incremental_fit_is_that_of_all_its_batches():
    X = np.random.default_rng(0).standard_normal((3000, 10))
    found, expected = (log_likelihood(make(3).fit(X), X).value for make in (IncrementalPCA, PCA))
    assert abs(found - expected) < 0.02


@pytest.mark.parametrize(
    ("changed", "error", "message"),
    [
        ({"encode": lambda x: x}, TypeError, "encode gives a torch.distributions.Distribution.*it gave a Tensor"),
        ({"decode": lambda z: z}, TypeError, "decode gives a torch.distributions.Distribution.*it gave a Tensor"),
        ({"encode": lambda x: Normal(x[:7], 1.0)}, ValueError, "encode gave 7 posteriors for 20 rows"),
        ({"prior": lambda: Normal(torch.zeros(5), 1.0)}, ValueError, "has 3 latents and the prior 5"),
    ],
)
@pytest.mark.parametrize("metric", [log_likelihood, metrics.collapse_report])
def test_callables_that_give_something_else_are_named(metric, changed, error, message):
    model = metrics.VariationalModel(lambda x: Normal(x, 1.0), lambda z: Normal(z, 1.0))._replace(**changed)
    with pytest.raises(error, match=message):
        metric(model, torch.zeros(20, 3))


@pytest.mark.filterwarnings("ignore::sklid.CollapseWarning")
def test_sparse_rows_are_reported_on():
    X = sparse.random(400, 30, 0.1, format="csr", random_state=0)
    model = IdentifiablePPCA(3).fit(X)
    assert metrics.collapse_report(model, X).verdict == metrics.collapse_report(model, X.toarray()).verdict
