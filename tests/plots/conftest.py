"""A fitted model for the tests of displays, which need matplotlib."""

import pytest
import torch

from sklid import LIDVAE
from sklid.callbacks import CollapseMonitor

from .iris import SMALL, X


@pytest.fixture(autouse=True)
def drawing():
    pytest.importorskip("matplotlib", reason="pictures need the extra sklid[plots]")


@pytest.fixture(scope="session")
def model():
    with torch.random.fork_rng():
        return LIDVAE(**SMALL, callbacks=[CollapseMonitor()]).fit(X)
