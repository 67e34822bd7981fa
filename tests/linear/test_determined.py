"""Features of tables with gaps that others determine, found as from the complete table."""

import numpy as np
import pytest

from sklid import IdentifiablePPCA
from sklid.linear.determined import determining
from sklid.linear.incomplete import IncompleteRows

from .tables import with_gaps


def drawn(seed, n_rows=300):
    """Seven columns of two components and white noise."""
    random = np.random.default_rng(seed)
    W = 3 * np.linalg.qr(random.standard_normal((7, 2))).Q
    return random.standard_normal((n_rows, 7)) + random.standard_normal((n_rows, 2)) @ W.T


ADDED = {
    "nothing": lambda X: np.empty((len(X), 0)),
    "a constant": lambda X: np.ones((len(X), 1)),
    "a copy in other units": lambda X: 3 - 1e4 * X[:, :1],
    "a sum": lambda X: X[:, :3].sum(axis=1, keepdims=True),
    "two sums": lambda X: np.column_stack([X[:, :3].sum(axis=1), X[:, 4] - X[:, 5]]),
}


@pytest.mark.parametrize("added", ADDED)
@pytest.mark.parametrize("seed", range(4))
def test_the_last_of_dependent_features_are_determined(added, seed):
    X = drawn(seed)
    more = ADDED[added](X)
    gaps = with_gaps(np.column_stack([X, more]), 0.2, seed)
    assert (
        determining(IncompleteRows.of(gaps - np.nanmean(gaps, axis=0))).tolist() == [True] * 7 + [False] * more.shape[1]
    )


def test_nearly_equal_columns_are_no_copies():
    X = drawn(0)
    near = X[:, :1] + 1e-4 * np.random.default_rng(0).standard_normal((300, 1))
    assert determining(IncompleteRows.of(with_gaps(np.column_stack([X, near])))).all()


def test_where_no_feature_varies_all_are_kept():
    assert determining(IncompleteRows.of(with_gaps(np.zeros((30, 4))))).all()


@pytest.mark.filterwarnings("ignore::sklid.exceptions.CollapseWarning")
@pytest.mark.parametrize("n_components", ["identifiable", 3, 7])
@pytest.mark.parametrize("added", ["a constant", "a copy in other units", "a sum"])
def test_features_that_others_determine_make_no_component_stand_out(n_components, added):
    for seed in range(3):
        X = drawn(seed)
        more = ADDED[added](X)
        table = np.column_stack([X, more if added != "a copy in other units" else X[:, 0]])
        model = IdentifiablePPCA(n_components, random_state=0).fit(with_gaps(table, 0.2, seed))
        assert model.n_identifiable_ == 2


@pytest.mark.filterwarnings("ignore::sklid.exceptions.CollapseWarning")
@pytest.mark.parametrize("n_components", ["identifiable", 1])
@pytest.mark.parametrize("others", [[2.0], [2.0, 0.0], [0.0]])
def test_one_feature_and_what_it_determines_tell_no_component_from_noise(n_components, others):
    X = np.random.default_rng(0).standard_normal((60, 1)) * np.array([1.0, *others]) + 1.0
    model = IdentifiablePPCA(n_components, random_state=0).fit(with_gaps(X))
    assert (model.n_identifiable_, model.n_components_) == (0, 1)
    assert np.isfinite(model.score(with_gaps(X)))
