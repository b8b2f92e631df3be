"""What the process last said of its session, kept in the database for `wabot status`.

Written by a thread of its own, so that a database that is away never holds up the main loop.
"""

from __future__ import annotations

import logging
import threading
from datetime import datetime
from typing import Any

import peewee

from wabot.models import Session, database, utc_now

log = logging.getLogger(__name__)

_RETRY_SECONDS = 5.0


class SessionRecord:
    """Keeps one row true; changes made while the database is away are written when it is back.

    Args:
        user_id: whose session.
    """

    def __init__(self, user_id: str) -> None:
        self._user_id = user_id
        self._changed = threading.Condition()
        self._pending: dict[str, Any] = {}
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="record", daemon=True)

    def start(self) -> None:
        """Start writing."""
        self._thread.start()

    def update(self, **fields: Any) -> None:
        """Write these columns soon; never waits."""
        with self._changed:
            self._pending.update(fields)
            self._changed.notify()

    def banned_until(self) -> datetime | None:
        """When the ban ends that an earlier process met, if it has not ended."""
        session = Session.get_or_none(Session.user_id == self._user_id)
        until: datetime | None = session.banned_until if session else None
        return until if until and until > utc_now() else None

    def stop(self, timeout_seconds: float) -> None:
        """Write what is still to write, within the time given."""
        with self._changed:
            self._stopping = True
            self._changed.notify()
        self._thread.join(timeout_seconds)

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._pending or self._stopping)
                fields, self._pending = self._pending, {}
            if fields and not self._write(fields):
                with self._changed:
                    self._pending = {**fields, **self._pending}
                    if not self._stopping:
                        self._changed.wait_for(lambda: self._stopping, _RETRY_SECONDS)
                        continue
            if self._stopping:
                break
        database.close()

    def _write(self, fields: dict[str, Any]) -> bool:
        fields = {**fields, "updated_at": utc_now()}
        try:
            Session.insert(user_id=self._user_id, **fields).on_conflict(
                conflict_target=[Session.user_id], update=fields
            ).execute()
        except (peewee.OperationalError, peewee.InterfaceError) as error:
            database.close()
            log.warning("database: %s; the session's state is written later", error)
            return False
        return True
