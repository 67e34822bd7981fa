"""Components are told from noise."""

import numpy as np
import pytest

from sklid import CollapseWarning, IdentifiablePPCA

from .tables import planted, with_gaps


def test_planted_components_are_found_and_white_noise_has_none():
    assert IdentifiablePPCA().fit(planted()).n_components_ == 3
    assert IdentifiablePPCA().fit(with_gaps(planted())).n_components_ == 3
    with pytest.warns(CollapseWarning, match="No component stands out"):
        noise = IdentifiablePPCA().fit(np.random.default_rng(0).standard_normal((300, 20)))
    assert (noise.n_identifiable_, noise.n_components_) == (0, 1)
