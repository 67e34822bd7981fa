"""Scorers rank models in a grid search, inside and outside a pipeline; the table of results is readable."""

import joblib
import numpy as np
import pandas
import pytest
from sklearn.cluster import KMeans
from sklearn.datasets import load_iris
from sklearn.model_selection import GridSearchCV, cross_validate
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from sklid import LIDVAE, LIDGMVAEClustering
from sklid.metrics import (
    COLLAPSE_SCORERS,
    LABEL_SCORERS,
    active_units,
    amortization_gap,
    log_likelihood,
    make_collapse_scorer,
)

pytestmark = pytest.mark.filterwarnings("ignore::sklid.CollapseWarning")
SMALL = {"n_components": 2, "max_epochs": 8, "decoder_width": 32, "encoder_width": 32, "random_state": 0}
X, y = load_iris(return_X_y=True)


def readable(search, parameters):
    """One row per candidate: its parameters and the mean of each score."""
    results = pandas.DataFrame(search.cv_results_)
    return results[[f"param_{name}" for name in parameters] + [f"mean_test_{name}" for name in search.scorer_]]


def test_grid_search_over_depth_and_constant_of_a_lidvae():
    grid = {"decoder_depth": [1, 2], "inverse_lipschitz": [0.5, 2.0]}
    search = GridSearchCV(
        LIDVAE(**SMALL), grid, scoring=COLLAPSE_SCORERS, refit="log_likelihood", cv=2, error_score="raise"
    ).fit(X)
    table = readable(search, grid)
    assert table.shape == (4, 2 + len(COLLAPSE_SCORERS))
    assert np.isfinite(table.to_numpy(dtype=float)).all()
    assert search.best_score_ == table["mean_test_log_likelihood"].max()
    by_constant = table.groupby("param_inverse_lipschitz")["mean_test_mutual_information"].mean()
    assert by_constant[2.0] > by_constant[0.5]


def test_grid_search_over_a_clustering_in_a_pipeline():
    pipeline = Pipeline([("scale", StandardScaler()), ("cluster", LIDGMVAEClustering(k=3, **SMALL))])
    grid = {"cluster__decoder_depth": [1, 2], "cluster__inverse_lipschitz": [0.5, 2.0]}
    scoring = COLLAPSE_SCORERS | LABEL_SCORERS
    search = GridSearchCV(
        pipeline, grid, scoring=scoring, refit="cluster_mutual_information", cv=2, error_score="raise"
    ).fit(X, y)
    table = readable(search, grid)
    assert np.isfinite(table.to_numpy(dtype=float)).all()
    assert table["mean_test_clustering_accuracy"].between(0.3, 1.0).all()


def test_scorers_are_the_metrics_and_costs_are_negative():
    model = LIDVAE(**SMALL).fit(X)
    assert COLLAPSE_SCORERS["log_likelihood"](model, X) == log_likelihood(model, X).value
    assert COLLAPSE_SCORERS["neg_amortization_gap"](model, X) == -amortization_gap(model, X).value
    assert all(scorer.__name__ == name for name, scorer in COLLAPSE_SCORERS.items())
    assert {name for name in COLLAPSE_SCORERS if "kl" in name or "gap" in name} == {
        "neg_aggregate_posterior_kl",
        "neg_amortization_gap",
    }


def test_parameters_reach_the_metric():
    model = LIDVAE(**SMALL).fit(X)
    assert make_collapse_scorer(active_units, threshold=1e9)(model, X) == 0.0


def test_scorers_run_in_other_processes_and_survive_pickling(tmp_path):
    joblib.dump(COLLAPSE_SCORERS, tmp_path / "scorers.joblib")
    loaded = joblib.load(tmp_path / "scorers.joblib")
    scores = cross_validate(LIDVAE(**SMALL), X, cv=2, scoring={"au": loaded["active_units"]}, n_jobs=2)
    assert scores["test_au"].shape == (2,)


def test_a_model_without_latents_gets_one_clear_line():
    with pytest.raises(TypeError, match="VariationalModel"):
        COLLAPSE_SCORERS["mutual_information"](KMeans(2, n_init=1).fit(X), X)
    with pytest.raises(TypeError, match="got 'kl'"):
        make_collapse_scorer("kl")
