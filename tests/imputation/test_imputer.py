"""An imputer that stands where scikit-learn's stand, and fills gaps by the better of two models."""

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_digits, load_iris, load_wine, make_low_rank_matrix
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklid import LIDVAE, IdentifiablePPCA, LIDVAEImputer
from sklid.imputation.linear import LinearFilling


def with_gaps(X, share=0.2, seed=0):
    X = np.array(X, dtype=float)
    X[np.random.default_rng(seed).random(X.shape) < share] = np.nan
    return X


def linear_rows(n=300, seed=0):
    random = np.random.default_rng(seed)
    return random.standard_normal((n, 2)) @ random.standard_normal((2, 6)) + 0.3 * random.standard_normal((n, 6))


def test_what_was_seen_is_left_and_gaps_are_filled_in_the_units_of_the_data():
    X = with_gaps(load_wine().data)
    filled, seen = LIDVAEImputer(model="linear", random_state=0).fit_transform(X), ~np.isnan(X)
    np.testing.assert_array_equal(filled[seen], X[seen])
    whole = load_wine().data
    errors = np.sqrt((((filled - whole) / whole.std(0))[~seen] ** 2).mean())
    assert errors < 0.9


def test_the_model_with_the_least_error_at_hidden_values_fills_the_gaps():
    """Rows of a linear model for one, and a curve for the other, on which no line explains a column by the other."""
    linear = LIDVAEImputer(random_state=0).fit(with_gaps(linear_rows(64)))
    assert isinstance(linear.estimator_, IdentifiablePPCA)
    random = np.random.default_rng(0)
    t = random.uniform(-1, 1, (64, 1))
    curve = np.hstack([t, t**3, np.sin(3 * t), np.cos(4 * t)]) + 0.03 * random.standard_normal((64, 4))
    curved = LIDVAEImputer(random_state=0).fit(with_gaps(curve))
    assert isinstance(curved.estimator_, LIDVAE)
    assert curved.errors_["lidvae"] < 0.8 * curved.errors_["linear"]


def test_the_linear_model_takes_as_much_to_be_noise_as_fills_gaps_well():
    """Of pixels all directions stand out from noise that is learned, since some columns hardly vary."""
    whole = StandardScaler().fit_transform(load_digits().data[:300])
    gaps = with_gaps(whole)
    error = lambda filled: np.sqrt(np.square(filled - whole)[np.isnan(gaps)].mean())  # noqa: E731
    learned = [LinearFilling(K, random_state=0, tol=1e-3).fit(gaps).impute(gaps) for K in (8, 16, 32)]
    imputer = LIDVAEImputer("linear", random_state=0).fit(gaps)
    assert error(imputer.transform(gaps)) < min(map(error, learned))


@pytest.mark.parametrize("shape", [(30, 1), (4, 10), (2, 3)])
def test_few_rows_or_columns_are_enough(shape):
    X = np.random.default_rng(0).standard_normal(shape)
    X[0, 0] = np.nan
    X[1, -1] = X[1, -1] if shape[1] == 1 else np.nan
    assert np.isfinite(LIDVAEImputer("linear", random_state=0).fit_transform(X)).all()


def test_draws_of_the_linear_model_have_its_exact_conditional_moments():
    X = with_gaps(linear_rows())[:20]
    model = LinearFilling(n_components=2, random_state=0).fit(linear_rows())
    covariance = model.loadings_ @ model.loadings_.T + model.noise_variance_ * np.eye(6)
    draws = model.sample_posterior_predictive(X, 4000)
    for row, of_row in zip(X, draws.swapaxes(0, 1), strict=True):
        seen = ~np.isnan(row)
        if seen.all():
            continue
        weights = covariance[np.ix_(~seen, seen)] @ np.linalg.inv(covariance[np.ix_(seen, seen)])
        mean = model.mean_[~seen] + weights @ (row - model.mean_)[seen]
        rest = covariance[np.ix_(~seen, ~seen)] - weights @ covariance[np.ix_(seen, ~seen)]
        spread = np.sqrt(np.diag(rest))
        assert (abs(of_row[:, ~seen].mean(0) - mean) < 5 * spread / np.sqrt(4000)).all()
        np.testing.assert_allclose(of_row[:, ~seen].std(0), spread, rtol=0.06)


def test_draws_of_rows_without_gaps_are_these():
    X = linear_rows()
    imputer = LIDVAEImputer("linear", sample_posterior=True, random_state=0).fit(X)
    np.testing.assert_array_equal(imputer.sample_posterior_predictive(X, 2), [X, X])


def test_draws_cover_as_often_as_they_should():
    X, whole = with_gaps(linear_rows()), linear_rows()
    model = LinearFilling(random_state=0).fit(X)
    draws = model.sample_posterior_predictive(X, 200)
    low, high = np.quantile(draws, [0.05, 0.95], axis=0)
    inside = ((low < whole) & (whole < high))[np.isnan(X)]
    assert abs(inside.mean() - 0.9) < 3 * np.sqrt(0.09 / len(inside)) + 0.02


def test_sampled_fillings_differ_by_seed_and_not_between_calls():
    X = with_gaps(linear_rows())
    one, other = (LIDVAEImputer("linear", sample_posterior=True, random_state=seed).fit(X) for seed in (0, 1))
    np.testing.assert_array_equal(one.transform(X), one.transform(X))
    assert abs(one.transform(X) - other.transform(X))[np.isnan(X)].min() > 0


def test_few_rows_of_noise_are_filled_nearly_as_by_means():
    ratios = []
    for seed in range(20):
        X = np.random.default_rng(seed).standard_normal((12, 5))
        gaps = with_gaps(X, seed=seed)
        hidden, means = np.isnan(gaps), np.where(np.isnan(gaps), np.nanmean(gaps, axis=0), gaps)
        filled = LIDVAEImputer("linear", random_state=0).fit_transform(gaps)
        ratios.append(np.square(filled - X)[hidden].mean() / np.square(means - X)[hidden].mean())
    assert np.mean(ratios) < 1.15


def test_frames_keep_names_and_pipelines_take_gaps():
    X, y = load_iris(return_X_y=True, as_frame=True)
    X = X.mask(np.random.default_rng(0).random(X.shape) < 0.2)
    filled = LIDVAEImputer(model="linear").set_output(transform="pandas").fit_transform(X)
    pd.testing.assert_index_equal(filled.columns, X.columns)
    model = make_pipeline(LIDVAEImputer(model="linear"), LogisticRegression(max_iter=1000)).fit(X, y)
    assert model.score(X, y) > 0.85


def test_rows_without_gaps_come_back_as_they_are():
    X = make_low_rank_matrix(50, 6, effective_rank=2, random_state=0)
    np.testing.assert_array_equal(LIDVAEImputer(model="linear").fit_transform(X), X)


def test_a_column_without_values_is_refused():
    with pytest.raises(ValueError, match="All values of column 1 are missing"):
        LIDVAEImputer().fit([[1.0, np.nan], [2.0, np.nan]])


@pytest.mark.parametrize(
    ("column", "message"),
    [
        (np.nan, "All values of column 'b' are missing"),
        ("text", "Column 'b' holds text or categories, and this imputer fills tables of numbers"),
        (pd.Timestamp("2024-02-29"), "Column 'b' holds dates, times or durations"),
        (1e300, "Column 'b' holds values so large"),
    ],
)
def test_columns_that_cannot_be_filled_are_told_by_name(column, message):
    frame = pd.DataFrame(linear_rows(50)).rename(columns={1: "b"}).rename(columns=str).assign(b=column)
    if column == 1e300:
        frame.loc[::2, "b"] = -column
    with pytest.raises(ValueError, match=message):
        LIDVAEImputer().fit(frame)


def test_values_that_stand_alone_leave_nothing_to_choose_by():
    X = np.where(np.eye(3, dtype=bool), 1.0, np.nan)
    with pytest.raises(ValueError, match="none can be hidden"):
        LIDVAEImputer().fit(X)


def test_a_single_row_is_refused():
    with pytest.raises(ValueError, match="a minimum of 2 is required by LIDVAEImputer"):
        LIDVAEImputer().fit([[1.0, 2.0]])


def test_a_fit_that_is_interrupted_leaves_the_imputer_as_it_was(monkeypatch):
    X, other = with_gaps(linear_rows()), with_gaps(1_000 + linear_rows(seed=1))
    imputer, fitted = LIDVAEImputer("linear", random_state=0), LIDVAEImputer("linear", random_state=0).fit(X)
    before = fitted.transform(X)

    def interrupted(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(LinearFilling, "fit", interrupted)
    for each in (imputer, fitted):
        with pytest.raises(KeyboardInterrupt):
            each.fit(other)
    with pytest.raises(NotFittedError, match="not fitted"):
        imputer.transform(X)
    np.testing.assert_array_equal(fitted.transform(X), before)


@pytest.mark.parametrize("model", ["linear", "best"])
@pytest.mark.parametrize("value", [1e155, 1e300])
def test_a_column_of_values_too_large_is_told(model, value):
    X = with_gaps(linear_rows(50))
    X[1, 1] = value
    with pytest.raises(
        ValueError, match="Column 1 holds values so large that their variance is beyond double precision"
    ):
        LIDVAEImputer(model, random_state=0).fit(X)
