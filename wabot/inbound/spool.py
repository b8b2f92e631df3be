"""Keeps messages on disk while the database cannot take them: in order, each safe before the next is taken.

One file in the session directory, a line a message. The bot alone adds and removes, because it holds the
session lock; `wabot forget` blanks lines out where they stand.
"""

from __future__ import annotations

import fcntl
import itertools
import json
import logging
import os
import threading
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

from wabot.errors import OperatorNeeded
from wabot.system.files import open_plain, read_json, sync
from wabot.whatsapp.messages import Attachment, IncomingMessage, MessageKind

_CHECKSUM_BYTES = 8
_FIELDS = frozenset(field.name for field in fields(IncomingMessage))
_FILE_FIELDS = frozenset(field.name for field in fields(Attachment))


class Damaged(ValueError):
    """A line that is not what was written."""


@dataclass(frozen=True, slots=True)
class Spooled:
    """A message and when it came.

    Attributes:
        message: as WhatsApp handed it over.
        received_at: naive UTC.
    """

    message: IncomingMessage
    received_at: datetime


def encode(spooled: Spooled) -> bytes:
    """One line, in ASCII, with its end: no text of a customer's can begin another."""
    kept = asdict(spooled.message)
    kept["sent_at"] = spooled.message.sent_at.isoformat()
    body = json.dumps({"at": spooled.received_at.isoformat(), **kept}, separators=(",", ":")).encode("ascii")
    return b"%s %s\n" % (_checksum(body), body)


def decode(line: bytes) -> Spooled:
    """The message of a line, with or without its end.

    Raises:
        Damaged: it is not what `encode` made.
    """
    checksum, body = line[:_CHECKSUM_BYTES], line[_CHECKSUM_BYTES + 1 :].rstrip(b"\n")
    if checksum != _checksum(body):
        raise Damaged("the checksum does not fit")
    try:
        return read_json(body, _spooled_of)
    except ValueError as error:
        raise Damaged(f"this version cannot read it ({error})") from None


def _spooled_of(kept: Any) -> Spooled:
    received_at = datetime.fromisoformat(kept["at"])
    # A later version may know more of a message than this one.
    known = {name: kept[name] for name in _FIELDS & kept.keys()}
    known["kind"] = MessageKind(known["kind"])
    known["sent_at"] = datetime.fromisoformat(known["sent_at"])
    known["mentions"] = tuple(known.get("mentions", ()))
    if (file := known.get("attachment")) is not None:
        known["attachment"] = Attachment(**{name: file[name] for name in _FILE_FIELDS & file.keys()})
    return Spooled(IncomingMessage(**known), received_at)


def _checksum(body: bytes) -> bytes:
    return b"%08x" % zlib.crc32(body)


log = logging.getLogger(__name__)

MOST_MESSAGES = 20_000
MOST_BYTES = 100_000_000
_LONGEST_LINE_BYTES = 10_000_000
SET_ASIDE = ".damaged"
"""Added to the name of the file: lines that cannot be read, and messages that no database takes."""


class SpoolFull(OSError):
    """The spool holds as much as it may."""


class Spool:
    """The messages that one bot keeps on disk. One thread appends, one takes; anybody may ask.

    Args:
        file: made, with mode 0600, when the first message comes; its directory is there.
        most_messages, most_bytes: how much it holds.

    Raises:
        OperatorNeeded: the file cannot be read, and may be full of messages.
    """

    def __init__(self, file: Path, most_messages: int = MOST_MESSAGES, most_bytes: int = MOST_BYTES) -> None:
        self._file = file
        self._most_messages = most_messages
        self._most_bytes = most_bytes
        self._lock = threading.Lock()
        self._descriptor: int | None = None
        self._taken_bytes = 0
        self._is_torn = False
        try:
            self._count, self._bytes = self._found()
        except OSError as error:
            raise OperatorNeeded(
                f"{file} cannot be read ({error.strerror}), and there may be messages in it: it must be a "
                "file and belong to the user that runs wabot"
            ) from None

    def __len__(self) -> int:
        """How many messages wait."""
        return self._count

    def append(self, spooled: Spooled) -> None:
        """Keep a message; it is on the disk when this returns.

        Raises:
            SpoolFull: there are too many.
            OSError: the disk does not take it; nothing was kept.
        """
        line = encode(spooled)
        with self._lock:
            if self._count >= self._most_messages or self._bytes + len(line) > self._most_bytes:
                raise SpoolFull(f"{self._count} messages on disk are the most there may be")
            descriptor = self._open()
            if self._is_torn:
                os.ftruncate(descriptor, self._bytes)
            self._is_torn = True
            _write(descriptor, line, self._bytes)
            self._is_torn = False
            self._bytes += len(line)
            self._count += 1

    @contextmanager
    def batch(self, most: int) -> Iterator[list[Spooled]]:
        """The oldest messages, which are here no longer when the block ends without an error.

        They stay in the file until it is read to its end: whoever starts after a crash gets them once more.
        Lines that cannot be read are set aside. Meanwhile `blank_out` waits.
        """
        with self._lock:
            descriptor = self._open()
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        try:
            lines = self._next_lines(most)
            whole: list[Spooled] = []
            broken: list[bytes] = []
            for line in lines:
                if line.strip():
                    try:
                        whole.append(decode(line))
                    except Damaged as error:
                        log.error("a message kept on disk is damaged (%s)", error)
                        broken.append(line)
            yield whole
            for line in broken:
                self.set_aside(line)
            self._remove(lines)
        finally:
            fcntl.flock(descriptor, fcntl.LOCK_UN)

    def set_aside(self, line: bytes) -> None:
        """Keep a line for people to look at, apart from those that wait."""
        path = self._file.with_name(self._file.name + SET_ASIDE)
        descriptor = open_plain(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        try:
            _write(descriptor, line.rstrip(b"\n") + b"\n", None)
        finally:
            os.close(descriptor)
        log.error("it was set aside in %s", path)

    def _found(self) -> tuple[int, int]:
        """What an earlier process left: how many messages, and in how many bytes."""
        count = size = 0
        for line in _lines(self._file):
            if not line.endswith(b"\n"):
                self._is_torn = True
                log.warning(
                    "the last message kept on disk was cut short when the process ended; it is dropped"
                )
                break
            count += 1
            size += len(line)
        return count, size

    def _next_lines(self, most: int) -> list[bytes]:
        with self._lock:
            left = self._bytes - self._taken_bytes
        lines = []
        for line in itertools.islice(_lines(self._file, self._taken_bytes), most):
            left -= len(line)
            if left < 0:
                break
            lines.append(line)
        return lines

    def _remove(self, lines: list[bytes]) -> None:
        with self._lock:
            self._taken_bytes += sum(len(line) for line in lines)
            if self._taken_bytes < self._bytes:
                self._count -= len(lines)
                return
            os.ftruncate(self._open(), 0)
            self._count = self._taken_bytes = self._bytes = 0

    def _open(self) -> int:
        if self._descriptor is None:
            self._descriptor = open_plain(self._file, os.O_RDWR | os.O_CREAT)
            sync(self._file.parent)
        return self._descriptor


def read_spool(file: Path) -> list[Spooled]:
    """The messages that wait in a spool, for anybody who looks; those that cannot be read are left out."""
    found = []
    for line in itertools.islice(_lines(file), MOST_MESSAGES):
        try:
            found.append(decode(line))
        except Damaged:
            continue
    return found


def blank_out(file: Path, is_meant: Callable[[Spooled], bool], words: frozenset[str]) -> int:
    """Overwrite messages, also those that wait for their turn in a running bot.

    Args:
        file: the spool.
        is_meant: tells which.
        words: in a line that cannot be read, one of these tells.

    Returns:
        How many there were.
    """
    erased = 0
    for path in (file, file.with_name(file.name + SET_ASIDE)):
        try:
            descriptor = open_plain(path, os.O_RDWR)
        except FileNotFoundError:
            continue
        with os.fdopen(descriptor, "r+b") as opened:
            fcntl.flock(opened, fcntl.LOCK_EX)
            position = 0
            for line in _bounded_lines(opened):
                if _is_meant(line, is_meant, words):
                    _write(opened.fileno(), b" " * len(line.rstrip(b"\n")), position)
                    erased += 1
                position += len(line)
    return erased


def _is_meant(line: bytes, is_meant: Callable[[Spooled], bool], words: frozenset[str]) -> bool:
    try:
        return is_meant(decode(line))
    except Damaged:
        return any(word.encode() in line for word in words)


def _lines(file: Path, start: int = 0) -> Iterator[bytes]:
    try:
        descriptor = open_plain(file)
    except FileNotFoundError:
        return
    with os.fdopen(descriptor, "rb") as opened:
        opened.seek(start)
        yield from _bounded_lines(opened)


def _bounded_lines(opened: BinaryIO) -> Iterator[bytes]:
    """The lines; what is longer than any message comes in pieces."""
    while line := opened.readline(_LONGEST_LINE_BYTES):
        yield line


def _write(descriptor: int, data: bytes, position: int | None) -> None:
    """Write all of it, at a position or at the end, and wait until the disk has it."""
    written = 0
    while written < len(data):
        rest = data[written:]
        written += (
            os.write(descriptor, rest)
            if position is None
            else os.pwrite(descriptor, rest, position + written)
        )
    os.fsync(descriptor)
