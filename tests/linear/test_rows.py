"""What comes in is checked, and what is refused changes nothing."""

import signal

import numpy as np
import pytest
from sklearn.exceptions import NotFittedError

from sklid import IdentifiablePPCA

from .tables import planted, with_gaps


@pytest.mark.parametrize("solver", ["eig", "gradient"])
def test_missing_values_are_sent_to_the_solvers_that_take_them(solver):
    message = f'Input X contains NaN.*solver="{solver}" needs complete rows, solver="em" and "auto" take gaps'
    with pytest.raises(ValueError, match=message):
        IdentifiablePPCA(2, solver=solver).fit(with_gaps(planted()))
    with pytest.raises(ValueError, match=message):
        IdentifiablePPCA(2, solver=solver, random_state=0).fit(planted()).transform(with_gaps(planted()))


@pytest.mark.filterwarnings("ignore::sklid.CollapseWarning")
@pytest.mark.parametrize("refused", [planted(5), np.full((9, 6), np.nan), planted()[:, :1], np.full((9, 3), np.inf)])
def test_a_refused_fit_leaves_the_estimator_as_it_was(refused):
    X = planted()
    for method in ("fit", "partial_fit"):
        fresh, fitted = IdentifiablePPCA(5), IdentifiablePPCA(5).fit(X)
        before = fitted.transform(X)
        with pytest.raises(ValueError):  # noqa: PT011
            getattr(fresh, method)(refused)
        with pytest.raises(NotFittedError):
            fresh.transform(X)
        with pytest.raises(ValueError):  # noqa: PT011
            fitted.fit(refused)
        np.testing.assert_array_equal(fitted.transform(X), before)


def test_ctrl_c_ends_the_gradient_solver_and_leaves_no_half_trained_model():
    model = IdentifiablePPCA(3, solver="gradient", tol=0, max_iter=100_000, random_state=0)
    handler = signal.signal(signal.SIGALRM, signal.default_int_handler)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.3)
        with pytest.raises(KeyboardInterrupt):
            model.fit(planted(2000, 40))
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, handler)
    assert not hasattr(model, "mean_")


def test_masked_values_are_missing():
    rows = with_gaps(planted())
    masked, missing = (IdentifiablePPCA(2).fit(each) for each in (np.ma.masked_invalid(rows), rows))
    np.testing.assert_array_equal(masked.components_, missing.components_)
    with pytest.raises(ValueError, match="missing value"):
        IdentifiablePPCA(2, solver="eig").fit(np.ma.masked_invalid(rows))


@pytest.mark.parametrize("n_samples", [0, -1, 2.5, True])
def test_number_of_draws_is_a_whole_number_of_at_least_one(n_samples):
    with pytest.raises(ValueError, match="n_samples=.* must be a whole number"):
        IdentifiablePPCA(2).fit(planted()).sample(n_samples)
