"""The picture of a clustering's mixture."""

import numpy as np
import pytest
from sklearn.cluster import KMeans
from sklearn.datasets import make_blobs

from sklid import LIDGMVAEClustering
from sklid.plots import ClusterDisplay

X, BLOBS = make_blobs(90, 4, centers=3, random_state=0)


@pytest.fixture(scope="module")
def model():
    settings = {"n_components": 2, "max_epochs": 5, "encoder_width": 16, "decoder_width": 16, "n_init": 1}
    return LIDGMVAEClustering(3, random_state=0, **settings).fit(X)


def test_points_and_ellipses_are_those_of_the_latents_in_one_plane(model):
    """Distances in a plane of two latents are those of the latents."""
    display = ClusterDisplay.from_estimator(model, X).plot()
    latents = model.transform(X)
    np.testing.assert_allclose(
        np.linalg.norm(display.points[0] - display.points, axis=1),
        np.linalg.norm(latents[0] - latents, axis=1),
        rtol=1e-4,
        atol=1e-5,
    )
    assert len(display.ax_.patches) == 3
    np.testing.assert_allclose(np.linalg.det(display.covariances), np.linalg.det(model.covariances_), rtol=1e-4)
    assert display.n_used == len(np.unique(model.labels_))


def test_models_without_a_mixture_and_labels_of_other_rows_are_refused(model):
    with pytest.raises(TypeError, match="shows the mixture of a clustering of this package, and a KMeans has none"):
        ClusterDisplay.from_estimator(KMeans(3, n_init=1).fit(X), X)
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        ClusterDisplay.from_estimator(model, X, labels=BLOBS[:5])
