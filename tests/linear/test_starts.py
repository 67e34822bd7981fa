"""Where fits of rows with gaps begin, and that they end no lower than the truth."""

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from sklid import IdentifiablePPCA
from sklid.linear.incomplete import IncompleteRows
from sklid.linear.starts import columns_seldom_meet

from .tables import with_gaps

HALVES = [(slice(0, 100), slice(0, 4)), (slice(100, 200), slice(4, 8))]
THIRDS = [(slice(0, 70), slice(0, 4)), (slice(70, 140), slice(2, 6)), (slice(140, 200), slice(4, 8))]


def drawn(seed):
    """Rows of two latents and their covariance."""
    random = np.random.default_rng(seed)
    W = 2 * random.standard_normal((8, 2))
    return random.standard_normal((200, 2)) @ W.T + 0.5 * random.standard_normal((200, 8)), W @ W.T + 0.25 * np.eye(8)


def in_blocks(X, blocks):
    gaps = np.full_like(X, np.nan)
    for block in blocks:
        gaps[block] = X[block]
    return gaps


def likelihood(X, C):
    """Of what is observed of each row, under the model that drew it."""
    there = ~np.isnan(X)
    return np.mean([multivariate_normal(cov=C[np.ix_(o, o)]).logpdf(x[o]) for x, o in zip(X, there, strict=True)])


@pytest.mark.parametrize(("blocks", "least"), [(HALVES, 6), (THIRDS, 5)])
def test_the_maximum_is_at_least_as_likely_as_the_truth(blocks, least):
    """In nearly all tables: six starts miss it now and then."""
    found = 0
    for seed in range(6):
        X, C = drawn(seed)
        X = in_blocks(X, blocks)
        found += IdentifiablePPCA(2, tol=1e-6, random_state=0).fit(X).score(X) > likelihood(X, C)
    assert found >= least


def test_columns_meet_in_most_rows_with_gaps_at_random():
    X, _ = drawn(0)
    assert not columns_seldom_meet(IncompleteRows.of(with_gaps(X, 0.2)))
    assert columns_seldom_meet(IncompleteRows.of(with_gaps(X, 0.8)))
    assert columns_seldom_meet(IncompleteRows.of(in_blocks(X, THIRDS)))
