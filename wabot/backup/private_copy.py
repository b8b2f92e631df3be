"""Copies a backup into a directory of root's, so that nobody changes it once it has been looked at."""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from pathlib import Path

from wabot.errors import OperatorNeeded
from wabot.system.files import open_plain
from wabot.system.terminal import printable

_PLACE = Path("/var/tmp")
_SPARED_BYTES = 100_000_000
_MOST_FILES = 50_000
_DEEPEST = 20
_BLOCK_BYTES = 1_000_000


def private_copy(backup: Path) -> Path:
    """Copy a directory with what is in it: regular files of its owner's alone, through no link.

    Args:
        backup: the directory.

    Returns:
        The copy, which is for the caller to remove.

    Raises:
        OperatorNeeded: there is something else in it, or no room.
    """
    # Not in memory, as /tmp may be.
    target = Path(tempfile.mkdtemp(prefix="wabot-restore-", dir=_PLACE if _PLACE.is_dir() else None))
    try:
        descriptor = os.open(backup, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            _Copy(backup, descriptor, target).directory(descriptor, target, 0)
        finally:
            os.close(descriptor)
    except OSError as error:
        shutil.rmtree(target)
        raise OperatorNeeded(f"{backup} cannot be copied to {target}: {error.strerror}") from None
    except BaseException:
        shutil.rmtree(target)
        raise
    return target


class _Copy:
    """One copy on its way.

    Args:
        backup: for people.
        descriptor: of the directory, whose owner owns everything in it.
        target: the copy.
    """

    def __init__(self, backup: Path, descriptor: int, target: Path) -> None:
        self._backup = backup
        self._owner = os.fstat(descriptor).st_uid
        free = os.statvfs(target)
        self._left_bytes = free.f_bavail * free.f_frsize - _SPARED_BYTES
        self._left_files = _MOST_FILES

    def directory(self, source: int, target: Path, depth: int) -> None:
        """Copy all that is in a directory, and in those below it."""
        if depth > _DEEPEST:
            raise OperatorNeeded(f"{self._backup} is no backup: it has too many directories within another")
        for name in sorted(os.listdir(source)):
            self._left_files -= 1
            if self._left_files < 0:
                raise OperatorNeeded(f"{self._backup} is no backup: it has more than {_MOST_FILES} files")
            found = os.stat(name, dir_fd=source, follow_symlinks=False)
            if stat.S_ISDIR(found.st_mode):
                (target / name).mkdir(mode=0o700)
                flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
                below = os.open(name, flags, dir_fd=source)
                try:
                    self.directory(below, target / name, depth + 1)
                finally:
                    os.close(below)
            elif stat.S_ISREG(found.st_mode):
                self._file(source, name, target / name)
            else:
                raise self._refusal(name, "no regular file")

    def _file(self, source: int, name: str, target: Path) -> None:
        with os.fdopen(open_plain(name, directory=source), "rb") as file:
            found = os.fstat(file.fileno())
            if found.st_uid != self._owner or found.st_nlink != 1:
                # As a second name for a file that its owner may not read.
                raise self._refusal(name, "not a file of its owner's alone")
            self._left_bytes -= found.st_size
            if self._left_bytes < 0:
                raise OperatorNeeded(f"{self._backup} cannot be copied: there is no room in {target.parent}")
            with target.open("xb") as copy:
                left = found.st_size
                while left and (block := file.read(min(left, _BLOCK_BYTES))):
                    copy.write(block)
                    left -= len(block)

    def _refusal(self, name: str, what: str) -> OperatorNeeded:
        return OperatorNeeded(f"{self._backup} is damaged: {printable(name)} in it is {what}")
