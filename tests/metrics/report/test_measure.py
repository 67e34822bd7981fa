"""The verdict names the cause on models built to fail in each way."""

import json

import numpy as np
import pandas
import pytest
import torch
from sklearn.datasets import load_digits, make_blobs
from sklearn.decomposition import PCA
from sklearn.mixture import GaussianMixture
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch.distributions import Bernoulli, Independent, Laplace, Normal

from sklid import LIDVAE, LIDGMVAEClustering
from sklid.baselines import VAE
from sklid.metrics import VariationalModel, clustering_accuracy, collapse_report

from ..models import frozen_at_the_prior, linear_data, linear_model

pytestmark = pytest.mark.filterwarnings("ignore::sklid.CollapseWarning")


@pytest.fixture(scope="module", params=["LIDVAE, Bernoulli", "VAE, Bernoulli", "LIDVAE, Gaussian", "LIDVAE, continuous Bernoulli"])
def trained(request):
    """A model trained on digits, and the rows as it sees them."""
    estimator, likelihood = {
        "LIDVAE, Bernoulli": (LIDVAE, "bernoulli"),
        "VAE, Bernoulli": (VAE, "bernoulli"),
        "LIDVAE, Gaussian": (LIDVAE, "gaussian"),
        "LIDVAE, continuous Bernoulli": (LIDVAE, "continuous_bernoulli"),
    }[request.param]
    X = load_digits().data[:800] / 16
    model = estimator(n_components=4, likelihood=likelihood, encoder="principal", decoder_width=64, encoder_width=64, max_epochs=15, random_state=0)
    return model.fit(X).view(X)


def test_a_trained_model_is_healthy(trained):
    report = collapse_report(trained.model, trained.rows)
    assert (report.verdict, report.collapsed) == ("healthy", False)
    assert report.totals["informative_units"] == 4


@pytest.mark.parametrize("encoder", ["trained", "frozen"])
def test_a_decoder_times_a_ten_thousandth_is_the_models_fault(trained, encoder):
    encode = trained.model.encode if encoder == "trained" else frozen_at_the_prior(4)
    weak = VariationalModel(encode, lambda z: trained.model.likelihood(1e-4 * trained.model.natural_parameters(z)), trained.model.prior)
    report = collapse_report(weak, trained.rows)
    assert (report.verdict, report.collapsed) == ("model", True)
    assert report.totals["variation"] < 1e-2
    assert report.totals["posterior_kl"] < 1e-2
    assert "inverse_lipschitz" in report.remedy


def test_an_encoder_frozen_at_the_prior_is_inferences_fault(trained):
    report = collapse_report(VariationalModel(frozen_at_the_prior(4), trained.model.decode, trained.model.prior), trained.rows)
    assert (report.verdict, report.collapsed) == ("inference", True)
    assert report.totals["amortization_gap"] > 1
    assert report.totals["posterior_kl"] > 1
    assert "encoder" in report.remedy


@pytest.mark.parametrize("seed", [0, 1])
def test_ten_labels_for_one_cluster_are_a_matter_of_the_data(seed):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((500, 6)) @ rng.standard_normal((6, 6))
    report = collapse_report(LIDGMVAEClustering(k=10, max_epochs=20, random_state=0).fit(X), X)
    assert (report.subject, report.verdict, report.remedy) == ("labels", "data", "Lower k.")


def optimum_of_a_linear_vae(rows, noise, kl_weight):
    """Wang & Ziyin (2022): along a principal direction of variance v the decoder has amplitude sqrt(v - beta s^2), and none where beta s^2 >= v."""
    variances, directions = torch.linalg.eigh(rows.T @ rows / len(rows))
    amplitudes = (variances - kl_weight * noise**2).clamp_min(0).sqrt().flip(0)[:4]
    W = directions.T.flip(0)[:4] * amplitudes[:, None]
    precision = (kl_weight * noise**2 + amplitudes.square()) / (kl_weight * noise**2)
    loc = W.T / (kl_weight * noise**2) / precision
    return linear_model(W, noise, lambda x: Independent(Normal(x @ loc, precision.rsqrt().expand(len(x), -1)), 1)), amplitudes


@pytest.mark.parametrize(
    ("loadings", "noise", "kl_weight", "n_active", "verdict"),
    [
        ([3.0, 2.5, 2.0, 1.5], 1.0, 1.0, 4, "healthy"),
        ([3.0, 2.5], 1.12, 1.0, 2, "data"),  # two directions for four latents: those of the noise stay below that of the model
        ([3.0, 2.5, 2.0, 1.5], 1.0, 6.0, 2, "model"),  # beta s^2 = 6 is above 1 + 2^2 and 1 + 1.5^2: directions are there and go unused
        ([3.0, 2.5, 2.0, 1.5], 10.0, 1.0, 0, "data"),  # no direction rises above the noise that the model has
    ],
)
def test_the_optimum_of_a_linear_vae_collapses_for_the_reason_that_theory_gives(loadings, noise, kl_weight, n_active, verdict):
    rows, _ = linear_data(3000, loadings)
    model, amplitudes = optimum_of_a_linear_vae(rows, noise, kl_weight)
    assert (amplitudes > 0).sum() == n_active
    report = collapse_report(model, rows)
    assert report.totals["active_units"] == n_active
    assert report.verdict == verdict


def test_a_uniform_posterior_over_labels_with_a_good_argmax_is_collapsed():
    """Most rows have the right label a hair above the others: accuracy sees clusters, and there is no information."""
    rng = np.random.default_rng(0)
    classes = rng.integers(5, size=500)
    favourite = np.where(rng.random(500) < 0.7, classes, rng.integers(5, size=500))
    probabilities = np.full((500, 5), 0.2) + 1e-3 * np.eye(5)[favourite]
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    assert clustering_accuracy(classes, probabilities.argmax(axis=1)) > 0.7
    report = collapse_report(probabilities)
    assert report.labels["information"] < 0.01
    assert (report.verdict, report.collapsed, report.subject) == ("collapsed", True, "labels")
    assert "Lower k or kl_weight" in str(report)


def test_a_gaussian_mixture_is_measured_and_collapses_with_exact_inference():
    X, _ = make_blobs(400, 4, centers=3, random_state=0)
    mixture = GaussianMixture(3, random_state=0).fit(X)
    assert collapse_report(make_pipeline(StandardScaler(), GaussianMixture(3, random_state=0)).fit(X), X).verdict == "healthy"
    assert collapse_report(mixture, X).verdict == "healthy"
    mixture.means_[:] = X.mean(axis=0)
    mixture.precisions_cholesky_[:] = np.linalg.cholesky(np.linalg.inv(np.cov(X.T)))
    mixture.covariances_[:] = np.cov(X.T)
    report = collapse_report(mixture, X)
    assert (report.verdict, report.collapsed) == ("model", True)
    one_cluster = np.random.default_rng(0).standard_normal((500, 3))
    assert collapse_report(GaussianMixture(5, random_state=0).fit(one_cluster), one_cluster).verdict == "data"


def test_pca_with_more_components_than_directions_is_a_matter_of_the_data():
    rows, _ = linear_data(1000, [3.0, 2.0])
    report = collapse_report(PCA(5).fit(rows[:500].numpy()), rows[500:].numpy())
    assert (report.verdict, report.totals["informative_units"]) == ("data", 2)


def test_posteriors_alone_tell_whether_and_not_why():
    loc = np.random.default_rng(0).standard_normal((300, 2)) * [0.9, 0.0]
    report = collapse_report(loc, np.full((300, 2), [0.4, 1.0]))
    assert (report.verdict, report.collapsed) == ("collapsed", True)
    assert "Pass the model itself" in report.remedy
    assert collapse_report(loc[:, :1], np.full((300, 1), 0.4)).verdict == "healthy"


def test_a_report_is_a_table_a_frame_a_dictionary_and_html():
    rows, W = linear_data(300, [3.0, 2.0])
    report = collapse_report(linear_model(W), rows)
    frame = report.to_frame()
    assert list(frame.index) == [0, 1, "all"]
    assert frame.loc["all", "kl"] == pytest.approx(frame["kl"][:2].sum())
    assert str(report).splitlines()[0] == "VariationalModel, 300 rows: HEALTHY"
    assert len(str(report).splitlines()[-1].split()) > 2
    back = json.loads(json.dumps(report.to_dict()))
    assert back["latents"]["kl"] == frame["kl"][:2].tolist()
    assert back["latents"]["floor"] == [None, None]
    assert back["verdict"] == "healthy"
    assert report._repr_html_().count("<tr>") == 4


def test_a_report_shows_the_floor_of_a_model_that_has_one():
    X = np.random.default_rng(0).standard_normal((200, 5)) @ np.random.default_rng(1).standard_normal((5, 5))
    report = collapse_report(LIDVAE(n_components=2, max_epochs=5, random_state=0).fit(X), X)
    assert report.totals["floor"] == pytest.approx(np.log(2))
    np.testing.assert_allclose(report.latents["floor"], np.log(2) / 2)


def test_a_report_does_not_depend_on_what_was_drawn_before():
    rows, W = linear_data(300, [3.0, 2.0])
    first = collapse_report(linear_model(W), rows)
    torch.rand(7)
    assert str(collapse_report(linear_model(W), rows)) == str(first)


def test_a_prior_that_no_latent_can_be_taken_out_of_leaves_the_other_measurements():
    rows, W = linear_data(300, [3.0, 2.0])
    origin = torch.zeros(2, dtype=W.dtype)
    report = collapse_report(linear_model(W)._replace(prior=lambda: Independent(Laplace(origin, torch.ones_like(origin)), 1)), rows)
    assert report.verdict == "healthy"
    assert "informative_units" not in report.totals


def test_rows_beyond_five_thousand_are_drawn_at_random_from_tensors_and_tables():
    rows, W = linear_data(6000, [3.0, 2.0])
    assert collapse_report(linear_model(W), rows).n_rows == 5000
    table = pandas.DataFrame(rows.numpy())
    assert collapse_report(PCA(2).fit(table), table).n_rows == 5000


def test_pixels_that_are_always_blank_do_not_hide_what_the_residuals_hold():
    """A Bernoulli of probability 0 has no spread, and its rows lie at its mean."""
    x = torch.cat([torch.zeros(500, 3), (torch.rand(500, 1) < 0.5).float().expand(-1, 4)], dim=1)
    logits = torch.tensor([-200.0] * 3 + [0.0] * 4)
    model = VariationalModel(frozen_at_the_prior(1), lambda z: Independent(Bernoulli(logits=logits.expand(len(z), -1), validate_args=False), 1))
    assert collapse_report(model, x).verdict == "model"
    independent = torch.cat([torch.zeros(500, 3), (torch.rand(500, 4) < 0.5).float()], dim=1)
    assert collapse_report(model, independent).verdict == "data"
