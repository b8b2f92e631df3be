"""A file by which a command tells a running bot of something in the outbox: it is touched, and looked at.

A signal would end a bot of an earlier version, which does not know it.
"""

from __future__ import annotations

import os
from pathlib import Path

from wabot.system.files import open_plain


def ring(file: Path) -> None:
    """Touch the file; nothing where the session has no directory yet: its bot will look when it starts.

    Args:
        file: in the session's directory.

    Raises:
        OSError: it cannot be written.
    """
    try:
        descriptor = open_plain(file, os.O_WRONLY | os.O_CREAT)
    except FileNotFoundError:
        return
    try:
        os.utime(descriptor)
    finally:
        os.close(descriptor)


class WakeFile:
    """The file as the bot looks at it.

    Args:
        file: in the session's directory; need not be there.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._touched_at = self._time()

    def has_rung(self) -> bool:
        """Whether it was touched since the last look."""
        before, self._touched_at = self._touched_at, self._time()
        return before != self._touched_at

    def _time(self) -> int:
        try:
            return self._file.lstat().st_mtime_ns
        except OSError:
            return 0
