"""What the process last said of its session, kept in the database for `wabot status` and for a dashboard.

Written by a thread of its own, so that a database that is away never holds up the main loop.
"""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from peewee import fn

from wabot.application.row import ConnectionRow
from wabot.clock import local_now, utc_now
from wabot.conversation.inbox import Inbox
from wabot.conversation.outbox import OPEN_STATES, Outbox
from wabot.database.kept_figures import KeptFigure
from wabot.database.models import Inbound, Session
from wabot.database.refusals import refusal
from wabot.database.transactions import one_at_a_time
from wabot.database.workers import DatabaseWorker, while_away
from wabot.system.units import own_command

log = logging.getLogger(__name__)

_RETRY_SECONDS = 5.0
_COUNT_SECONDS = 5.0
# Under load they change many times a second, and nobody looks that often.
_UNHURRIED = frozenset({"last_inbound_at", "last_reply_at"})
_UNHURRIED_SECONDS = 1.0
# A link that is cut and back again passes through three states in a few milliseconds, in which replies need
# the database, too: only where it comes to rest is written.
_FLURRY_SECONDS = 0.1
_OF_THE_ROW_ONLY = frozenset({"connection_attempts"})


@dataclass(frozen=True, slots=True)
class Backlog:
    """What happened today and what is still to do."""

    chats_today: int
    to_answer: int
    to_send: int

    def __str__(self) -> str:
        chats = f"{self.chats_today} chat{'' if self.chats_today == 1 else 's'} today"
        to_answer = f"to answer: {self.to_answer}" if self.to_answer else "all answered"
        to_send = f"to send: {self.to_send}" if self.to_send else "outbox empty"
        return f"{chats}; {to_answer}; {to_send}"


def count_backlog(user_id: str, now: datetime) -> Backlog:
    """What happened today and is still to do, by the database.

    Args:
        user_id: whose account.
        now: local time, aware; the day begins at its midnight.

    Raises:
        peewee.OperationalError, peewee.InterfaceError: the database is away.
    """
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0).astimezone(UTC).replace(tzinfo=None)
    chats: int = (
        Inbound.select(fn.COUNT(Inbound.chat.distinct()))
        .where(Inbound.user_id == user_id, Inbound.received_at >= midnight)
        .scalar()
    )
    return Backlog(chats, Inbox(user_id).pending_count(), Outbox(user_id).count(OPEN_STATES))


class SessionRecord(DatabaseWorker):
    """Keeps the rows true; changes made while the database is away are written when it is back.

    Args:
        user_id: whose session.
        row: the user's row in the application's own table.

    Attributes:
        backlog: for people, what there is to do, counted every few seconds.
    """

    def __init__(self, user_id: str, row: ConnectionRow) -> None:
        super().__init__("record")
        self._user_id = user_id
        self._row = row
        self._lock = threading.Lock()
        self._pending: dict[str, Any] = {}
        self._write_at: float | None = None
        self._began_at = utc_now()
        self.backlog = ""
        self._counted_at = float("-inf")
        self._counted_day = date.min
        self._backlog: KeptFigure[Backlog]

    def update(self, **fields: Any) -> None:
        """Write these columns of `wabot_sessions`, and `connection_attempts`, soon; never waits."""
        seconds = _UNHURRIED_SECONDS if fields.keys() <= _UNHURRIED else _FLURRY_SECONDS
        with self._lock:
            self._pending.update(fields)
            self._write_by(time.monotonic() + seconds)

    def banned_until(self) -> datetime | None:
        """When the ban ends that an earlier process met, if it has not ended.

        Where it began at a time that is still to come, the clock was set back since; it lasts no longer.
        """
        session = Session.get_or_none(Session.user_id == self._user_id)
        until: datetime | None = session.banned_until if session else None
        if session is None or until is None:
            return None
        now = utc_now()
        ahead = max(session.since - now, timedelta()) if session.since else timedelta()
        return until - ahead if until - ahead > now else None

    def work(self) -> float:
        """Write what is due, and count; the seconds until there is more to do."""
        now = time.monotonic()
        if self._write_at is not None and self._write_at <= now:
            self._write_pending()
        if self._counted_at + _COUNT_SECONDS <= now:
            self._count()
        with self._lock:
            count_at = self._counted_at + _COUNT_SECONDS
            due = count_at if self._write_at is None else min(count_at, self._write_at)
        return max(0.0, due - time.monotonic())

    def finish(self) -> None:
        """Write what is still to write, and count for the last time."""
        self._write_pending()
        self._count()

    def _write_by(self, at: float) -> None:
        if self._write_at is None or at < self._write_at:
            self._write_at = at
            self.rouse()

    def _write_pending(self) -> None:
        with self._lock:
            fields, self._pending, self._write_at = self._pending, {}, None
        if fields and not self._write(fields):
            with self._lock:
                self._pending = {**fields, **self._pending}
                self._write_by(time.monotonic() + _RETRY_SECONDS)

    def _count(self) -> None:
        self._counted_at = time.monotonic()
        with while_away("what there is to do is counted later", level=logging.DEBUG) as attempt:
            self.backlog = str(self._count_of(local_now().date()).get(is_last=self.is_stopping))
        if attempt.error is not None:
            refused = refusal(attempt.error)
            self.backlog = (
                f"the database refuses: {refused.cause}; see {own_command('doctor')}"
                if refused
                else "the database does not answer"
            )

    def _count_of(self, day: date) -> KeptFigure[Backlog]:
        """The figure of a day; with each day it is counted anew, though nobody writes at midnight."""
        if self._counted_day != day:
            self._counted_day = day
            self._backlog = KeptFigure(lambda: count_backlog(self._user_id, local_now()))
        return self._backlog

    def _write(self, fields: dict[str, Any]) -> bool:
        now = utc_now()
        own = {name: value for name, value in fields.items() if name not in _OF_THE_ROW_ONLY}
        # A row older than the process is taken for an earlier one's; the clock may have been set back since.
        own["updated_at"] = max(now, self._began_at)
        try:
            with while_away("the session's state is written later") as attempt, one_at_a_time():
                Session.insert(user_id=self._user_id, **own).on_conflict(
                    conflict_target=[Session.user_id], update=own
                ).execute()
                self._row.write(fields, now)
            return attempt.error is None
        except Exception:
            # Something about this very change, as a NUL in a reason: kept, it would stop all that follow.
            log.exception("a change of the session's state cannot be written down")
        return True
