"""Traversals move one latent at a time and name the columns."""

import numpy as np
from sklearn.datasets import load_iris
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklid import LIDVAE, plots

from .iris import SMALL, X


def test_traversals_decode_one_latent_at_a_time(model):
    display = plots.LatentTraversalDisplay.from_estimator(model, X, latents=[1], n_steps=3, span=1.5)
    places = np.tile(model.transform(X).mean(axis=0), (3, 1))
    places[:, 1] = [-1.5, 0.0, 1.5]
    np.testing.assert_allclose(display.decoded[0], model.inverse_transform(places), rtol=1e-5)
    assert len(display.plot().axes_) == 1


def test_traversals_name_the_columns_that_the_model_sees():
    table = load_iris(as_frame=True).data
    alone = LIDVAE(**{**SMALL, "max_epochs": 2})
    pipeline = make_pipeline(StandardScaler(), LIDVAE(**{**SMALL, "max_epochs": 2}))
    for estimator in (alone, pipeline):
        display = plots.LatentTraversalDisplay.from_estimator(estimator.fit(table), table, latents=[0])
        assert list(display.feature_names) == list(table.columns)
    assert plots.LatentTraversalDisplay.from_estimator(pipeline.fit(X), X, latents=[0]).feature_names is None
