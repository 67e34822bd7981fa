"""Of rows with gaps as many components stand out as are there, however few rows there are and whatever is asked for."""

import numpy as np
import pytest

from sklid import IdentifiablePPCA

from .tables import with_gaps

N_TABLES = 8


def counts(n_rows, n_features, share, n_planted, n_components="identifiable"):
    """Identifiable components of tables in which each planted one stands far out."""
    found = []
    for seed in range(N_TABLES):
        random = np.random.default_rng(seed)
        W = 1.5 * np.sqrt(n_features) * np.linalg.qr(random.standard_normal((n_features, 3))).Q[:, :n_planted]
        X = random.standard_normal((n_rows, n_features)) + random.standard_normal((n_rows, n_planted)) @ W.T
        model = IdentifiablePPCA(n_components, random_state=0).fit(with_gaps(X, share, seed))
        found.append(model.n_identifiable_)
    return np.array(found)


@pytest.mark.filterwarnings("ignore::sklid.exceptions.CollapseWarning")
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize(
    ("n_rows", "n_features", "share"), [(20, 60, 0.2), (40, 60, 0.5), (60, 60, 0.5), (200, 20, 0.2), (50, 10, 0.2)]
)
def test_noise_does_not_stand_out_beside_what_does(n_rows, n_features, share):
    found = counts(n_rows, n_features, share, 3)
    assert (found > 3).sum() <= 1
    assert (found == 3).mean() > 0.8


@pytest.mark.filterwarnings("ignore::sklid.exceptions.CollapseWarning")
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize(("n_rows", "n_features", "share"), [(20, 60, 0.5), (40, 60, 0.5), (20, 10, 0.2)])
def test_nothing_stands_out_of_noise(n_rows, n_features, share):
    assert counts(n_rows, n_features, share, 0).sum() <= 1


@pytest.mark.filterwarnings("ignore::sklid.exceptions.CollapseWarning")
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("n_components", [2, 3, 10, 19])
def test_however_many_are_fitted(n_components):
    assert ((found := counts(200, 20, 0.5, 3, n_components)) == 3).mean() > 0.8, found
