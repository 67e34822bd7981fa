"""Parallel analysis finds what exceeds permuted columns, whatever the noise of each column."""

import numpy as np
import pytest
from scipy import sparse, stats

from sklid import CollapseWarning, IdentifiablePPCA

from .tables import planted, with_gaps
from .test_isotropy import autocorrelated, heavy_tailed, strong_components, unequal


@pytest.mark.parametrize("noise", [unequal, autocorrelated, heavy_tailed])
def test_components_in_noise_that_is_not_isotropic_are_counted(noise):
    X = strong_components(noise(np.random.default_rng(0)))
    if noise is unequal:
        X /= X.std(axis=0)
    model = IdentifiablePPCA("parallel", random_state=0).fit(X)
    assert (model.n_identifiable_, model.n_components_) == (3, 3)


def test_limits_are_quantiles_of_the_variances_of_permuted_columns():
    """Those of independent normal columns of the same variances."""
    X, rng = np.random.default_rng(0).standard_normal((200, 6)), np.random.default_rng(1)
    with pytest.warns(CollapseWarning, match="No component stands out") as caught:
        IdentifiablePPCA("parallel", random_state=0).fit(X)
    fresh = [
        np.linalg.eigvalsh(
            np.cov(stats.zscore(rng.standard_normal((200, 6)), ddof=1).T * X.std(axis=0, ddof=1)[:, None])
        )[-1]
        for _ in range(2000)
    ]
    limit = float(str(caught[0].message).split("noise alone reaches ")[1].split(". ")[0])
    assert limit == pytest.approx(np.quantile(fresh, 0.95), rel=0.05)


def test_weights_are_repetitions_and_sparse_rows_are_rows():
    X, weights = planted(), np.random.default_rng(0).integers(0, 3, 300)
    one, other = IdentifiablePPCA("parallel", random_state=0), IdentifiablePPCA("parallel", random_state=0)
    np.testing.assert_allclose(
        one.fit(X, sample_weight=weights).loadings_, other.fit(np.repeat(X, weights, axis=0)).loadings_, rtol=1e-8
    )
    X[np.abs(X) < 4] = 0
    assert other.fit(sparse.csr_array(X)).n_components_ == one.fit(X).n_components_


def test_what_cannot_be_permuted_is_refused_with_what_can():
    model = IdentifiablePPCA("parallel")
    with pytest.raises(ValueError, match='"identifiable" takes gaps'):
        model.fit(with_gaps(planted()))
    with pytest.raises(ValueError, match="must hold whole numbers"):
        model.fit(planted(), sample_weight=np.full(300, 0.5))


@pytest.mark.parametrize("n_features", [8, 80])
def test_batches_are_compared_with_normal_columns(n_features):
    X = planted(60, n_features, (9.0, 8.0, 7.0))
    parts = IdentifiablePPCA("parallel", random_state=0)
    for batch in np.array_split(X, 3):
        parts.partial_fit(batch)
    whole = IdentifiablePPCA("parallel", random_state=0).fit(X)
    assert parts.n_identifiable_ == whole.n_identifiable_ > 0
