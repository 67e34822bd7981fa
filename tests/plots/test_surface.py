"""The likelihood surface is the log-likelihood."""

import numpy as np
import pytest
from sklearn.decomposition import PCA

from sklid import plots

from .iris import X


def test_likelihood_surface_is_the_log_likelihood():
    pca = PCA(2).fit(X)
    display = plots.LikelihoodSurfaceDisplay.from_estimator(pca, X, row=3, n_steps=5, span=1.0)
    gains = np.sqrt(pca.explained_variance_ - pca.noise_variance_)
    mean = pca.mean_ + np.array([display.grid[1], display.grid[4]]) * gains @ pca.components_
    noise = pca.noise_variance_
    expected = -0.5 * (np.sum((X[3] - mean) ** 2) / noise + 4 * np.log(2 * np.pi * noise))
    assert display.surface[1, 4] == pytest.approx(expected)
