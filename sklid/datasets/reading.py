"""Files of a data folder that are not what they should be: one error, which names the file and says what to do."""

import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from zipfile import BadZipFile

__all__ = ["reading", "writing_whole"]

UNREADABLE = (OSError, EOFError, ValueError, KeyError, BadZipFile, zlib.error)


@contextmanager
def reading(*paths: Path) -> Iterator[None]:
    """Around what reads and checks files: OSError for damage, and for a ValueError that says what is wrong."""
    try:
        yield
    except UNREADABLE as error:
        names = " and ".join(map(str, paths))
        raise OSError(
            f"{names} cannot be read as data of this kind: {error}. Put the right data there, or remove what is there "
            "to have it fetched again."
        ) from error


@contextmanager
def writing_whole(*paths: Path) -> Iterator[list[Path]]:
    """Names to write under; all files get their own at the end of the block, or none does."""
    parts = [path.with_name(f"{path.name}.part") for path in paths]
    try:
        yield parts
        for part, path in zip(parts, paths, strict=True):
            os.replace(part, path)
    finally:
        for part in parts:
            part.unlink(missing_ok=True)
