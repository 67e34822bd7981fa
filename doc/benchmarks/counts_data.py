"""Counts of single cells, as all sides of `data_counts.py` see them; numpy, scipy and scikit-learn alone.

The 2000 genes are those of greatest variance in log counts at equal sums, of the training rows. Cells without any count
in them are left out.
"""

import os
from pathlib import Path
from typing import NamedTuple

import numpy as np
import scipy.sparse
from numpy.typing import NDArray
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score
from sklearn.neighbors import KNeighborsClassifier

__all__ = ["Split", "accuracy", "ari", "bladder", "log_counts", "split"]

FILE = "mouse_bladder_counts.npz"
TEST_SHARE, N_NEIGHBOURS = 0.2, 10


class Split(NamedTuple):
    """Counts and cell types of training and test rows."""

    X: NDArray
    y: NDArray
    X_test: NDArray
    y_test: NDArray


def bladder(seed: int, n_genes: int = 2_000) -> Split:
    """A random split of the bladder cells of the Mouse Cell Atlas (Han et al. 2018), in the folder SKLID_DATA."""
    folder = os.environ.get("SKLID_DATA")
    if folder is None or not (Path(folder) / FILE).exists():
        raise SystemExit(f"Set SKLID_DATA to the folder that holds {FILE}.")
    counts = scipy.sparse.load_npz(Path(folder) / FILE).tocsr()
    with np.load(Path(folder) / FILE) as file:
        y = file["y"]
    return split(counts, y, seed, n_genes)


def split(counts: scipy.sparse.csr_matrix, y: NDArray, seed: int, n_genes: int) -> Split:
    """A random split of cells, with the genes that vary most among the training rows."""
    order = np.random.default_rng(seed).permutation(counts.shape[0])
    n_test = round(TEST_SHARE * len(order))
    train = counts[order[n_test:]].toarray().astype(np.float32)
    genes = np.sort(np.argsort(-log_counts(train).var(axis=0), kind="stable")[:n_genes])
    every = counts[order][:, genes].toarray().astype(np.float32)
    kept = every.sum(axis=1) > 0
    test = np.arange(len(order)) < n_test
    X, y = every, y[order]
    return Split(X[~test & kept], y[~test & kept], X[test & kept], y[test & kept])


def log_counts(X: NDArray) -> NDArray:
    """log(1 + x) of rows that are brought to one sum, the median."""
    sums = X.sum(axis=1, keepdims=True)
    return np.log1p(X / np.maximum(sums, 1) * np.median(sums))


def accuracy(Z: NDArray, y: NDArray, Z_test: NDArray, y_test: NDArray) -> float:
    """Share of test rows whose cell type most of their nearest training rows have."""
    return float(KNeighborsClassifier(N_NEIGHBOURS).fit(Z, y).score(Z_test, y_test))


def ari(Z_test: NDArray, y_test: NDArray) -> float:
    """Adjusted Rand index of as many clusters of KMeans as there are cell types, among the latents of test rows."""
    clusters = KMeans(len(np.unique(y_test)), n_init=10, random_state=0).fit_predict(Z_test)
    return float(adjusted_rand_score(y_test, clusters))
