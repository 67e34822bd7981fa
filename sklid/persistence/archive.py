r"""The file of a model: a zip archive of two members, which are stored as they are, and nothing else.

| member | what it holds |
|---|---|
| ``model.json`` | the format, the releases that wrote it, and all of the model that is no array |
| ``arrays.safetensors`` | its arrays, in the format of the library `safetensors` |

No member is compressed, so nothing grows when it is read: what a member says of its size is held against the size of
the file first. The same model gives the same bytes. A file is written beside its place and takes its name once it is
whole, so that a crash leaves an earlier one as it was.
"""

import os
import secrets
import stat
import zipfile
from pathlib import Path
from typing import BinaryIO, NamedTuple

from ..exceptions import ModelFileError

__all__ = ["Members", "damaged", "read_members", "write_members"]

NAMES = ("model.json", "arrays.safetensors")
EARLIEST = (1980, 1, 1, 0, 0, 0)
"""The first date of a zip archive, for all members: when a model was saved is no part of it."""
UNIX, READABLE = 3, 0o600 << 16
ENCRYPTED = 0x1
FIRST_BYTES, LAST_RECORD, LENGTH_OF_LAST = b"PK\x03\x04", b"PK\x05\x06", 22
"""How an archive begins, and the record that it ends with when no comment or other bytes follow."""


class Members(NamedTuple):
    """The bytes of ``model.json`` and of ``arrays.safetensors``."""

    description: bytes
    arrays: bytes


def damaged(what: str) -> ModelFileError:
    """The error for a file that is not as it was written: what is wrong with it, and what to do."""
    return ModelFileError(f"{what}. The file is damaged or was changed: take a copy of it, or save the model again.")


def write_members(path: Path, members: Members) -> None:
    """Write a file beside its place and give it the name once it is whole.

    Raises
    ------
    OSError
        If it cannot be written, with the name of the file; a file of this name then stays as it was.
    """
    path = path.resolve()  # a link stays one
    unfinished = path.with_name(f".{path.name}-{secrets.token_hex(4)}")
    try:
        _replace(path, unfinished, members)
    except OSError as error:  # which would name the file beside it, that nobody has asked for
        if error.filename is None:
            raise
        raise OSError(error.errno, error.strerror, str(path)) from None


def _replace(path: Path, unfinished: Path, members: Members) -> None:
    try:
        with unfinished.open("xb") as file:
            _write(file, members)
            file.flush()
            os.fsync(file.fileno())
        if path.exists():
            unfinished.chmod(stat.S_IMODE(path.stat().st_mode))
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def read_members(path: Path) -> Members:
    """The members of a file.

    Raises
    ------
    ModelFileError
        If it is no zip archive of these two members, each as large as it says.
    OSError
        If there is no such file, or it may not be read.
    """
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        _check_ends(file, size)
        try:
            with zipfile.ZipFile(file) as archive:
                _check(archive, size)
                return Members(*(archive.read(name) for name in NAMES))
        except ModelFileError:
            raise
        except Exception as error:  # what zipfile meets in bytes that are no archive has many types
            raise damaged(f"it is no whole zip archive ({error})") from None


def _check_ends(file: BinaryIO, size: int) -> None:
    """ModelFileError unless an archive is all that the file holds."""
    if file.read(len(FIRST_BYTES)) != FIRST_BYTES:
        raise damaged(
            "it is no file of sklid.save, which is a zip archive; files of joblib and pickle are read by their own "
            "load functions, which run code that they hold"
        )
    file.seek(max(size - LENGTH_OF_LAST, 0))
    if not file.read().startswith(LAST_RECORD):
        raise damaged("it does not end where a zip archive does: it was cut off, or bytes follow")


def _write(file: BinaryIO, members: Members) -> None:
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for name, content in zip(NAMES, members, strict=True):
            member = zipfile.ZipInfo(name, EARLIEST)
            member.create_system, member.external_attr = UNIX, READABLE
            archive.writestr(member, content)


def _check(archive: zipfile.ZipFile, size: int) -> None:
    """ModelFileError unless the archive has the two members, neither of them compressed or larger than the file."""
    found = archive.infolist()
    extra = [member.filename for member in found if member.filename not in NAMES]
    if extra:
        raise damaged(f"it holds {extra[0]!r}, and a model has {' and '.join(NAMES)} alone")
    if sorted(member.filename for member in found) != sorted(NAMES):
        raise damaged(f"it holds {[member.filename for member in found]}, and a model has {' and '.join(NAMES)}")
    for member in found:
        if member.compress_type != zipfile.ZIP_STORED or member.flag_bits & ENCRYPTED:
            raise damaged(f"its member {member.filename} is compressed or encrypted, and those of a model are neither")
        if member.file_size != member.compress_size or member.file_size > size:
            raise damaged(
                f"its member {member.filename} says that it has {member.file_size} bytes, and the file has {size}"
            )
