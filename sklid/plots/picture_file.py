"""A picture in a file, there as a whole or not at all."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

__all__ = ["PictureError", "check_picture_file", "save_picture"]


class PictureError(ValueError):
    """A file that cannot take the picture; the message is one line for its owner."""


def check_picture_file(path: Path) -> None:
    """Try whether a picture can be written, before the work of making it; nothing is left behind.

    Raises
    ------
    PictureError
        If matplotlib writes no files of this suffix, or the file cannot be written: what is in the way.
    """
    from matplotlib.backend_bases import FigureCanvasBase

    formats = sorted(FigureCanvasBase.get_supported_filetypes())
    obstacle = None
    if _format(path) not in formats:
        obstacle = f"{path.suffix or 'a name without suffix'} is no picture; give one of {', '.join(formats)}"
    elif path.is_dir():
        obstacle = "it is a folder"
    elif not path.resolve().parent.is_dir():
        obstacle = f"there is no folder {path.parent}"
    elif path.exists() and not os.access(path, os.W_OK):
        obstacle = "the file that is there is protected"
    if obstacle is not None:
        raise PictureError(f"cannot write the picture to {path}: {obstacle}.")
    with _beside(path.resolve()):
        pass


def save_picture(figure: Any, path: Path, dpi: int) -> None:
    """Write a `matplotlib.figure.Figure` of ``dpi`` dots per inch to a new file, and give it the name once it is whole.

    Raises
    ------
    PictureError
        If it cannot be written; a file of this name then stays as it was.
    """
    with _beside(path.resolve()) as unfinished:
        figure.savefig(unfinished, format=_format(path), dpi=dpi)
        unfinished.replace(path.resolve())


def _format(path: Path) -> str:
    return path.suffix.lower().removeprefix(".")


@contextmanager
def _beside(path: Path) -> Iterator[Path]:
    """A new file in the same folder, removed at the end unless it has been renamed."""
    file = path.with_name(f".{path.stem}-{os.getpid()}{path.suffix}")
    try:
        file.open("xb").close()
        yield file
    except OSError as error:
        raise PictureError(f"cannot write the picture to {path}: {error.strerror or error}.") from None
    finally:
        file.unlink(missing_ok=True)
