"""What a data scientist does instead, for `clustering.py`: KMeans, mixtures after a reduction, and ClustPy.

Every peer has its defaults, but for those given here. ClustPy's VaDE has a cross-entropy for its loss and so takes rows
in [0, 1]. Two packages are needed by this benchmark alone, ``pip install clustpy==0.0.3 umap-learn==0.5.12``; methods
of one that is missing are left out.
"""

import functools
import math
import os
import time
import warnings
from collections.abc import Callable
from importlib.metadata import version
from importlib.util import find_spec

import numpy as np
import torch
from loops import silence
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.mixture import GaussianMixture
from sklearn.pipeline import make_pipeline
from skorch import NeuralNetRegressor
from torch import nn

from sklid.nn.perceptron import perceptron

__all__ = ["CLUSTPY", "DEFAULT_EPOCHS", "PEERS", "PEER_EPOCHS", "bounded", "clustpy", "epochs_within", "installed"]

UMAP_SETTINGS = {"n_components": 10, "n_neighbors": 20, "min_dist": 0.0}
PEER_EPOCHS = {"autoencoder + mixture": 100}
DEFAULT_EPOCHS = 100, 150
"""Of the two phases of ClustPy's methods."""
CLUSTPY = {"ClustPy VaDE": "VaDE", "ClustPy DEC": "DEC"}


class Autoencoder(TransformerMixin, BaseEstimator):
    """The code of a plain autoencoder, of the layers and epochs that an estimator of this package has by default."""

    def __init__(self, n_components: int, max_epochs: int, random_state: int) -> None:
        self.n_components = n_components
        self.max_epochs = max_epochs
        self.random_state = random_state

    def fit(self, X: np.ndarray, y: object = None) -> "Autoencoder":
        x, n_features = X.astype(np.float32), X.shape[1]
        with torch.random.fork_rng():
            torch.manual_seed(self.random_state)
            code, back = (
                perceptron(*ends, 2, 256) for ends in ((n_features, self.n_components), (self.n_components, n_features))
            )
            self.net_ = NeuralNetRegressor(
                nn.Sequential(code, back), optimizer=torch.optim.Adam, lr=1e-3, batch_size=256,
                max_epochs=self.max_epochs, train_split=None, iterator_train__shuffle=True, verbose=0,
            ).fit(x, x)  # fmt: skip
        return self

    def transform(self, X: np.ndarray) -> np.ndarray:
        with torch.no_grad():
            return self.net_.module_[0](torch.from_numpy(X.astype(np.float32))).numpy().astype(float)


def n_latents(X: np.ndarray) -> int:
    """As many as an estimator of this package takes by default."""
    return min(10, math.ceil(0.75 * X.shape[1]))


def mixture(k: int, seed: int) -> GaussianMixture:
    return GaussianMixture(k, random_state=seed)


def umap(seed: int) -> TransformerMixin:
    return compiled_umap()(**UMAP_SETTINGS, random_state=seed)


@functools.cache
def compiled_umap() -> type[TransformerMixin]:
    """UMAP, after it has compiled what it is made of, which is not to be timed.

    A fit leaves the threads of the whole process at the most that its compiler knows of.
    """
    os.environ["NUMBA_NUM_THREADS"] = "1"
    from umap import UMAP

    rows = np.random.default_rng(0).standard_normal((2, 200, 5))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        UMAP(**UMAP_SETTINGS, random_state=0).fit(rows[0]).transform(rows[1])
    return UMAP


def clustpy(name: str, k: int, seed: int, epochs: tuple[int, int]) -> BaseEstimator:
    from clustpy import deep

    return getattr(deep, name)(k, pretrain_epochs=epochs[0], clustering_epochs=epochs[1], random_state=seed)


PEERS: dict[str, Callable[[np.ndarray, int, int], BaseEstimator]] = {
    "KMeans": lambda X, k, seed: KMeans(k, n_init=10, random_state=seed),
    "mixture": lambda X, k, seed: mixture(k, seed),
    "PCA + mixture": lambda X, k, seed: make_pipeline(PCA(n_latents(X), random_state=seed), mixture(k, seed)),
    "autoencoder + mixture": lambda X, k, seed: make_pipeline(
        Autoencoder(n_latents(X), PEER_EPOCHS["autoencoder + mixture"], seed), mixture(k, seed)
    ),
    "UMAP + mixture": lambda X, k, seed: make_pipeline(umap(seed), mixture(k, seed)),
    "UMAP + KMeans": lambda X, k, seed: make_pipeline(umap(seed), KMeans(k, n_init=10, random_state=seed)),
}
"""Made for rows, a number of clusters and a seed."""


def package_of(method: str) -> str | None:
    """The package that a method needs beyond those of the tests."""
    if method in CLUSTPY:
        return "clustpy"
    return "umap-learn" if method.startswith("UMAP") else None


def installed(method: str) -> str | None:
    """Name and version of that package, an empty text where there is none, None where it is missing."""
    package = package_of(method)
    if package is None:
        return ""
    return f"{package} {version(package)}" if find_spec(package.removesuffix("-learn")) else None


def bounded(X: np.ndarray, by_columns: bool) -> np.ndarray:
    """Rows in [0, 1]: between the least and the greatest number of the table, or of each column."""
    axis = 0 if by_columns else None
    low, high = X.min(axis=axis), X.max(axis=axis)
    return (X - low) / (high - low)


def epochs_within(name: str, X: np.ndarray, k: int, seconds: float) -> tuple[int, int]:
    """Epochs of ClustPy's two phases, at most its defaults and in their proportion, that take about so many seconds.

    An epoch of each phase is timed as half of what three of each take longer than one.
    """
    short, longer = (seconds_of(clustpy(name, k, 0, (n, n)), X) for n in (1, 3))
    both = (longer - short) / 2
    share = (seconds - (short - both)) / (both * sum(DEFAULT_EPOCHS) / 2)
    return tuple(max(1, round(min(1.0, share) * n)) for n in DEFAULT_EPOCHS)


def seconds_of(model: BaseEstimator, X: np.ndarray) -> float:
    start = time.process_time()
    with silence():
        model.fit(X)
    return time.process_time() - start
