"""Shared settings: one thread per process, so that results and times do not depend on how many tests run beside."""

import os

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"  # read as libraries load, here and in scripts

import pytest
import torch


@pytest.fixture(autouse=True, scope="session")
def one_thread():
    torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def seed():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        yield


CAUSES = "sklid.estimators.trained.TrainedEstimator._warning_names_cause"


@pytest.fixture(autouse=True, scope="module")
def without_causes():
    """A collapse is told without its cause, which takes longer to find than a model of a few epochs to fit."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(CAUSES, False)
        yield


@pytest.fixture
def with_causes(monkeypatch, without_causes):
    """The warning of a collapse names its cause, as it does for users."""
    monkeypatch.setattr(CAUSES, True)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Tests of one file stay together, since they share what is fitted for their module."""
    from xdist.scheduler import WorkStealingScheduling

    return WorkStealingScheduling(config, log)
