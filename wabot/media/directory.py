"""Where received files lie as long as somebody has to read them: private, named by their rows, and few."""

from __future__ import annotations

import math
import os
import shutil
import tempfile
from collections.abc import Collection
from pathlib import Path
from typing import BinaryIO

from wabot.system.files import open_plain

MOST_BYTES = 200_000_000
LEAST_FREE_BYTES = 500_000_000
_UNFINISHED = ".part"


class NoRoom(Exception):
    """There is no room for a file. The message is for the operator."""


class MediaDirectory:
    """The files of one account. A file without an ending is whole and checked.

    Args:
        path: of the directory.
        most_bytes: what may lie in it; None: MOST_BYTES.
        least_free_bytes: what has to stay free on its disk; None: LEAST_FREE_BYTES.
    """

    def __init__(
        self, path: Path, most_bytes: int | None = None, least_free_bytes: int | None = None
    ) -> None:
        self._path = path
        self._most_bytes = MOST_BYTES if most_bytes is None else most_bytes
        self._least_free_bytes = LEAST_FREE_BYTES if least_free_bytes is None else least_free_bytes

    def sweep(self, wanted: Collection[int]) -> int:
        """Delete what belongs to no row that still wants it, and all that is not whole; returns how much.

        Only where nobody fetches at this moment.

        Args:
            wanted: the numbers of the rows that do.
        """
        left = self.left_over(wanted)
        for path in left:
            path.unlink(missing_ok=True)
        return len(left)

    def keep_only(self, wanted: Collection[int]) -> int:
        """Delete what is whole and wanted by no row any more, also while others fetch.

        Args:
            wanted: the numbers of the rows that want theirs.

        Returns:
            How many are left.
        """
        whole = [path for path in self._files() if path.name.isdigit()]
        unwanted = [path for path in whole if int(path.name) not in wanted]
        for path in unwanted:
            path.unlink(missing_ok=True)
        return len(whole) - len(unwanted)

    def left_over(self, wanted: Collection[int], before: float = math.inf) -> list[Path]:
        """What belongs to no row that still wants it, and what is not whole.

        Args:
            wanted: the numbers of the rows that do.
            before: last written before that, in Unix time; what is newer may be under way.
        """
        names = {str(number) for number in wanted}
        return [path for path in self._files() if path.name not in names and _written_at(path) < before]

    def require_room(self, more_bytes: int) -> None:
        """See that so many bytes more may lie here.

        Raises:
            NoRoom: they may not.
        """
        self._make()
        if sum(_size(path) for path in self._files()) + more_bytes > self._most_bytes:
            raise NoRoom(f"{self._path} holds as much as it may")
        if shutil.disk_usage(self._path).free - more_bytes < self._least_free_bytes:
            raise NoRoom(f"the disk of {self._path} is nearly full")

    def unnamed(self) -> BinaryIO:
        """A new file that has no name, and ends with who made it."""
        self._make()
        return tempfile.TemporaryFile(dir=self._path)

    def begin(self, number: int) -> BinaryIO:
        """A new file for a row, which is not whole until it is kept."""
        self._make()
        unfinished = self._unfinished(number)
        unfinished.unlink(missing_ok=True)
        return os.fdopen(open_plain(unfinished, os.O_RDWR | os.O_CREAT | os.O_EXCL), "w+b")

    def keep(self, number: int) -> Path:
        """Give a row's new file its name: it is whole, and checked."""
        return self._unfinished(number).replace(self.path_of(number))

    def drop(self, number: int) -> None:
        """Delete what there is of a row's file."""
        for path in self.paths_of(number):
            path.unlink(missing_ok=True)

    def path_of(self, number: int) -> Path:
        """Where a row's file lies, if it is whole."""
        return self._path / str(number)

    def paths_of(self, number: int) -> tuple[Path, Path]:
        """Where a row's file may lie, whole or not."""
        return self.path_of(number), self._unfinished(number)

    def _unfinished(self, number: int) -> Path:
        return self._path / f"{number}{_UNFINISHED}"

    def _make(self) -> None:
        self._path.mkdir(mode=0o700, parents=True, exist_ok=True)

    def _files(self) -> list[Path]:
        try:
            return [path for path in self._path.iterdir() if not path.is_dir() or path.is_symlink()]
        except FileNotFoundError:
            return []


def _written_at(path: Path) -> float:
    try:
        return path.lstat().st_mtime
    except FileNotFoundError:
        return math.inf


def _size(path: Path) -> int:
    try:
        return path.lstat().st_size
    except FileNotFoundError:
        return 0
