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
from wabot.database.errors import AWAY, one_line
from wabot.database.kept_figures import KeptFigure
from wabot.database.lent_connections import rest
from wabot.database.models import Inbound, Session, database
from wabot.database.refusals import refusal
from wabot.database.tables import suspect
from wabot.database.transactions import one_at_a_time
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


class SessionRecord:
    """Keeps the rows true; changes made while the database is away are written when it is back.

    Args:
        user_id: whose session.
        row: the user's row in the application's own table.

    Attributes:
        backlog: for people, what there is to do, counted every few seconds.
    """

    def __init__(self, user_id: str, row: ConnectionRow) -> None:
        self._user_id = user_id
        self._row = row
        self._changed = threading.Condition()
        self._pending: dict[str, Any] = {}
        self._began_at = utc_now()
        self._stopping = False
        self.backlog = ""
        self._counted_at = float("-inf")
        self._counted_day = date.min
        self._backlog: KeptFigure[Backlog]
        self._thread = threading.Thread(target=self._run, name="record", daemon=True)

    def start(self) -> None:
        """Start writing."""
        self._thread.start()

    def update(self, **fields: Any) -> None:
        """Write these columns of `wabot_sessions`, and `connection_attempts`, soon; never waits."""
        with self._changed:
            is_news = not self._pending or not fields.keys() <= _UNHURRIED
            self._pending.update(fields)
            if is_news:
                self._changed.notify()

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

    def stop(self, timeout_seconds: float) -> None:
        """Write what is still to write, within the time given, and end."""
        with self._changed:
            self._stopping = True
            self._changed.notify()
        self._thread.join(timeout_seconds)

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._pending or self._stopping, _COUNT_SECONDS)
                self._changed.wait_for(self._is_urgent, _UNHURRIED_SECONDS)
                if self._pending:
                    self._changed.wait_for(lambda: self._stopping, _FLURRY_SECONDS)
                fields, self._pending = self._pending, {}
            failed = bool(fields) and not self._write(fields)
            self._count()
            rest()
            if failed:
                with self._changed:
                    self._pending = {**fields, **self._pending}
                    self._changed.wait_for(lambda: self._stopping, _RETRY_SECONDS)
            with self._changed:
                if self._stopping and (failed or not self._pending):
                    break
        database.close()

    def _count(self) -> None:
        if time.monotonic() - self._counted_at < _COUNT_SECONDS and not self._stopping:
            return
        self._counted_at = time.monotonic()
        try:
            self.backlog = str(self._count_of(local_now().date()).get(is_last=self._stopping))
        except AWAY as error:
            suspect(error)
            database.close()
            refused = refusal(error)
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

    def _is_urgent(self) -> bool:
        return self._stopping or not self._pending.keys() <= _UNHURRIED

    def _write(self, fields: dict[str, Any]) -> bool:
        now = utc_now()
        own = {name: value for name, value in fields.items() if name not in _OF_THE_ROW_ONLY}
        # A row older than the process is taken for an earlier one's; the clock may have been set back since.
        own["updated_at"] = max(now, self._began_at)
        try:
            with one_at_a_time():
                Session.insert(user_id=self._user_id, **own).on_conflict(
                    conflict_target=[Session.user_id], update=own
                ).execute()
                self._row.write(fields, now)
        except AWAY as error:
            suspect(error)
            database.close()
            log.warning("database: %s; the session's state is written later", one_line(error))
            return False
        except Exception:
            # Something about this very change, as a NUL in a reason: kept, it would stop all that follow.
            log.exception("a change of the session's state cannot be written down")
        return True
