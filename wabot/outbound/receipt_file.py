"""Keeps receipts safe until the database has them: WhatsApp sends each but once."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable
from pathlib import Path

log = logging.getLogger(__name__)

_LARGEST_BYTES = 1_000_000


class ReceiptFile:
    """The ids that devices confirmed and that are not written down yet; for one thread at a time.

    A crash of the machine may take the last of them; the end of the process takes none.

    Args:
        path: of the file; made when it is first needed.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None

    def load(self) -> list[str]:
        """What an earlier process left."""
        try:
            with self._path.open("rb") as file:
                kept = file.read(_LARGEST_BYTES)
        except FileNotFoundError:
            return []
        except OSError as error:
            log.warning("%s cannot be read: %s", self._path, error.strerror)
            return []
        # The last line may be half written.
        return [line.decode("utf-8", "replace") for line in kept.split(b"\n")[:-1] if line]

    def append(self, message_ids: Iterable[str]) -> None:
        """Keep these ids as well."""
        lines = "".join(f"{message_id}\n" for message_id in message_ids if "\n" not in message_id)
        try:
            if os.fstat(self._open()).st_size < _LARGEST_BYTES:
                os.write(self._open(), lines.encode())
        except OSError as error:
            # They are still in memory.
            log.warning("%s cannot be written: %s", self._path, error.strerror)

    def clear(self) -> None:
        """Forget them all: the database has them."""
        try:
            os.ftruncate(self._open(), 0)
        except OSError as error:
            log.warning("%s cannot be emptied: %s", self._path, error.strerror)

    def _open(self) -> int:
        if self._descriptor is None:
            flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
            self._descriptor = os.open(self._path, flags, 0o600)
        return self._descriptor
