"""IdentifiablePPCA reaches the same maximum by every solver, tells components from noise, and answers exactly, with gaps too."""

import joblib
import numpy as np
import pytest
import torch
from scipy import stats
from sklearn.datasets import load_iris
from sklearn.decomposition import PCA
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklid import CollapseWarning, IdentifiablePPCA
from sklid.metrics import collapse_report, kl_divergence, log_likelihood

SOLVERS = ("eig", "em", "gradient")
SINGULAR_VALUES = np.array([4.372, 3.036])
quiet = pytest.mark.filterwarnings("ignore::sklid.CollapseWarning")


def planted(n_rows=300, n_features=8, amplitudes=(4.0, 2.0, 1.5), noise=0.7, seed=0):
    rng = np.random.default_rng(seed)
    W = np.linalg.qr(rng.standard_normal((n_features, len(amplitudes))))[0] * amplitudes
    return rng.gamma(2.0, 0.5**0.5, (n_rows, len(amplitudes))) @ W.T + noise * rng.standard_normal((n_rows, n_features)) + 5


def with_gaps(X, share=0.2, seed=1):
    return np.where(np.random.default_rng(seed).random(X.shape) < share, np.nan, X)


def rows_with_covariance(C, n_rows=500, seed=0):
    """Rows whose sample covariance, with N - 1 degrees of freedom, is C exactly."""
    rows = np.random.default_rng(seed).standard_normal((n_rows, len(C)))
    rows -= rows.mean(0)
    return rows @ np.linalg.inv(np.linalg.cholesky(np.cov(rows.T))).T @ np.linalg.cholesky(C).T


@pytest.mark.parametrize("rows", [planted(), planted(60, 100), load_iris().data], ids=["tall", "wide", "iris"])
@pytest.mark.parametrize("solver", ["em", "gradient"])
def test_every_solver_finds_the_closed_form(solver, rows):
    closed = IdentifiablePPCA(2, solver="eig").fit(rows)
    found = IdentifiablePPCA(2, solver=solver, random_state=0).fit(rows)
    error = np.linalg.norm(found.loadings_ - closed.loadings_, axis=0) / np.linalg.norm(closed.loadings_, axis=0)
    assert error.max() < 1e-3
    assert found.score(rows) == pytest.approx(closed.score(rows), abs=1e-4)


@quiet
@pytest.mark.parametrize("n_components", [1, 2, 3, 4])
def test_score_is_that_of_pca_of_the_same_rank(n_components):
    X = load_iris().data
    assert IdentifiablePPCA(n_components).fit(X).score(X) == pytest.approx(PCA(n_components).fit(X).score(X), rel=1e-6)


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize(
    ("noise", "information", "floor"),
    [
        (0.1, 7.19, 6.83),
        (0.2, 5.81, 5.44),
        (0.5, 3.99, 3.63),
        (1, 2.66, 2.32),
        (1.5, 1.94, 1.63),
        (2, 1.48, 1.20),
        (5, 0.441, 0.31),
        (10, 0.132, 0.09),
    ],
)
def test_information_at_known_noise_is_that_of_the_closed_form(solver, noise, information, floor):
    W = np.linalg.qr(np.random.default_rng(0).standard_normal((5, 2)))[0] * SINGULAR_VALUES
    X = rows_with_covariance(W @ W.T + noise**2 * np.eye(5))
    model = IdentifiablePPCA(2, solver=solver, noise_variance=noise**2, random_state=0).fit(X)
    assert model.mutual_information_.sum() == pytest.approx(information, abs=1e-2)
    assert model.mutual_information_lower_bound_ == pytest.approx(floor, abs=1e-2)


@pytest.mark.parametrize("solver", SOLVERS)
def test_a_loading_is_zero_exactly_when_known_noise_reaches_its_variance(solver):
    X = planted()
    second = PCA(2).fit(X).explained_variance_[1]
    alive = IdentifiablePPCA(2, solver=solver, noise_variance=0.9 * second, random_state=0).fit(X)
    assert alive.n_identifiable_ == 2
    assert alive.kl_[1] > 0.01
    with pytest.warns(CollapseWarning, match="1 of 2 components are noise"):
        dead = IdentifiablePPCA(2, solver=solver, noise_variance=1.1 * second, random_state=0).fit(X)
    assert (dead.n_identifiable_, dead.kl_[1], list(dead.collapsed_components_)) == (1, 0.0, [1])
    np.testing.assert_array_equal(dead.transform(X)[:, 1], 0)


def test_planted_components_are_found_and_white_noise_has_none():
    assert IdentifiablePPCA().fit(planted()).n_components_ == 3
    assert IdentifiablePPCA().fit(with_gaps(planted())).n_components_ == 3
    with pytest.warns(CollapseWarning, match="No component stands out"):
        noise = IdentifiablePPCA().fit(np.random.default_rng(0).standard_normal((300, 20)))
    assert (noise.n_identifiable_, noise.n_components_) == (0, 1)


def test_scores_do_not_depend_on_the_order_of_rows_or_on_rotations_of_features():
    X = planted()
    rng = np.random.default_rng(3)
    order, Q = rng.permutation(len(X)), np.linalg.qr(rng.standard_normal((8, 8)))[0]
    Z = IdentifiablePPCA(3).fit_transform(X)
    np.testing.assert_allclose(IdentifiablePPCA(3).fit_transform(X[order]), Z[order], atol=1e-10)
    np.testing.assert_allclose(IdentifiablePPCA(3).fit_transform(X @ Q), Z, atol=1e-10)
    assert (stats.skew(Z) > 0).all()


@pytest.mark.parametrize("gaps", [False, True])
def test_weights_are_repetitions(gaps):
    X = with_gaps(planted()) if gaps else planted()
    weights = np.random.default_rng(0).integers(0, 4, len(X))
    weighted, repeated = IdentifiablePPCA(2).fit(X, sample_weight=weights), IdentifiablePPCA(2).fit(np.repeat(X, weights, axis=0))
    np.testing.assert_allclose(weighted.loadings_, repeated.loadings_, rtol=1e-8, atol=1e-8)
    np.testing.assert_allclose(weighted.kl_, repeated.kl_, rtol=1e-8)


@quiet
def test_answers_about_rows_with_gaps_are_those_of_the_multivariate_normal():
    X = with_gaps(planted())
    X[0] = np.nan
    model = IdentifiablePPCA(3).fit(X)
    C, m, W = model.get_covariance(), model.mean_, model.loadings_
    found, scores, filled = model.posterior(X[:9]), model.score_samples(X[:9]), model.predict(X[:9])
    assert scores[0] == pytest.approx(0, abs=1e-12)
    for n in range(1, 9):
        there = ~np.isnan(X[n])
        gain = W[there].T @ np.linalg.inv(C[np.ix_(there, there)])
        mean = gain @ (X[n, there] - m[there])
        np.testing.assert_allclose(found.mean[n], mean, rtol=1e-8)
        np.testing.assert_allclose(found.covariance_matrix[n], np.eye(3) - gain @ W[there], atol=1e-10)
        np.testing.assert_allclose(scores[n], stats.multivariate_normal(m[there], C[np.ix_(there, there)]).logpdf(X[n, there]))
        np.testing.assert_allclose(
            filled[n, ~there], (m + C[:, there] @ np.linalg.solve(C[np.ix_(there, there)], X[n, there] - m[there]))[~there], rtol=1e-8
        )


def test_partial_fit_is_fit_on_all_rows():
    X = planted()
    whole, parts = IdentifiablePPCA(3).fit(X), IdentifiablePPCA(3)
    for batch in np.array_split(X, 7):
        parts.partial_fit(batch)
    np.testing.assert_allclose(parts.transform(X), whole.transform(X), atol=1e-10)
    assert parts.n_samples_ == len(X)


def test_kl_is_the_mean_divergence_of_the_posteriors():
    X = planted()
    model = IdentifiablePPCA(3).fit(X)
    p = model.posterior(X).base_dist
    expected = torch.distributions.kl_divergence(p, torch.distributions.Normal(torch.zeros(3).double(), 1.0)).mean(0)
    np.testing.assert_allclose(model.kl_, expected, rtol=1e-10)


def test_precision_is_the_inverse_and_samples_have_the_covariance():
    model = IdentifiablePPCA(3, random_state=0).fit(planted())
    np.testing.assert_allclose(model.get_precision() @ model.get_covariance(), np.eye(8), atol=1e-10)
    np.testing.assert_allclose(np.cov(model.sample(200_000).T), model.get_covariance(), atol=0.15)


@pytest.mark.parametrize(
    ("rows", "n_components", "message"),
    [
        (np.column_stack([planted()[:, :3], np.full(300, np.nan)]), 1, "Column 3 holds no value"),
        (np.full((5, 3), np.nan), 1, "No row holds a value"),
        (planted(), 9, "n_components=9 is more than 8 features"),
        (planted(5), 5, "they span at most 4 directions"),
    ],
)
def test_what_cannot_be_fitted_is_refused_in_one_line(rows, n_components, message):
    with pytest.raises(ValueError, match=message):
        IdentifiablePPCA(n_components).fit(rows)


@quiet
@pytest.mark.parametrize("solver", SOLVERS)
def test_odd_tables_get_the_right_answer(solver):
    X = planted()
    as_many = IdentifiablePPCA(8, solver=solver, random_state=0).fit(X)
    np.testing.assert_allclose(as_many.get_covariance(), np.cov(X.T), atol=1e-2)
    constant = IdentifiablePPCA(3, solver=solver, random_state=0).fit(np.column_stack([X, np.full(300, 3.0)]))
    assert np.abs(constant.loadings_[-1]).max() < 1e-6
    flat = IdentifiablePPCA(solver="eig").fit(X[:, :3] @ np.eye(3, 6))
    assert flat.n_identifiable_ == 3


def test_works_in_pipelines_searches_frames_and_files(tmp_path):
    table = load_iris(as_frame=True).data
    pipeline = make_pipeline(StandardScaler(), IdentifiablePPCA(2)).fit(table)
    assert pipeline.transform(table).shape == (150, 2)
    search = GridSearchCV(pipeline, {"identifiableppca__n_components": [1, 2, 3]}, cv=3, n_jobs=2).fit(table.sample(frac=1, random_state=0))
    assert search.best_params_ == {"identifiableppca__n_components": 3}
    frame = IdentifiablePPCA(2).set_output(transform="pandas").fit_transform(table)
    assert list(frame.columns) == ["identifiableppca0", "identifiableppca1"]
    for solver in SOLVERS:
        model = IdentifiablePPCA(2, solver=solver, random_state=0).fit(table)
        joblib.dump(model, tmp_path / "model.joblib")
        np.testing.assert_array_equal(joblib.load(tmp_path / "model.joblib").transform(table), model.transform(table))


def test_partial_fit_goes_on_with_signs_weights_and_every_solver():
    X, weights = planted(), np.random.default_rng(0).integers(0, 3, 300)
    whole = IdentifiablePPCA(2).fit(X, sample_weight=weights)
    parts = IdentifiablePPCA(2)
    for rows, w in zip(np.array_split(X, 3), np.array_split(weights, 3), strict=True):
        parts.partial_fit(rows, sample_weight=w)
    np.testing.assert_allclose(parts.loadings_, whole.loadings_, atol=1e-8)
    for solver in ("em", "gradient"):
        found = IdentifiablePPCA(2, solver=solver, random_state=0).partial_fit(X[:150]).partial_fit(X[150:])
        np.testing.assert_allclose(found.loadings_, IdentifiablePPCA(2).fit(X).loadings_, atol=1e-3)
    with pytest.raises(ValueError, match="contains NaN"):
        parts.partial_fit(with_gaps(X))


def test_inverse_undoes_the_decoder_and_a_zero_loading_has_none():
    model = IdentifiablePPCA(3).fit(planted())
    Z = np.random.default_rng(0).standard_normal((5, 3))
    np.testing.assert_allclose(model.invert(model.inverse_transform(Z)), Z, atol=1e-10)
    with pytest.warns(CollapseWarning):
        dead = IdentifiablePPCA(3, noise_variance=1e6).fit(planted())
    with pytest.raises(ValueError, match="Component 0 has loading zero"):
        dead.invert(planted())


def test_metrics_of_the_package_see_the_exact_posterior():
    X = planted()
    model = IdentifiablePPCA(3).fit(X)
    np.testing.assert_allclose(kl_divergence(model, X).per_dimension, model.kl_, rtol=1e-6)
    assert log_likelihood(model, X).value == pytest.approx(model.score(X), abs=1e-6)
    assert collapse_report(model, X).verdict == "healthy"


def test_single_precision_stays_single_and_offsets_do_not_cost_digits():
    X = planted()
    small = IdentifiablePPCA(3).fit(X.astype(np.float32))
    assert small.transform(X.astype(np.float32)).dtype == np.float32
    np.testing.assert_allclose(small.loadings_, IdentifiablePPCA(3).fit(X).loadings_, atol=1e-4)
    np.testing.assert_allclose(IdentifiablePPCA(3).fit(X + 1e6).transform(X + 1e6), IdentifiablePPCA(3).fit(X).transform(X), atol=1e-6)


def test_randomised_decomposition_of_many_rows_and_features_agrees_with_the_whole(monkeypatch):
    X = planted(300, 120, (8.0, 6.0, 5.0))
    whole = IdentifiablePPCA(random_state=0).fit(X)
    monkeypatch.setattr("sklid.linear.covariance.LARGEST_MATRIX", 50)
    found = IdentifiablePPCA(random_state=0).fit(X)
    assert found.n_components_ == whole.n_components_ == 3
    np.testing.assert_allclose(found.loadings_, whole.loadings_, atol=1e-3)
    assert found.noise_variance_ == pytest.approx(whole.noise_variance_, rel=1e-4)


@pytest.mark.parametrize("solver", ["eig", "gradient"])
def test_missing_values_need_the_solver_that_takes_them(solver):
    with pytest.raises(ValueError, match="Input X contains NaN"):
        IdentifiablePPCA(2, solver=solver).fit(with_gaps(planted()))


def test_estimates_with_gaps_come_near_those_without():
    X = planted(3000)
    whole, gaps = IdentifiablePPCA(3).fit(X), IdentifiablePPCA(3).fit(with_gaps(X))
    np.testing.assert_allclose(gaps.loadings_, whole.loadings_, atol=0.15)
    assert gaps.noise_variance_ == pytest.approx(whole.noise_variance_, rel=0.05)
    likelihood = [IdentifiablePPCA(3, tol=tol).fit(with_gaps(X)).score(with_gaps(X)) for tol in (1e-2, 1e-6)]
    assert likelihood[1] > likelihood[0]


def test_few_steps_end_with_a_warning_that_says_what_to_raise():
    for solver, rows in (("em", with_gaps(planted())), ("gradient", planted())):
        with pytest.warns(ConvergenceWarning, match="raise max_iter"):
            IdentifiablePPCA(2, solver=solver, max_iter=1, random_state=0).fit(rows)
