"""What is clustered in `clustering.py`: tables, images and counts with known classes, and how peers see each of them.

Files are read from ``$SKLID_DATA``. A model of this package takes the rows as they are. The peers take what is common
practice for them, which `Data.prepare` makes of the same rows.
"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from cells import fashion_mnist, mnist
from scipy.sparse import load_npz
from sklearn.datasets import load_breast_cancer, load_digits, load_iris, load_wine
from sklearn.preprocessing import scale

from sklid.datasets import make_pinwheel

__all__ = ["DATA", "Data", "Rows"]

N_GENES = 2_000


class Rows(NamedTuple):
    """Rows to fit, rows to measure, and the classes of the latter; without a split both are the same array."""

    train: np.ndarray
    test: np.ndarray
    classes: np.ndarray


class Data(NamedTuple):
    """A data set.

    Attributes
    ----------
    title : str
    k : int
        Its number of classes.
    load : callable
    prepare : callable
        Makes of rows what a peer takes.
    mixed : bool
        Whether the columns have units of their own.
    large : bool
        Whether peers take 10 000 rows and fewer seeds.
    """

    title: str
    k: int
    load: Callable[[], Rows]
    prepare: Callable[[np.ndarray], np.ndarray]
    mixed: bool = False
    large: bool = False


def whole(X: np.ndarray, y: np.ndarray) -> Rows:
    """All rows are fitted and measured."""
    return Rows(X, X, y)


def satimage() -> Rows:
    with np.load(folder() / "satimage.npz") as arrays:
        return whole(arrays["X_train"], arrays["y_train"])


def bladder() -> Rows:
    """Counts of the genes that vary most between cells, by the logarithm of their share of a cell."""
    path = folder() / "mouse_bladder_counts.npz"
    counts = load_npz(path).toarray().astype(np.float32)
    with np.load(path) as arrays:
        classes = arrays["y"]
    chosen = np.argsort(-log_normalised(counts).var(axis=0), kind="stable")[:N_GENES]
    return whole(counts[:, np.sort(chosen)], classes)


def images(load: Callable[..., tuple], n_train: int) -> Rows:
    train, _, test, classes, _ = load(labels=True, n_train=n_train)
    return Rows(train, test, classes)


def folder() -> Path:
    return Path(os.environ.get("SKLID_DATA", ""))


def unchanged(X: np.ndarray) -> np.ndarray:
    return X


def in_one_unit(X: np.ndarray) -> np.ndarray:
    """One mean and one standard deviation for the whole table."""
    return (X - X.mean()) / X.std()


def log_normalised(counts: np.ndarray) -> np.ndarray:
    """Logarithm of one and the counts, each row scaled to the median total."""
    total = counts.sum(axis=1, keepdims=True, dtype=np.float64)
    return np.log1p(counts / total * np.median(total))


DATA = {
    "digits": Data("digits", 10, lambda: whole(*load_digits(return_X_y=True)), lambda X: X / 16),
    "pinwheel": Data("pinwheel", 5, lambda: whole(*make_pinwheel(1000, random_state=0)), unchanged),
    "satimage": Data("satimage", 6, satimage, in_one_unit),
    "mnist": Data("MNIST", 10, lambda: images(mnist, 60_000), unchanged, large=True),
    "fashion": Data("Fashion-MNIST", 10, lambda: images(fashion_mnist, 20_000), unchanged, large=True),
    "bladder": Data("bladder counts", 16, bladder, log_normalised, large=True),
    "wine": Data("wine", 3, lambda: whole(*load_wine(return_X_y=True)), scale, mixed=True),
    "cancer": Data("breast cancer", 2, lambda: whole(*load_breast_cancer(return_X_y=True)), scale, mixed=True),
    "iris": Data("iris", 3, lambda: whole(*load_iris(return_X_y=True)), scale, mixed=True),
}
