"""Warnings are silenced in one thread, and the filters of all threads stay as they are."""

import threading
import warnings

import numpy as np
import pytest

from sklid import LIDGMVAEClustering
from sklid.exceptions import CappedEstimateWarning, CollapseWarning, silenced, warn_user


def test_a_silenced_category_is_silent_in_the_block_and_no_other_is():
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        with silenced(CappedEstimateWarning):
            warn_user("capped", CappedEstimateWarning)
            warn_user("collapsed", CollapseWarning)
        warn_user("capped", CappedEstimateWarning)
    assert [warning.category for warning in caught] == [CollapseWarning, CappedEstimateWarning]


def test_what_one_thread_silences_another_hears():
    heard = []

    def warns():
        with pytest.raises(CappedEstimateWarning):
            warn_user("capped", CappedEstimateWarning)
        heard.append(True)

    with warnings.catch_warnings(), silenced(CappedEstimateWarning):
        warnings.simplefilter("error")
        thread = threading.Thread(target=warns)
        thread.start()
        thread.join()
    assert heard


@pytest.mark.parametrize("init", ["graph", "kmeans", "gmm", "random"])
def test_starts_of_a_mixture_on_equal_rows_or_cut_short_give_no_warning_of_scikit_learns(init):
    X = np.repeat(np.random.default_rng(0).standard_normal((4, 2)), 10, axis=0)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        LIDGMVAEClustering(k=20, init=init, n_components=2, max_epochs=2, random_state=0).fit(X)
    assert {warning.category for warning in caught} <= {CollapseWarning}
