"""What comes in is checked, and what is refused changes nothing."""

import signal

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning, NotFittedError

from sklid import IdentifiablePPCA
from sklid.exceptions import NoiseWarning

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


@pytest.mark.parametrize(
    ("column", "message"),
    [
        ("text", "Column 'b' holds text or categories, and principal components are those of numbers"),
        (pd.Timestamp("2024-02-29"), "Column 'b' holds dates, times or durations"),
    ],
)
def test_columns_without_numbers_are_told_by_name(column, message):
    frame = pd.DataFrame(planted(), columns=list("abcdefgh")).assign(b=column)
    with pytest.raises(ValueError, match=message):
        IdentifiablePPCA(2).fit(frame)
    table = planted().astype(object)
    table[:, 1] = "text"
    with pytest.raises(ValueError, match="Column 1 holds text"):
        IdentifiablePPCA(2).fit(table)


def test_sparse_rows_with_gaps_are_sent_to_dense_ones():
    with pytest.raises(ValueError, match=r"takes in dense rows alone. Pass X.toarray\(\)"):
        IdentifiablePPCA(2).fit(sparse.csr_array(with_gaps(planted())))


def test_the_rows_that_are_counted_are_all_with_gaps_too():
    X, weights = with_gaps(planted()), np.random.default_rng(0).integers(1, 4, 300)
    assert IdentifiablePPCA(2).fit(X).n_samples_ == 300
    assert IdentifiablePPCA(2).fit(X, sample_weight=weights).n_samples_ == weights.sum()


@pytest.mark.filterwarnings("ignore::sklid.CollapseWarning")
def test_columns_with_gaps_of_scales_that_rounding_does_not_bridge_are_warned_of():
    X = with_gaps(planted(), 0.1) * np.where(np.arange(8) == 2, 1e8, 1.0)
    with pytest.warns(NoiseWarning, match="column 2 spread .e.08 times as far as those of column"):
        IdentifiablePPCA(2, random_state=0).fit(X)
    IdentifiablePPCA(2).fit(np.nan_to_num(X))  # which complete rows bridge


def test_steps_that_are_too_few_for_a_forecast_give_none():
    with pytest.warns(ConvergenceWarning, match="in 2 steps: more nats per row than can be told are still to come"):
        IdentifiablePPCA(2, max_iter=2).fit(with_gaps(planted()))
