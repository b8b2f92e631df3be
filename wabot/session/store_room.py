"""Knows whether the client library's store has room: without, it acknowledges messages that it cannot read.

It stores the key of each message before it hands the message over. On a full disk it cannot, asks WhatsApp
for the message again some times, and gives up (measured with neonize 0.5.2).
"""

from __future__ import annotations

import os
from pathlib import Path

_MOST_BYTES = 8 << 20
_PART = 16
"""What has to be free is so small a part of the disk, and no more than `_MOST_BYTES`."""
_LEAST_FILES = 16


class StoreRoom:
    """Whether there is room for the store; once there was none, twice as much is wanted.

    Args:
        directory: of the store.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._is_short = False

    def shortage(self) -> str:
        """What is missing, in a sentence; "" while there is room, or when nobody can tell."""
        try:
            disk = os.statvfs(self._directory)
        except OSError:
            return ""
        free = disk.f_bavail * disk.f_frsize
        wanted = min(_MOST_BYTES, disk.f_blocks * disk.f_frsize // _PART)
        # Some file systems do not count files.
        has_files = not disk.f_files or disk.f_favail >= _LEAST_FILES
        self._is_short = not has_files or free < (2 * wanted if self._is_short else wanted)
        if not self._is_short:
            return ""
        left = f"{free // 1000} kB are free" if has_files else "no more files fit"
        return f"no room in {self._directory}: {left}; WhatsApp keeps the messages until there is"
