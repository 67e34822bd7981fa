"""Reconstructions are the predictions."""

import numpy as np

from sklid import plots

from .iris import X


def test_reconstructions_are_the_predictions(model):
    display = plots.ReconstructionDisplay.from_estimator(model, X, n_rows=4)
    np.testing.assert_allclose(display.reconstructions["LIDVAE"], model.predict(X[:4]), rtol=1e-4)
