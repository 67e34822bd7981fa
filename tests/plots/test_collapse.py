"""The display of collapse draws what the metrics measure."""

import numpy as np
import pytest
from sklearn.decomposition import PCA
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklid import LIDVAE, metrics, plots

from .iris import SMALL, X, new_axes


def test_collapse_display_shows_what_the_metrics_measure(model):
    display = plots.CollapseDisplay.from_estimator(model, X)
    np.testing.assert_array_equal(display.kl, metrics.kl_divergence(model, X).per_dimension)
    assert display.floor == pytest.approx(np.log(2) / 2)
    heights = sorted(bar.get_height() for bar in display.plot().ax_.patches)
    np.testing.assert_allclose(heights, sorted(display.kl))
    pipeline = make_pipeline(StandardScaler(), LIDVAE(**SMALL)).fit(X)
    assert plots.CollapseDisplay.from_estimator(pipeline, X).floor == pytest.approx(np.log(2) / 2)
    assert np.isnan(plots.CollapseDisplay.from_estimator(PCA(2).fit(X), X).plot(new_axes()).floor)
