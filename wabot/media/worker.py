"""The thread that turns received files into text: claims a row, fetches, has it read, settles the row.

Whatever ends it in between leaves the row as it was, and the next start does it again: what is understood is
stored in one transaction with all that follows from it, and the file goes after that.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

from wabot.brain.providers.budget import BudgetUnknown
from wabot.clock import utc_now
from wabot.conversation.chats import named
from wabot.conversation.files.received_files import ReceivedFiles, attachment_of
from wabot.conversation.schedule import ChatSchedule
from wabot.database.errors import AWAY
from wabot.database.lent_connections import rest
from wabot.database.models import Inbound, ReceivedFile
from wabot.database.states import FileFailure, KeptOut
from wabot.database.transactions import transaction
from wabot.database.workers import RETRY_SECONDS, DatabaseWorker, note_away
from wabot.media.cipher import DamagedFile
from wabot.media.directory import MediaDirectory, NoRoom
from wabot.media.fetch import Gone, NotNow, TooLarge
from wabot.system.threads import Pulse
from wabot.whatsapp.messages import Attachment, MessageKind

log = logging.getLogger(__name__)

RETRIES_AFTER_SECONDS = (2.0, 10.0, 60.0)
MOST_ATTEMPTS = 10
"""Also of those that ended with the process, so that no file can end it for ever."""
_LEAST_SECONDS, _MOST_SECONDS = 15.0, 120.0
_BYTES_PER_SECOND = 256_000
_SLACK_SECONDS = 30.0
_LOOK_AGAIN_SECONDS = 30.0
"""So soon goes a file whose message was taken back, or is not answered any more."""


class NotUnderstood(Exception):
    """Nobody could say what is in a file. The message is for the operator.

    Attributes:
        worth_retry: whether that may be different in a moment.
    """

    def __init__(self, explanation: str, *, worth_retry: bool) -> None:
        super().__init__(explanation)
        self.worth_retry = worth_retry


@dataclass(frozen=True, slots=True)
class Understood:
    """What was heard or read in a file, "" for nothing, and by whom."""

    text: str = field(repr=False)
    author: str


class Reader(Protocol):
    """Reads one kind of file.

    Attributes:
        most_bytes: how large one may be.
    """

    most_bytes: int

    def seconds(self, row: ReceivedFile) -> float:
        """How long it may take to read this one."""

    def read(self, row: ReceivedFile, path: Path) -> Understood | None:
        """What is in a file; None where a model is shown it: it stays until its message is answered.

        Raises:
            NotUnderstood: nobody can say.
            BudgetUnknown: whether somebody may be asked is not known.
        """


class FileSource(Protocol):
    """Where files are had from: the media hosts."""

    def fetch(
        self, file: Attachment, kind: MessageKind, number: int, most_bytes: int, seconds: float
    ) -> Path:
        """Bring the file of a row onto this machine, whole and checked."""


class Hearing(Protocol):
    """Who is told what a customer said: the way in."""

    def heard(self, row: Inbound, text: str, now: datetime) -> int | None:
        """Take what was heard in a voice note for what its sender says; in the transaction that keeps it."""


class MediaWorker(DatabaseWorker):
    """Reads received files one after the other; two of them share everything but their thread.

    Args:
        name: of the thread.
        files: the rows.
        directory: where files lie meanwhile.
        readers: by the kind of message.
        hearing: told what was said.
        schedule: told which chat need not wait any longer.
        pulse: of the thread.
        source: where files are had from.
    """

    waits = "received files wait"

    def __init__(
        self,
        name: str,
        files: ReceivedFiles,
        directory: MediaDirectory,
        readers: Mapping[str, Reader],
        hearing: Hearing,
        schedule: ChatSchedule,
        pulse: Pulse,
        source: FileSource,
    ) -> None:
        super().__init__(name, files.wakeup)
        self._files = files
        self._directory = directory
        self._readers = readers
        self._hearing = hearing
        self._schedule = schedule
        self._pulse = pulse
        self._source = source

    def work(self) -> float | None:
        """Read the next file that is due."""
        now = utc_now()
        row = self._files.claim(now)
        if row is None:
            return self._tidy_up(now)
        try:
            self._take(row)
        finally:
            self._pulse.idle()
            self._files.release(row)
        return 0.0

    def _tidy_up(self, now: datetime) -> float | None:
        """Delete what was taken back, or nobody answers; the seconds until there is something to do."""
        left = self._directory.keep_only(self._files.open_numbers())
        seconds = [_LOOK_AGAIN_SECONDS] if left else []
        if due_at := self._files.next_due_at(now):
            seconds.append(max((due_at - utc_now()).total_seconds(), 0.0))
        return min(seconds, default=None)

    def _take(self, row: ReceivedFile) -> None:
        reader = self._readers.get(row.kind)
        if reader is None:
            self._settle(row, lambda now: self._files.keep_out(row, KeptOut.NO_READER, now))
            return
        try:
            found = self._read(row, reader)
        except Gone:
            self._fail(row, FileFailure.GONE)
        except TooLarge:
            self._settle(row, lambda now: self._files.keep_out(row, KeptOut.TOO_LARGE, now))
        except DamagedFile as error:
            self._fail(row, f"{FileFailure.DAMAGED}: {error}")
        except NotUnderstood as error:
            reason = f"{FileFailure.NOT_UNDERSTOOD}: {error}"
            self._try_again(row, reason) if error.worth_retry else self._fail(row, reason)
        except (NotNow, NoRoom, BudgetUnknown) as error:
            self._try_again(row, f"{FileFailure.NOT_FETCHED}: {error}")
        except OSError as error:
            self._try_again(row, f"{FileFailure.NOT_FETCHED}: {error.strerror or type(error).__name__}")
        except AWAY:
            raise
        except Exception as error:
            # One odd file must keep no others waiting.
            log.exception("%s: file %d could not be read", named(row.message.chat), row.id)
            self._try_again(row, f"{FileFailure.NOT_UNDERSTOOD}: {type(error).__name__}")
        else:
            if found is None:
                self._settle(row, lambda _: self._files.fetched(row), keeps_file=True)
            else:
                self._settle(row, lambda now: self._understood(row, found, now))

    def _read(self, row: ReceivedFile, reader: Reader) -> Understood | None:
        if row.attempts > MOST_ATTEMPTS:
            raise NotUnderstood(f"{MOST_ATTEMPTS} attempts ended with the process", worth_retry=False)
        try:
            file = attachment_of(row)
        except ValueError:
            raise DamagedFile("its row does not say where it is") from None
        # The network takes seconds.
        rest()
        seconds = min(_LEAST_SECONDS + file.size_bytes / _BYTES_PER_SECOND, _MOST_SECONDS)
        self._pulse.busy(seconds + _SLACK_SECONDS)
        path = self._source.fetch(file, MessageKind(row.kind), row.id, reader.most_bytes, seconds)
        self._pulse.busy(reader.seconds(row) + _SLACK_SECONDS)
        return reader.read(row, path)

    def _understood(self, row: ReceivedFile, found: Understood, now: datetime) -> None:
        if not self._files.understood(row, found.text, found.author, now):
            # Taken back, or erased with its chat.
            return
        message = Inbound.get_or_none(Inbound.id == row.message_id)
        if message is not None and row.kind == MessageKind.AUDIO:
            self._hearing.heard(message, found.text, now)

    def _fail(self, row: ReceivedFile, reason: str) -> None:
        self._settle(row, lambda now: self._files.failed(row, reason, now))
        log.warning("%s: file %d was given up: %s", named(row.message.chat), row.id, reason)

    def _try_again(self, row: ReceivedFile, reason: str) -> None:
        """Try again a little later, while somebody still waits for the answer."""
        now = utc_now()
        place = row.attempts - 1
        pause = RETRIES_AFTER_SECONDS[place] if place < len(RETRIES_AFTER_SECONDS) else 0.0
        if not pause or self._files.seconds_to_wait([row.message], now) < pause:
            self._fail(row, reason)
            return
        log.info("%s: file %d: %s; again in %.0f s", named(row.message.chat), row.id, reason, pause)
        not_before = now + timedelta(seconds=pause)
        self._store(lambda _: self._files.retry(row, reason, not_before))

    def _settle(
        self, row: ReceivedFile, settle: Callable[[datetime], object], *, keeps_file: bool = False
    ) -> None:
        """Store what became of a file, delete it, and let its chat be answered."""
        if self._store(settle):
            if not keeps_file:
                self._directory.drop(row.id)
            self._schedule.hurry(row.message.chat_id)

    def _store(self, change: Callable[[datetime], object]) -> bool:
        """Change a row once the database takes it: what was heard is paid for; False when the bot stops."""
        while True:
            try:
                with transaction():
                    change(utc_now())
                return True
            except AWAY as error:
                note_away(error, "what came of a received file waits")
                self._pulse.busy()
                if self.stops_within(RETRY_SECONDS):
                    return False
