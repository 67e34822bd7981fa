"""The next variance of noise beside weak components is that of simulated rows."""

import numpy as np
import pytest

from sklid.linear.edge import largest_noise
from sklid.linear.weak import next_share


@pytest.mark.parametrize(("n_features", "degrees"), [(20, 60), (40, 25)])
def test_draws_have_the_law_of_simulated_rows(n_features, degrees):
    population = np.array([3.0, 2.5])
    X = np.random.default_rng(1).standard_normal((4000, degrees, n_features))
    X[:, :, :2] *= np.sqrt(population)
    variances = np.linalg.eigvalsh(X @ X.mT if degrees < n_features else X.mT @ X)[:, ::-1]
    expected, found = variances[:, 2] / variances[:, 2:].sum(axis=1), next_share(population, n_features, degrees)
    assert found.mean() == pytest.approx(expected.mean(), abs=4 * expected.std() / 20)
    assert found.std() == pytest.approx(expected.std(), rel=0.2)


def test_beside_strong_components_it_is_that_of_white_noise_and_beside_weak_ones_lower():
    limit = largest_noise(48, 97, 0.025) / 48
    strong, weak = (np.mean(next_share(np.array(pair), 50, 99) > limit) for pair in ([90.0, 80.0], [1.8, 1.7]))
    assert strong == pytest.approx(0.025, abs=0.02)
    assert weak < 0.005
