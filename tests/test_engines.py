"""Searches and blocks on engines of others give what they give without."""

import joblib
import numpy as np
import pytest
from sklearn.model_selection import GridSearchCV

from sklid import LIDVAE, LIDGMVAEClustering
from sklid.metrics import COLLAPSE_SCORERS

SMALL = {"max_epochs": 3, "decoder_width": 8, "encoder_width": 8, "random_state": 0}
pytestmark = pytest.mark.filterwarnings("ignore")  # of the engines, and of fits that are too short


def rows(n=60):
    return np.random.default_rng(0).standard_normal((n, 4))


def scores():
    search = GridSearchCV(
        LIDVAE(2, **SMALL), {"decoder_depth": [1, 2]}, cv=2, scoring=COLLAPSE_SCORERS, refit="log_likelihood"
    ).fit(rows())
    return {name: each for name, each in search.cv_results_.items() if "test" in name}


@pytest.fixture(scope="module")
def alone():
    return scores()


def test_search_on_dask_gives_the_scores_it_gives_alone(alone):
    distributed = pytest.importorskip("distributed", reason="dask.distributed is not installed")
    with (
        distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster,
        distributed.Client(cluster),
        joblib.parallel_config("dask"),
    ):
        there = scores()
    for name, values in alone.items():
        np.testing.assert_allclose(there[name], values, rtol=1e-12)


def test_search_on_ray_gives_the_scores_it_gives_alone(alone, monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))  # where Ray leaves files
    ray = pytest.importorskip("ray", reason="Ray is not installed")
    from ray.util.joblib import register_ray

    register_ray()
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    try:
        with joblib.parallel_config("ray"):
            there = scores()
    finally:
        ray.shutdown()
    for name, values in alone.items():
        np.testing.assert_allclose(there[name], values, rtol=1e-12)


@pytest.mark.parametrize("model", [LIDVAE(2, **SMALL), LIDGMVAEClustering(2, n_components=2, n_init=1, **SMALL)])
def test_blocks_of_dask_ml_are_calls_of_partial_fit(model):
    wrappers = pytest.importorskip("dask_ml.wrappers", reason="dask-ml is not installed")
    from dask import array, config
    from sklearn.base import clone

    X, by_hand = rows(), clone(model)
    for start in range(0, len(X), 20):
        by_hand.partial_fit(X[start : start + 20])
    with config.set(scheduler="synchronous"):
        blocks = array.from_array(X, chunks=(20, 4))
        incremental = wrappers.Incremental(model, shuffle_blocks=False).fit(blocks)
        latents = np.asarray(incremental.transform(blocks))
    np.testing.assert_allclose(latents, by_hand.transform(X), rtol=1e-6)
