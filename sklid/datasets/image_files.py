"""The official files of images, and how arrays are made of them.

Everything is checked against the sha256 that `tensorflow_datasets` has recorded for the same addresses.
"""

import gzip
import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .downloads import RemoteFile

__all__ = ["FASHION_MNIST", "GREATEST", "MNIST", "OMNIGLOT", "SIDE", "Images"]

SIDE, GREATEST = 28, 255
"""Pixels of a side, and the greatest intensity."""
MNIST_URL = "https://storage.googleapis.com/cvdf-datasets/mnist/"
FASHION_URL = "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/"
OMNIGLOT_URL = "https://github.com/brendenlake/omniglot/raw/master/python/"
MNIST_HASHES = (
    "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
    "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
    "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
    "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
)
FASHION_HASHES = (
    "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
    "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
    "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
    "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
)
OMNIGLOT_HASHES = (
    "ad41ab679c8b5d90b271ef46be6987cc81211774a695c29dcc5367b2b26ee640",
    "1f61a8f3366785b057fc117d9228e78a16e3d976c8953b2a10fcc74cf0609cee",
)
IDX_NAMES = ("train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz", "t10k-images-idx3-ubyte.gz",
             "t10k-labels-idx1-ubyte.gz")  # fmt: skip
OMNIGLOT_NAMES = ("images_background.zip", "images_evaluation.zip")
GARMENTS = ("T-shirt/top", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot")


class Images(NamedTuple):
    """A data set of images: its file in the data folder, its official files, how to read them, what its labels mean."""

    file: str
    remote: tuple[RemoteFile, ...]
    read: Callable[[list[Path]], dict[str, NDArray]]
    target_names: tuple[str, ...] | None
    description: str


def remote_files(url: str, names: tuple[str, ...], hashes: tuple[str, ...]) -> tuple[RemoteFile, ...]:
    """Files that stand beside each other."""
    return tuple(RemoteFile(url + name, sha256) for name, sha256 in zip(names, hashes, strict=True))


def idx_arrays(paths: list[Path]) -> dict[str, NDArray]:
    """Images and labels, to fit and to test, of the four gzip files of MNIST's format."""
    names = ("X_train", "y_train", "X_test", "y_test")
    return {name: _idx_array(gzip.decompress(path.read_bytes())) for name, path in zip(names, paths, strict=True)}


def _idx_array(content: bytes) -> NDArray[np.uint8]:
    """An array of bytes: the fourth byte is the number of axes, whose sizes follow as big-endian integers."""
    n_axes = content[3]
    shape = np.frombuffer(content, ">i4", n_axes, offset=4)
    return np.frombuffer(content, np.uint8, offset=4 + 4 * n_axes).reshape(shape)


def omniglot_arrays(paths: list[Path]) -> dict[str, NDArray]:
    """Drawings and the numbers of their characters, of the two official archives."""
    background, evaluation = paths
    X_train, y_train = _drawings(background)
    X_test, y_test = _drawings(evaluation)
    return {"X_train": X_train, "y_train": y_train, "X_test": X_test, "y_test": y_test + y_train.max() + 1}


def _drawings(archive: Path) -> tuple[NDArray[np.uint8], NDArray[np.int16]]:
    """The drawings of an archive by alphabet, character and drawer: of each pixel, how much is ink."""
    try:
        from PIL import Image
    except ImportError as error:
        raise ImportError('The drawings need Pillow: pip install "sklid[datasets]".') from error
    with zipfile.ZipFile(archive) as file:
        names = sorted(name for name in file.namelist() if name.endswith(".png"))
        pixels = np.empty((len(names), SIDE, SIDE), np.uint8)
        for drawing, name in zip(pixels, names, strict=True):
            paper = np.asarray(Image.open(io.BytesIO(file.read(name))).convert("L")) > 0
            ink = Image.fromarray(np.where(paper, 0, GREATEST).astype(np.uint8))
            drawing[:] = np.asarray(ink.resize((SIDE, SIDE), Image.Resampling.BOX))
    characters = [name.rpartition("/")[0] for name in names]
    return pixels, np.unique(characters, return_inverse=True)[1].astype(np.int16)


MNIST = Images(
    "mnist.npz",
    remote_files(MNIST_URL, IDX_NAMES, MNIST_HASHES),
    idx_arrays,
    tuple("0123456789"),
    "Handwritten digits, 28 x 28, intensities in [0, 1] (LeCun, Cortes & Burges 1998).",
)
FASHION_MNIST = Images(
    "fashion_mnist.npz",
    remote_files(FASHION_URL, IDX_NAMES, FASHION_HASHES),
    idx_arrays,
    GARMENTS,
    "Ten kinds of garments, 28 x 28, intensities in [0, 1] (Xiao, Rasul & Vollgraf 2017).",
)
OMNIGLOT = Images(
    "omniglot_28x28.npz",
    remote_files(OMNIGLOT_URL, OMNIGLOT_NAMES, OMNIGLOT_HASHES),
    omniglot_arrays,
    None,
    "Characters of 50 alphabets, each by 20 drawers, reduced to 28 x 28 shares of ink (Lake et al. 2015).",
)
