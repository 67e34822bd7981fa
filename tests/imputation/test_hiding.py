"""Values are hidden as others are missing, and something is left of every row and column."""

import numpy as np
import pytest

from sklid.imputation.hiding import hidden_values


def seen_by_chance(share, shape=(150, 4)):
    seen = np.random.default_rng(0).random(shape) >= share
    seen[~seen.any(axis=1), 0] = True
    return seen


@pytest.mark.parametrize("missing", [0.0, 0.01, 0.2, 0.6])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_they_were_seen_and_leave_something_of_every_row_and_column(missing, share):
    seen = seen_by_chance(missing)
    hidden = hidden_values(seen, share, np.random.default_rng(0))
    assert not (hidden & ~seen).any()
    assert hidden.any()
    assert (seen & ~hidden).any(axis=0).all()
    assert (seen & ~hidden).any(axis=1).all()


@pytest.mark.parametrize("missing", [0.0, 0.01, 0.2])
@pytest.mark.parametrize("share", [0.05, 0.1, 0.3])
def test_they_are_about_the_share_that_is_asked_for(missing, share):
    seen = seen_by_chance(missing, (500, 10))
    assert hidden_values(seen, share, np.random.default_rng(0)).sum() == pytest.approx(share * seen.sum(), rel=0.1)


def test_where_blocks_are_missing_blocks_are_hidden():
    seen = np.ones((200, 6), dtype=bool)
    seen[120:, 3:] = False
    hidden = hidden_values(seen, 0.1, np.random.default_rng(0))
    assert not hidden[120:].any()
    whole = hidden[:120, 3:].all(axis=1)
    assert hidden.sum() - 3 * whole.sum() <= 2  # what is left of the share
    assert whole.sum() >= 27


def test_of_few_values_one_is_hidden_that_leaves_others():
    seen = np.array([[False, True, True], [True, True, False]])
    for seed in range(10):
        hidden = hidden_values(seen, 0.1, np.random.default_rng(seed))
        assert hidden.sum() == 1
        assert hidden[:, 1].any()
    assert not hidden_values(np.eye(3, dtype=bool), 0.1, np.random.default_rng(0)).any()
