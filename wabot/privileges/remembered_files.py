"""Configurations and credentials: what root has read of them holds after it became another user.

/etc/credstore is root's alone, and a command needs the address of the database from there as the user of the
bot. Only while `remembering`, and only what the units would have given that user anyway.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from wabot.system.files import read_plain

_MOST_BYTES = 1_000_001

_contents: dict[Path, bytes | OSError] = {}
_entries: dict[Path, list[Path] | OSError] = {}
_is_remembering = False


@contextmanager
def remembering() -> Iterator[None]:
    """Remember what is read in the block, until `forget`."""
    global _is_remembering
    forget()
    _is_remembering = True
    try:
        yield
    finally:
        _is_remembering = False


def forget() -> None:
    """Forget what was remembered: everything is read anew."""
    _contents.clear()
    _entries.clear()


def read_file(path: Path, most_bytes: int) -> bytes:
    """The beginning of a file.

    Args:
        path: the file.
        most_bytes: at most 1,000,001.

    Raises:
        OSError: it cannot be read.
    """
    key = path.absolute()
    content = _contents.get(key)
    if content is None:
        try:
            content = read_plain(path, _MOST_BYTES, through_links=True)
        except OSError as error:
            content = error
        if _is_remembering:
            _contents[key] = content
    if isinstance(content, OSError):
        raise content
    return content[:most_bytes]


def list_directory(path: Path) -> list[Path]:
    """What is in a directory, in order.

    Raises:
        OSError: it cannot be looked into.
    """
    found = _entries.get(path)
    if found is None:
        try:
            found = sorted(path.iterdir())
        except OSError as error:
            found = error
        if _is_remembering:
            _entries[path] = found
    if isinstance(found, OSError):
        raise found
    return found
