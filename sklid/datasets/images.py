"""Images that the literature on latent-variable models measures itself by, one row of intensities for each.

All are grey, 28 by 28, of intensities from 0 to 1, and kept as whole numbers of 0 to 255 in one compressed file a data
set.
"""

import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import Bunch

from .downloads import data_folder, downloaded
from .image_files import FASHION_MNIST, GREATEST, MNIST, OMNIGLOT, SIDE, Images
from .reading import reading, writing_whole

__all__ = ["fetch_fashion_mnist", "fetch_mnist", "fetch_omniglot"]


def fetch_mnist(
    *,
    subset: str = "train",
    data_home: str | os.PathLike | None = None,
    return_X_y: bool = False,
    progress: bool = True,
) -> Bunch | tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Handwritten digits: 60 000 to fit, 10 000 to test.

    The first call downloads 12 MB and keeps them.

    Parameters
    ----------
    subset : {"train", "test", "all"}, default="train"
        "all" has the test images last.
    data_home : path, optional
        A folder that holds ``mnist.npz`` or will. None means the one named by the variable ``SKLID_DATA``, and without
        it ``sklid`` in the folder of scikit-learn's own data.
    return_X_y : bool, default=False
        Whether to return rows and labels alone.
    progress : bool, default=True
        Whether to show how far a download is.

    Returns
    -------
    data : Bunch
        ``data``, of shape (n_samples, 784) in [0, 1]; ``images``, the same as (n_samples, 28, 28); ``target``, int of
        shape (n_samples,); ``target_names``; ``frame``, None; ``source``, where the images came from; ``DESCR``.
    (data, target) : tuple, if `return_X_y`

    Raises
    ------
    ValueError
        If `subset` is none of the three.
    ImportError
        If a download needs pooch, and it is not installed: ``pip install "sklid[datasets]"``.
    OSError
        If the data are not in the folder and cannot be fetched or written, or are not those that were meant.

    References
    ----------
    LeCun, Cortes & Burges, "The MNIST database of handwritten digits", 1998.

    Examples
    --------
    >>> from sklid.datasets import fetch_mnist
    >>> X, y = fetch_mnist(return_X_y=True)  # doctest: +SKIP
    """
    return _fetched(MNIST, subset, data_home, return_X_y, progress)


def fetch_fashion_mnist(
    *,
    subset: str = "train",
    data_home: str | os.PathLike | None = None,
    return_X_y: bool = False,
    progress: bool = True,
) -> Bunch | tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Ten kinds of garments: 60 000 images to fit, 10 000 to test.

    The first call downloads 31 MB and keeps them.

    Parameters
    ----------
    subset : {"train", "test", "all"}, default="train"
        "all" has the test images last.
    data_home : path, optional
        A folder that holds ``fashion_mnist.npz`` or will; None as in `fetch_mnist`.
    return_X_y : bool, default=False
        Whether to return rows and labels alone.
    progress : bool, default=True
        Whether to show how far a download is.

    Returns
    -------
    data : Bunch
        As that of `fetch_mnist`.
    (data, target) : tuple, if `return_X_y`

    Raises
    ------
    ValueError, ImportError, OSError
        As from `fetch_mnist`.

    References
    ----------
    Xiao, Rasul & Vollgraf, "Fashion-MNIST: a novel image dataset for benchmarking machine learning algorithms",
    arXiv:1708.07747, 2017; MIT licence.

    Examples
    --------
    >>> from sklid.datasets import fetch_fashion_mnist
    >>> X, y = fetch_fashion_mnist(return_X_y=True)  # doctest: +SKIP
    """
    return _fetched(FASHION_MNIST, subset, data_home, return_X_y, progress)


def fetch_omniglot(
    *,
    subset: str = "all",
    data_home: str | os.PathLike | None = None,
    return_X_y: bool = False,
    progress: bool = True,
) -> Bunch | tuple[NDArray[np.float32], NDArray[np.int64]]:
    """1623 characters of 50 alphabets, each drawn by 20 people: 32 460 drawings, reduced to 28 by 28.

    The official images have 105 pixels a side; each of ours is the share of ink among those whose middle it
    covers. They are sorted by character, and no character is both in "train" and in "test", so that a model of the
    drawings needs another split of "all", at random. The first call downloads 16 MB and keeps them.

    Parameters
    ----------
    subset : {"train", "test", "all"}, default="all"
        "train" are the official background alphabets, 19 280 drawings, "test" those of the official evaluation, 13 180.
    data_home : path, optional
        A folder that holds ``omniglot_28x28.npz`` or will; None as in `fetch_mnist`.
    return_X_y : bool, default=False
        Whether to return rows and labels alone.
    progress : bool, default=True
        Whether to show how far a download is.

    Returns
    -------
    data : Bunch
        As that of `fetch_mnist`, with the character as `target`, 0 to 963 in "train" and 964 to 1622 in "test", and
        no ``target_names``.
    (data, target) : tuple, if `return_X_y`

    Raises
    ------
    ValueError, ImportError, OSError
        As from `fetch_mnist`; a download needs Pillow, too.

    Notes
    -----
    The "Omniglot" of much of the literature is another reduction and split, of 24 345 and 8070 drawings (Burda, Grosse
    & Salakhutdinov 2016): likelihoods are not comparable with it.

    References
    ----------
    Lake, Salakhutdinov & Tenenbaum, "Human-level concept learning through probabilistic program induction", Science
    350, 2015; MIT licence.

    Examples
    --------
    >>> from sklid.datasets import fetch_omniglot
    >>> X = fetch_omniglot().data  # doctest: +SKIP
    """
    return _fetched(OMNIGLOT, subset, data_home, return_X_y, progress)


def _fetched(
    images: Images, subset: str, data_home: str | os.PathLike | None, return_X_y: bool, progress: bool
) -> Bunch | tuple[NDArray, NDArray]:
    parts = {"train": ("train",), "test": ("test",), "all": ("train", "test")}
    if subset not in list(parts):
        raise ValueError(f"subset={subset!r} must be one of {list(parts)}.")
    path = _file_of(images, data_folder(data_home), progress)
    with reading(path), np.load(path) as arrays:
        pixels, target = (np.concatenate([arrays[f"{name}_{part}"] for part in parts[subset]]) for name in "Xy")
        source = str(arrays["source"]) if "source" in arrays else str(path)
        _check(pixels, target)
    target = target.astype(np.int64)
    rows = pixels.reshape(len(pixels), -1) / np.float32(GREATEST)
    if return_X_y:
        return rows, target
    return Bunch(
        data=rows,
        images=rows.reshape(-1, SIDE, SIDE),
        target=target,
        target_names=None if images.target_names is None else list(images.target_names),
        frame=None,
        source=source,
        DESCR=images.description,
    )


def _check(pixels: NDArray, target: NDArray) -> None:
    """ValueError unless these are images of bytes, each with a whole number."""
    if pixels.shape[1:] != (SIDE, SIDE) or pixels.dtype != np.uint8:
        raise ValueError(
            f"images are of shape (n, {SIDE}, {SIDE}) and type uint8, not {pixels.shape} of {pixels.dtype}"
        )
    if target.shape != (len(pixels),) or target.dtype.kind not in "iu":
        raise ValueError(f"{len(pixels)} images have as many whole numbers, not {target.shape} of {target.dtype}")


def _file_of(images: Images, folder: Path, progress: bool) -> Path:
    """The one file of a data set, made of the official ones if it is not there."""
    path = folder / images.file
    if not path.is_file():
        paths = [downloaded(file, folder, progress) for file in images.remote]
        arrays = images.read(paths) | {"source": np.array(images.remote[0].url.rpartition("/")[0])}
        with writing_whole(path) as (part,), part.open("wb") as file:
            np.savez_compressed(file, **arrays)
        for official in paths:
            official.unlink()
    return path
