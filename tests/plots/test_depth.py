"""Depth curves are the results of a search."""

import pytest
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklid import LIDVAE, metrics, plots

from .iris import SMALL, X


def test_depth_curves_come_from_a_grid_search():
    pipeline = make_pipeline(StandardScaler(), LIDVAE(**{**SMALL, "max_epochs": 2}))
    search = GridSearchCV(
        pipeline, {"lidvae__decoder_depth": [1, 2]}, cv=2, scoring=metrics.COLLAPSE_SCORERS["active_units"]
    ).fit(X)
    display = plots.DepthCurveDisplay.from_estimator(search, name="mine").plot()
    found = [[search.cv_results_[f"split{fold}_test_score"][place] for fold in range(2)] for place in range(2)]
    assert {at: values.tolist() for at, values in display.values["mine"].items()} == {1.0: found[0], 2.0: found[1]}
    with pytest.raises(ValueError, match="no metric 'r2'"):
        plots.DepthCurveDisplay.from_estimator(search, "r2")
