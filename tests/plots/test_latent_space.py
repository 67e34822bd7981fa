"""The latent space from any source, with contours that hold their share."""

import numpy as np
import pytest
from torch.distributions import Normal

from sklid import plots

from .iris import X


def test_latent_space_takes_arrays_distributions_and_pipelines(model):
    q = model.encode(X)
    first = plots.LatentSpaceDisplay.from_estimator(model, X)
    second = plots.LatentSpaceDisplay.from_predictions(q.mean.numpy(), q.stddev.numpy())
    np.testing.assert_allclose(first.loc, second.loc)
    third = plots.LatentSpaceDisplay.from_predictions(
        Normal(q.mean[:, :1].expand(-1, 3), q.stddev[:, :1].expand(-1, 3)), latents=(2, 1)
    )
    assert third.latents == (2, 1)
    with pytest.raises(ValueError, match="needs two latents"):
        plots.LatentSpaceDisplay.from_predictions(np.zeros((5, 1)), np.ones((5, 1)))


def test_contours_hold_their_share_of_the_points():
    display = plots.LatentSpaceDisplay.from_predictions(np.zeros((50, 2)), np.ones((50, 2)), latents=(0, 1)).plot()
    for contours in display.ax_.collections:
        radii = [
            np.linalg.norm(path.vertices, axis=1).mean() for path in contours.get_paths() if len(path.vertices) > 10
        ]
        if len(radii) == 2:  # of a standard normal: 1.18 and 2.15
            np.testing.assert_allclose(sorted(radii), np.sqrt(-2 * np.log([0.5, 0.1])), rtol=0.1)
