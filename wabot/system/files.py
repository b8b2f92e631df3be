"""Opens files that somebody else may have put there: only regular ones, through no link, without waiting.

And writes those that others read at any moment: as a whole.
"""

from __future__ import annotations

import errno
import json
import os
import stat
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

_Read = TypeVar("_Read")

_OF_SQLITE = ("-journal", "-wal", "-shm")


def open_plain(
    path: str | Path, flags: int = os.O_RDONLY, *, directory: int | None = None, through_links: bool = False
) -> int:
    """Open a regular file; a FIFO would be waited for, a device has no end.

    Args:
        path: the file.
        flags: as of `os.open`; a file that is made is private.
        directory: the descriptor of the directory that a relative path begins at.
        through_links: whether the last part of the path may be a link.

    Returns:
        The descriptor.

    Raises:
        OSError: it cannot be opened, or is something else.
    """
    flags |= os.O_NONBLOCK | os.O_CLOEXEC | (0 if through_links else os.O_NOFOLLOW)
    descriptor = os.open(path, flags, 0o600, dir_fd=directory)
    mode = os.fstat(descriptor).st_mode
    if not stat.S_ISREG(mode):
        os.close(descriptor)
        raise _not_plain(path, mode)
    return descriptor


def read_plain(path: Path, most_bytes: int, *, through_links: bool = False) -> bytes:
    """The beginning of a regular file.

    Raises:
        OSError: it cannot be read, or is something else.
    """
    with os.fdopen(open_plain(path, through_links=through_links), "rb") as file:
        return file.read(most_bytes)


def read_json(content: str | bytes, read: Callable[[Any], _Read]) -> _Read:
    """What `read` makes of a JSON document that anything may have happened to.

    Args:
        content: the document.
        read: takes what is in it, and may trust that to be as it was written.

    Raises:
        ValueError: it is no JSON, or not what `read` takes it for; the text says what is wrong.
    """
    try:
        return read(json.loads(content))
    except (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, RecursionError) as error:
        raise ValueError(repr(error)) from None


def replace_file(path: Path, content: bytes, *, mode: int = 0o600, durable: bool = False) -> None:
    """Replace a file in one step: a reader finds the old one or the new one, whole, and may read either.

    Args:
        path: the file; what lies there, a link as well, is replaced.
        content: all of it.
        mode: who may read the new one.
        durable: whether to wait until the disk has the content, so that no power cut leaves an empty file.

    Raises:
        OSError: it cannot be written; the old one stays.
    """
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    new = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(descriptor, mode)
            file.write(content)
            if durable:
                file.flush()
                os.fsync(descriptor)
        new.replace(path)
    except BaseException:
        new.unlink(missing_ok=True)
        raise


def require_plain_database(path: Path) -> None:
    """See that SQLite would open no FIFO and no device: neither the file nor what lies beside it.

    Raises:
        OSError: it would.
    """
    for each in (path, *(path.with_name(path.name + ending) for ending in _OF_SQLITE)):
        try:
            mode = each.stat().st_mode
        except FileNotFoundError:
            continue
        if not stat.S_ISREG(mode):
            raise _not_plain(each, mode)


def why_unwritable(file: Path) -> str:
    """Why a file cannot be made or replaced in its directory; "" when it can."""
    directory = file.parent
    if not directory.is_dir():
        return f"{directory} does not exist, so {file.name} cannot be written there"
    if not os.access(directory, os.W_OK | os.X_OK):
        return f"{directory} may not be written to, so {file.name} cannot be written there"
    if file.is_dir():
        return f"{file} is a directory"
    return ""


def _not_plain(path: str | Path, mode: int) -> OSError:
    if stat.S_ISDIR(mode):
        return IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    return OSError(errno.EINVAL, "it is no regular file", str(path))


def sync(*paths: Path) -> None:
    """Wait until the disk has these files, and the names in these directories.

    A new or renamed file needs both: its own fsync does not take its name in the directory along (fsync(2)).

    Raises:
        OSError: the disk does not take it, or there is nothing at a path.
    """
    for path in paths:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
