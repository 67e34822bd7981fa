"""Documents to model word by word, one a string, their words apart by single spaces."""

import csv
import gzip
import io
import os
import re
import tarfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import Bunch

from .downloads import RemoteFile, data_folder, downloaded
from .reading import reading, writing_whole

__all__ = ["fetch_yahoo", "fetch_yelp"]

FAST_AI = "https://s3.amazonaws.com/fast-ai-nlp/"
SHORTEST, LONGEST, N_WORDS = 20, 200, 20_000
SIZES = {"train": 100_000, "valid": 10_000, "test": 10_000}
UNKNOWN = "_UNK"
WORD = re.compile(r"\w+(?:'\w+)?|[^\w\s]")
BROKEN = re.compile(r"\\n|<[^>]*>")
"""Line ends and tags as the files have them."""
TOPICS = ("society", "science", "health", "education", "computers", "sports", "business", "entertainment", "family",
          "politics")  # fmt: skip


class Documents(NamedTuple):
    """A data set of documents: the stem of its files, its official archive, what its labels mean, what it is."""

    stem: str
    remote: RemoteFile
    target_names: tuple[str, ...]
    description: str


YAHOO = Documents(
    "yahoo",
    RemoteFile(FAST_AI + "yahoo_answers_csv.tgz", "2d4277855faf8b35259009425fa8f7fe1888b5644b47165508942d000f4c96ae"),
    TOPICS,
    "Questions with their best answers, of ten topics (Zhang, Zhao & LeCun 2015).",
)
YELP = Documents(
    "yelp",
    RemoteFile(
        FAST_AI + "yelp_review_polarity_csv.tgz", "528f22e286cad085948acbc3bea7e58188416546b0e364d0ae4ca0ce666abe35"
    ),
    ("negative", "positive"),
    "Reviews, negative or positive (Zhang, Zhao & LeCun 2015).",
)


def fetch_yahoo(
    *,
    subset: str = "train",
    data_home: str | os.PathLike | None = None,
    return_X_y: bool = False,
    progress: bool = True,
) -> Bunch | tuple[list[str], NDArray[np.int64]]:
    """Questions with their best answers, from Yahoo Answers: ten topics.

    The first call downloads 320 MB and keeps a sample: 100 000 documents of 20 to 200 words at random from the official
    training part, and 10 000 each from the official test part as "valid" and "test". Words are in lower case, and all
    but the 20 000 most common of the training part are ``_UNK``.

    Parameters
    ----------
    subset : {"train", "valid", "test"}, default="train"
    data_home : path, optional
        A folder that holds ``yahoo.{train,valid,test}.txt.gz``, a document a line, and ``.labels.gz``, its topic a
        line, or will. None means the one named by the variable ``SKLID_DATA``, and without it ``sklid`` in the folder
        of scikit-learn's own data.
    return_X_y : bool, default=False
        Whether to return documents and topics alone.
    progress : bool, default=True
        Whether to show how far a download is.

    Returns
    -------
    data : Bunch
        ``data``, a list of strings; ``target``, int of shape (n_samples,); ``target_names``; ``source``, where the
        documents came from; ``DESCR``.
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
    Zhang, Zhao & LeCun, "Character-level convolutional networks for text classification", NeurIPS 2015; sampled after
    Yang, Hu, Salakhutdinov & Berg-Kirkpatrick, "Improved variational autoencoders for text modeling using dilated
    convolutions", ICML 2017, whose own sample is another.

    Examples
    --------
    >>> from sklid.datasets import fetch_yahoo
    >>> documents, topics = fetch_yahoo(return_X_y=True)  # doctest: +SKIP
    """
    return _fetched(YAHOO, subset, data_home, return_X_y, progress)


def fetch_yelp(
    *,
    subset: str = "train",
    data_home: str | os.PathLike | None = None,
    return_X_y: bool = False,
    progress: bool = True,
) -> Bunch | tuple[list[str], NDArray[np.int64]]:
    """Reviews from Yelp, negative or positive.

    The first call downloads 166 MB and keeps a sample of the same sizes as that of `fetch_yahoo`, made in the same way.

    Parameters
    ----------
    subset : {"train", "valid", "test"}, default="train"
    data_home : path, optional
        A folder that holds ``yelp.{train,valid,test}.txt.gz`` and ``.labels.gz``, or will; None as in `fetch_yahoo`.
    return_X_y : bool, default=False
        Whether to return documents and labels alone.
    progress : bool, default=True
        Whether to show how far a download is.

    Returns
    -------
    data : Bunch
        As that of `fetch_yahoo`; label 0 is negative, 1 positive.
    (data, target) : tuple, if `return_X_y`

    Raises
    ------
    ValueError, ImportError, OSError
        As from `fetch_yahoo`.

    References
    ----------
    As of `fetch_yahoo`. The reviews are under the terms of the Yelp dataset, for research that is not commercial.

    Examples
    --------
    >>> from sklid.datasets import fetch_yelp
    >>> documents, labels = fetch_yelp(return_X_y=True)  # doctest: +SKIP
    """
    return _fetched(YELP, subset, data_home, return_X_y, progress)


def _fetched(
    documents: Documents, subset: str, data_home: str | os.PathLike | None, return_X_y: bool, progress: bool
) -> Bunch | tuple[list[str], NDArray]:
    if subset not in list(SIZES):
        raise ValueError(f"subset={subset!r} must be one of {list(SIZES)}.")
    folder = data_folder(data_home)
    texts, labels = files = _files(documents, folder, subset)
    if not all(path.is_file() for path in files):
        _check_empty(documents, folder)
        _keep_sample(documents, folder, progress)
    with reading(texts, labels):
        data = gzip.decompress(texts.read_bytes()).decode().splitlines()
        target = np.array(gzip.decompress(labels.read_bytes()).decode().split(), np.int64)
        if not len(data) == len(target) > 0:
            raise ValueError(f"{len(data)} documents have {len(target)} labels")
    if return_X_y:
        return data, target
    note = folder / f"{documents.stem}.source"
    source = note.read_text() if note.is_file() else str(texts)
    names = list(documents.target_names)
    return Bunch(data=data, target=target, target_names=names, source=source, DESCR=documents.description)


def _files(documents: Documents, folder: Path, part: str) -> tuple[Path, Path]:
    """Those of the texts and of the labels of a part."""
    texts, labels = (folder / f"{documents.stem}.{part}.{kind}.gz" for kind in ("txt", "labels"))
    return texts, labels


def _check_empty(documents: Documents, folder: Path) -> None:
    """OSError if files of some part are there, which a sample would take the place of."""
    there = [path for part in SIZES for path in _files(documents, folder, part) if path.is_file()]
    if there:
        raise OSError(
            f"{folder} has {', '.join(path.name for path in there)}, and not all that this part needs. All parts are "
            "fetched together: remove these files first, put the rest beside them, or name another folder."
        )


def _keep_sample(documents: Documents, folder: Path, progress: bool) -> None:
    """Make the files of all three parts of the official archive, which is not kept."""
    archive = downloaded(documents.remote, folder, progress)
    random = np.random.default_rng(0)
    train = _sample(_documents(archive, "train"), SIZES["train"], random)
    others = _sample(_documents(archive, "test"), SIZES["valid"] + SIZES["test"], random)
    n_valid = round(len(others) * SIZES["valid"] / (SIZES["valid"] + SIZES["test"]))
    common = {word for word, _ in Counter(word for words, _ in train for word in words).most_common(N_WORDS)}
    (folder / f"{documents.stem}.source").write_text(documents.remote.url)
    paths = [path for part in SIZES for path in _files(documents, folder, part)]
    with writing_whole(*paths) as names:
        for rows, texts, labels in zip(
            (train, others[:n_valid], others[n_valid:]), names[::2], names[1::2], strict=True
        ):
            known = (" ".join(word if word in common else UNKNOWN for word in words) for words, _ in rows)
            _write(texts, known)
            _write(labels, (str(label) for _, label in rows))
    archive.unlink()


def _documents(archive: Path, part: str) -> Iterator[tuple[list[str], int]]:
    """Words and label, from 0, of each document of 20 to 200 words in a part of an archive."""
    with tarfile.open(archive) as files:
        name = next(name for name in files.getnames() if name.endswith(f"/{part}.csv"))
        for label, *texts in csv.reader(io.TextIOWrapper(files.extractfile(name), "utf-8", newline="")):
            words = WORD.findall(BROKEN.sub(" ", " ".join(texts)).lower())
            if SHORTEST <= len(words) <= LONGEST:
                yield words, int(label) - 1


def _sample(rows: Iterator[tuple[list[str], int]], size: int, random: np.random.Generator) -> list:
    """As many rows at random, in random order, or all; the stream is held no longer than needed.

    Row i takes a random place among the first i + 1 if that is one of the sample's (Vitter's algorithm R).
    """
    kept: list = []
    for i, row in enumerate(rows):
        if i < size:
            kept.append(row)
        elif (place := random.integers(i + 1)) < size:
            kept[place] = row
    return [kept[i] for i in random.permutation(len(kept))]


def _write(path: Path, lines: Iterator[str]) -> None:
    """Compressed lines."""
    with gzip.open(path, "wt", encoding="utf-8") as file:
        file.writelines(f"{line}\n" for line in lines)
