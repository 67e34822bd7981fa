"""Rows with missing values, fitted by what is observed of them."""

import numpy as np
import pytest

from sklid import IdentifiablePPCA

from .tables import planted, with_gaps


@pytest.mark.parametrize("solver", ["eig", "gradient"])
def test_missing_values_need_the_solver_that_takes_them(solver):
    with pytest.raises(ValueError, match="Input X contains NaN"):
        IdentifiablePPCA(2, solver=solver).fit(with_gaps(planted()))


def test_estimates_with_gaps_come_near_those_without():
    X = planted(3000)
    whole, gaps = IdentifiablePPCA(3).fit(X), IdentifiablePPCA(3).fit(with_gaps(X))
    np.testing.assert_allclose(gaps.loadings_, whole.loadings_, atol=0.15)
    assert gaps.noise_variance_ == pytest.approx(whole.noise_variance_, rel=0.05)
    likelihood = [IdentifiablePPCA(3, tol=tol).fit(with_gaps(X)).score(with_gaps(X)) for tol in (1e-2, 1e-6)]
    assert likelihood[1] > likelihood[0]
