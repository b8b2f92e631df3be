"""Keeps the book of alerts in a file, for the bot and for the alert unit, which may look at the same time.

A file and not the database, because that the database is away is one of the things to tell.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from wabot.alerts.notification_log import Book
from wabot.system.plain_file import read_plain

log = logging.getLogger(__name__)

_LOCK_SECONDS = 5.0
_LARGEST_FILE_BYTES = 1_000_000


class AlertLedger:
    """One account's book.

    Args:
        path: the file; it and its directory are made private.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        # thread_local: otherwise each thread would have a lock of its own.
        self._lock = FileLock(path.with_suffix(".lock"), mode=0o600, thread_local=False)
        self._unwritten: Book | None = None

    @contextmanager
    def changing(self) -> Iterator[Book]:
        """The book, to be read and changed; written down at the end of the with block.

        Where nothing can be written the book lives on in memory: better a second alert after a restart than
        none.
        """
        with contextlib.ExitStack() as stack:
            try:
                self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                stack.enter_context(self._lock.acquire(timeout=_LOCK_SECONDS))
            except (OSError, Timeout) as error:
                log.warning("alerts: %s cannot be locked: %s", self._path, error)
            book = self._unwritten or self.read()
            before = json.dumps(book.as_json())
            yield book
            after = json.dumps(book.as_json())
            if after != before or self._unwritten is not None:
                self._write(book, after)

    def read(self) -> Book:
        """The book as it stands in the file, to be looked at."""
        try:
            return Book.from_json(json.loads(read_plain(self._path, _LARGEST_FILE_BYTES)))
        except FileNotFoundError:
            return Book()
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            log.warning("alerts: %s cannot be used and is begun anew: %r", self._path, error)
            return Book()

    def _write(self, book: Book, text: str) -> None:
        try:
            descriptor, name = tempfile.mkstemp(dir=self._path.parent, prefix=f".{self._path.name}.")
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            Path(name).replace(self._path)
        except OSError as error:
            log.warning("alerts: %s cannot be written: %s", self._path, error)
            self._unwritten = book
        else:
            self._unwritten = None
