"""IdentifiablePPCA stands where an estimator of scikit-learn stands, and says what it cannot do."""

import joblib
import numpy as np
import pytest
from scipy import stats
from sklearn.datasets import load_iris
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklid import IdentifiablePPCA

from .tables import planted, with_gaps

SOLVERS = ("eig", "em", "gradient")


def test_scores_do_not_depend_on_the_order_of_rows_or_on_rotations_of_features():
    X = planted()
    rng = np.random.default_rng(3)
    order, Q = rng.permutation(len(X)), np.linalg.qr(rng.standard_normal((8, 8)))[0]
    Z = IdentifiablePPCA(3).fit_transform(X)
    np.testing.assert_allclose(IdentifiablePPCA(3).fit_transform(X[order]), Z[order], atol=1e-10)
    np.testing.assert_allclose(IdentifiablePPCA(3).fit_transform(X @ Q), Z, atol=1e-10)
    assert (stats.skew(Z) > 0).all()


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


def test_works_in_pipelines_searches_frames_and_files(tmp_path):
    table = load_iris(as_frame=True).data
    pipeline = make_pipeline(StandardScaler(), IdentifiablePPCA(2)).fit(table)
    assert pipeline.transform(table).shape == (150, 2)
    search = GridSearchCV(pipeline, {"identifiableppca__n_components": [1, 2, 3]}, cv=3, n_jobs=2).fit(
        table.sample(frac=1, random_state=0)
    )
    assert search.best_params_ == {"identifiableppca__n_components": 3}
    model = IdentifiablePPCA(2).set_output(transform="pandas")
    for frame in (model.fit_transform(table), model.transform(table)):
        assert list(frame.columns) == ["identifiableppca0", "identifiableppca1"]
    for solver in SOLVERS:
        model = IdentifiablePPCA(2, solver=solver, random_state=0).fit(table)
        joblib.dump(model, tmp_path / "model.joblib")
        np.testing.assert_array_equal(joblib.load(tmp_path / "model.joblib").transform(table), model.transform(table))


def test_single_precision_stays_single_and_offsets_do_not_cost_digits():
    X = planted()
    small = IdentifiablePPCA(3).fit(X.astype(np.float32))
    assert small.transform(X.astype(np.float32)).dtype == np.float32
    for values in (small.components_, small.loadings_, small.mean_):
        assert values.dtype == np.float32
    assert IdentifiablePPCA(3).fit(X).components_.dtype == np.float64
    np.testing.assert_allclose(small.loadings_, IdentifiablePPCA(3).fit(X).loadings_, atol=1e-4)
    np.testing.assert_allclose(
        IdentifiablePPCA(3).fit(X + 1e6).transform(X + 1e6), IdentifiablePPCA(3).fit(X).transform(X), atol=1e-6
    )


def test_few_steps_end_with_a_warning_that_says_what_to_raise():
    for solver, rows in (("em", with_gaps(planted())), ("gradient", planted())):
        with pytest.warns(ConvergenceWarning, match="are still to come. To go on, raise max_iter"):
            IdentifiablePPCA(2, solver=solver, max_iter=1, random_state=0).fit(rows)


def test_rows_that_are_all_equal_leave_gradients_nothing_to_learn():
    with pytest.raises(ValueError, match='All rows are equal.*use solver="auto"'):
        IdentifiablePPCA(solver="gradient").fit(np.full((5, 3), 3.0))
