"""Files from elsewhere: fetched once, checked by their sha256, kept in a folder.

A file that broke off goes on where it stopped, if the server can do that. pooch looks after the rest: the check, the
folder, the name that a file only bears once it is whole.
"""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from sklearn.datasets import get_data_home
from tqdm import tqdm

__all__ = ["RemoteFile", "data_folder", "downloaded"]

CHUNK, TIMEOUT = 2**16, 30
PARTIAL, PAST_THE_END = 206, 416


class RemoteFile(NamedTuple):
    """Where a file is, and the sha256 of its bytes in hexadecimal digits."""

    url: str
    sha256: str

    @property
    def name(self) -> str:
        return self.url.rpartition("/")[2]


def data_folder(data_home: str | os.PathLike | None) -> Path:
    """The folder named by `data_home`, by the variable ``SKLID_DATA``, or ``sklid`` among scikit-learn's data."""
    if data_home is not None and not os.fspath(data_home):
        raise ValueError('data_home="" names no folder; None takes the one of the variable SKLID_DATA.')
    given = data_home or os.environ.get("SKLID_DATA")
    return Path(given).expanduser() if given else Path(get_data_home()) / "sklid"


def downloaded(file: RemoteFile, folder: Path, progress: bool = True) -> Path:
    """Path of a file in `folder`, fetched if it is not there.

    Raises
    ------
    ImportError
        If pooch is not installed.
    OSError
        If the file can neither be reached nor written, or other bytes came than were meant.
    """
    try:
        import pooch
        from requests.exceptions import RequestException
    except ImportError as error:
        raise ImportError('Downloads need pooch: pip install "sklid[datasets]".') from error
    fetch = Resuming(folder / f"{file.name}.part", progress)
    try:
        with _silent(pooch.get_logger()):
            return Path(pooch.retrieve(file.url, f"sha256:{file.sha256}", file.name, folder, downloader=fetch))
    except RequestException as error:
        raise OSError(
            f"{file.url} cannot be fetched: {error} Try again later, which goes on from what has come, or put the data "
            f"into a folder of yours and name it by data_home or the variable SKLID_DATA."
        ) from error
    except ValueError as error:
        raise OSError(f"{file.url} is not the file that was meant: {error}") from error


@contextmanager
def _silent(logger: logging.Logger) -> Iterator[None]:
    """Without announcements of downloads, of which the bar tells already."""
    level = logger.level
    logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        logger.setLevel(level)


class Resuming:
    """Fetches a file over HTTP into `part`, from the end of what is there already, and hands it on when it is whole.

    Parameters
    ----------
    part : Path
        Stays when the connection breaks.
    progress : bool
        Whether to show a bar.
    """

    def __init__(self, part: Path, progress: bool) -> None:
        self.part = part
        self.progress = progress

    def __call__(self, url: str, output_file: str, pooch: object = None) -> None:
        from requests import get

        done = self.part.stat().st_size if self.part.exists() else 0
        told = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={done}-"} if done else {})
        with get(url, headers=told, stream=True, timeout=TIMEOUT) as answer:
            if answer.status_code != PAST_THE_END:  # then what is there is the whole file, or the check says otherwise
                answer.raise_for_status()
                self.write(answer, done if answer.status_code == PARTIAL else 0)
        os.replace(self.part, output_file)

    def write(self, answer: object, done: int) -> None:
        """Append to the first `done` bytes what the server sends; too few bytes are an error of the connection."""
        from requests import exceptions

        length = answer.headers.get("Content-Length")
        total = None if length is None else done + int(length)
        bar = tqdm(total=total, initial=done, desc=self.part.stem, unit="B", unit_scale=True, disable=not self.progress)
        with bar, self.part.open("ab" if done else "wb") as file:
            for chunk in answer.iter_content(CHUNK):
                file.write(chunk)
                bar.update(len(chunk))
            come = file.tell()
        if total is not None and come < total:
            raise exceptions.ConnectionError(f"{come} of {total} bytes came.")
