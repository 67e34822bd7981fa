"""Tables with gaps: fitted, scored and embedded by what was seen, and filled by what that says of the rest."""

import numpy as np
import pytest
import torch
from sklearn.datasets import load_iris, load_wine
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklid import LIDVAE, LIDGMVAEClustering, LIDMVAEClustering
from sklid.baselines import GMVAE, VAE, SkipVAE

QUICK = {"max_epochs": 3, "decoder_width": 16, "encoder_width": 16, "random_state": 0}
IRIS = load_iris().data

pytestmark = pytest.mark.filterwarnings("ignore::sklid.CollapseWarning")


def with_gaps(X, share=0.2, seed=0):
    X = np.array(X, dtype=float)
    X[np.random.default_rng(seed).random(X.shape) < share] = np.nan
    return X


@pytest.fixture(scope="module")
def fitted():
    model = LIDVAE(n_components=1, max_epochs=60, n_importance_samples=4000, random_state=0)
    return model.fit(with_gaps(IRIS))


@torch.no_grad()
def on_a_grid(model, X):
    """The means of rows at latents on a grid ``(G, P)``, and log p(x, z) there ``(G, N)``, by the model's own units."""
    view, z = model.view(X), torch.linspace(-7, 7, 4001).unsqueeze(1)
    joint = view.model.decode(z.unsqueeze(1)).log_prob(view.rows) + view.model.prior().log_prob(z).unsqueeze(1)
    return view.model.decode(z).mean.double().numpy(), joint.double()


@pytest.mark.parametrize("missing", [[0], [1, 3], [0, 1, 2, 3], []])
def test_a_score_is_the_log_density_of_what_was_seen(fitted, missing):
    X = IRIS[::10].copy()
    X[:, missing] = np.nan
    scales = np.log(fitted.scaler_.scale_)
    exact = on_a_grid(fitted, X)[1].logsumexp(0) + np.log(14 / 4000) - (scales.sum() - scales[missing].sum())
    np.testing.assert_allclose(fitted.score_samples(X), exact, atol=0.1)


def test_a_gap_is_filled_by_its_mean_given_what_was_seen(fitted):
    X = with_gaps(IRIS[::10], 0.4)
    means, joint = on_a_grid(fitted, X)
    exact = joint.softmax(0).numpy().T @ means * fitted.scaler_.scale_ + fitted.scaler_.mean_
    filled = fitted.impute(X)
    seen = ~np.isnan(X)
    np.testing.assert_array_equal(filled[seen], X[seen])
    np.testing.assert_allclose(filled[~seen], exact[~seen], atol=0.05)


def test_draws_of_a_gap_have_the_mean_that_fills_it_and_leave_what_was_seen(fitted):
    X = with_gaps(IRIS[::10], 0.4)
    draws, seen = fitted.sample_posterior_predictive(X, 2000), ~np.isnan(X)
    assert draws.shape == (2000, *X.shape)
    np.testing.assert_array_equal(draws[:, seen], np.broadcast_to(X[seen], (2000, seen.sum())))
    errors = draws.std(0)[~seen] / np.sqrt(2000)
    assert (abs(draws.mean(0) - fitted.impute(X))[~seen] < 5 * errors + 0.02).all()
    assert (draws.std(0)[~seen] > 0).all()
    np.testing.assert_array_equal(draws, fitted.sample_posterior_predictive(X, 2000))


@pytest.mark.parametrize(
    "model",
    [
        LIDVAE(**QUICK),
        LIDVAE(decoder="brenier", **QUICK),
        LIDVAE(posterior="flow", **QUICK),
        LIDVAE(encoder="plain", **QUICK),
        LIDVAE(likelihood="poisson", **QUICK),
        LIDVAE(objective="iwae", n_samples_train=2, **QUICK),
        VAE(**QUICK),
        SkipVAE(**QUICK),
        LIDGMVAEClustering(k=2, **QUICK),
        LIDGMVAEClustering(k=2, inference="joint", **QUICK),
        GMVAE(k=2, **QUICK),
    ],
    ids=lambda model: repr(model)[:40],
)
def test_every_model_takes_gaps_and_answers_row_by_row(model):
    X = with_gaps(np.round(IRIS))
    model.fit(X)
    Z, scores = model.transform(X), model.score_samples(X)
    assert np.isfinite(Z).all()
    assert np.isfinite(scores).all()
    np.testing.assert_allclose([model.score_samples(row[None])[0] for row in X[:4]], scores[:4], atol=1e-3)
    assert np.isfinite(model.impute(X)).all()
    rows = model.sample(3)
    assert np.isfinite(rows[0] if isinstance(rows, tuple) else rows).all()


def test_labels_of_rows_with_gaps_have_probabilities():
    X = with_gaps(load_wine().data)
    model = make_pipeline(StandardScaler(), LIDGMVAEClustering(k=3, max_epochs=10, random_state=0)).fit(X)
    np.testing.assert_allclose(model.predict_proba(X).sum(1), 1, atol=1e-5)


def test_gaps_may_come_after_a_fit_without_any():
    model = LIDVAE(n_components=2, max_epochs=30, random_state=0).fit(IRIS)
    before = model.score_samples(IRIS)
    filled = model.impute(with_gaps(IRIS))
    error = np.sqrt(((filled - IRIS) / IRIS.std(0))[np.isnan(with_gaps(IRIS))] ** 2).mean()
    assert error < 0.8
    np.testing.assert_array_equal(model.score_samples(IRIS), before)
    model.partial_fit(with_gaps(IRIS))
    assert np.isfinite(model.score(with_gaps(IRIS)))


def test_a_table_without_gaps_gives_the_model_that_it_gave():
    """The path of whole rows is the same: no weights for gaps are made."""
    model = LIDVAE(**QUICK).fit(IRIS)
    assert model.net_.module_.likelihood.n_inputs == IRIS.shape[1]


def test_gaps_are_filled_better_than_by_the_mean_of_the_column():
    X, whole = with_gaps(load_wine().data), load_wine().data
    scaled = (whole - whole.mean(0)) / whole.std(0)
    model = LIDVAE(n_components=4, inverse_lipschitz=0.3, random_state=0).fit((X - whole.mean(0)) / whole.std(0))
    missing = np.isnan(X)
    filled = model.impute((X - whole.mean(0)) / whole.std(0))
    assert np.sqrt((filled - scaled)[missing] ** 2).mean() < 0.85 * np.sqrt(scaled[missing] ** 2).mean()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda X: np.where(np.arange(4) == 2, np.nan, X), r"All values of column 2 are missing \(nan\)"),
        (lambda X: np.where(np.isnan(X), np.inf, X), "contains infinity"),
        (lambda X: np.ma.masked_invalid(X), "X is a masked array"),
    ],
)
def test_a_column_without_values_infinite_ones_and_masks_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        LIDVAE(**QUICK).fit(change(with_gaps(IRIS)))


def test_a_column_without_values_is_named():
    pandas = pytest.importorskip("pandas")
    X = pandas.DataFrame(IRIS, columns=list("abcd")).assign(c=np.nan)
    with pytest.raises(ValueError, match="All values of column 2 \\('c'\\) are missing"):
        LIDVAE(**QUICK).fit(X)


def test_a_value_outside_the_support_is_found_beside_gaps():
    with pytest.raises(ValueError, match="cannot take the value 1.7 in column 1"):
        LIDVAE(likelihood="bernoulli", **QUICK).fit([[0, np.nan], [1, 1.7], [np.nan, 0]])


def test_a_memory_map_may_have_gaps(tmp_path, monkeypatch):
    monkeypatch.setattr("sklid.data.memory_map.LARGEST_LOADED", 0)
    np.save(tmp_path / "rows.npy", with_gaps(IRIS))
    rows = np.load(tmp_path / "rows.npy", mmap_mode="r")
    model = LIDVAE(**QUICK).fit(rows)
    assert np.isfinite(model.score(rows))


def test_one_draw_fills_gaps_and_scores_rows_with_them():
    X = with_gaps(IRIS)
    model = LIDVAE(n_importance_samples=1, **QUICK).fit(X)
    assert np.isfinite(model.impute(X)).all()
    assert np.isfinite(model.score(X))


@pytest.mark.parametrize("family", ["gaussian", "laplace", "student_t", "gamma"])
def test_rows_with_gaps_have_scores_and_fillings_under_every_family_of_clusters(family):
    random = np.random.default_rng(0)
    X = random.standard_normal((80, 4)) + np.repeat([[0.0], [4.0]], 40, axis=0)
    X[random.random(X.shape) < 0.3] = np.nan
    X[:3] = np.nan  # of which nothing was seen
    told = {"family": family, "covariance_type": "diag", "n_init": 1, "max_epochs": 4, "random_state": 0}
    model = LIDMVAEClustering(2, n_components=2, **told).fit(X)
    assert np.isfinite(model.score_samples(X)).all()
    assert np.isfinite(model.impute(X)).all()


@pytest.mark.parametrize(
    "model",
    [LIDVAE(**QUICK), LIDGMVAEClustering(2, n_init=1, **QUICK), LIDVAE(likelihood="auto", **QUICK), VAE(**QUICK)],
)
def test_the_likelihood_of_nothing_is_one(model):
    """In the units of any table, and whatever an encoder makes of it."""
    X = with_gaps(100 * IRIS)
    X[:2] = np.nan
    scores = model.fit(X).score_samples(X)
    assert (scores[:2] == 0).all()
    assert (scores[2:] != 0).all()


def test_the_likelihood_of_no_counts_is_one_whatever_their_covariates():
    counts = np.random.default_rng(0).poisson(5, (60, 3)).astype(float)
    counts[:2] = np.nan
    X = np.column_stack([np.arange(60) % 2, counts])
    model = LIDVAE(1, likelihood="poisson", covariates=[0], offset="library", **QUICK).fit(X)
    assert (model.score_samples(X)[:2] == 0).all()
