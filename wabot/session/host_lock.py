"""Keeps a second machine away from a session whose database both use; the file lock cannot see that far.

A session-level advisory lock of PostgreSQL, held by a thread with a connection of its own: it is free again
when the connection is gone, and the name of the connection says who holds it.
"""

from __future__ import annotations

import hashlib
import logging
import os
import socket
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import peewee

from wabot.clock import local_text
from wabot.database.engine import open_database
from wabot.database.models import Session, database
from wabot.database.workers import while_away
from wabot.errors import OperatorNeeded
from wabot.session.pooler import CURE, LOCK_IS_VOID, lends_connections
from wabot.system.threads import Worker

log = logging.getLogger(__name__)

_CHECK_SECONDS = 10.0
_RETRY_SECONDS = 0.2
_TRIES = 5
_STOP_SECONDS = 1.0
_LONGEST_NAME = 63  # PostgreSQL cuts application_name there
# The server drops a connection whose machine is gone within about a minute, instead of its default two hours.
_PREPARE = """
SELECT set_config('application_name', %s, false), set_config('tcp_keepalives_idle', '30', false),
    set_config('tcp_keepalives_interval', '10', false), set_config('tcp_keepalives_count', '3', false)
"""
# A lock by one bigint shows its halves as classid and objid, and 1 as objsubid (PostgreSQL: pg_locks).
_HOLDER = """
SELECT pid, application_name, backend_start FROM pg_locks JOIN pg_stat_activity USING (pid)
WHERE locktype = 'advisory' AND granted AND objsubid = 1 AND (classid::bigint << 32 | objid::bigint) = %s
    AND pg_locks.database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


class HostLock(Worker):
    """The claim of one machine on one session.

    Args:
        user_id: whose session.
        state: the state directory; the caller holds the session's file lock there.
    """

    def __init__(self, user_id: str, state: Path) -> None:
        super().__init__("host-lock")
        self._user_id = user_id
        host = socket.gethostname()
        place = hashlib.sha256(f"{host}:{state.resolve()}".encode()).hexdigest()[:12]
        # What stands before the "#" is the same for every process that uses this directory.
        self._place = f"wabot {place} #"
        name = f"{self._place}PID {os.getpid()} on {host}"
        self._name = name.encode("ascii", "replace")[:_LONGEST_NAME].decode()
        self._is_held = False
        self._is_void = False
        self._first = threading.Event()
        self._error: Exception | None = None
        self._lost = ""
        self._deadline = 0.0

    @property
    def lost(self) -> str:
        """Who has the session now, in a sentence; "" while it is ours, or nobody can be asked."""
        return self._lost

    def acquire(self, grace_seconds: float) -> Self:
        """Take the lock, waiting a little for a process that is just ending.

        Raises:
            OperatorNeeded: another machine has the session.
            peewee.OperationalError, peewee.InterfaceError: the database is away.
        """
        self._deadline = time.monotonic() + grace_seconds
        self.start()
        self._first.wait()
        if self._error is not None:
            raise self._error
        return self

    def release(self) -> None:
        """Give the session back."""
        self.stop(_STOP_SECONDS)

    def work(self) -> float | None:
        """Take the lock, and later see that it is held; the seconds until the next look."""
        if self._first.is_set():
            self._check()
        else:
            self._take_first()
        if self._error or self._lost or self._is_void:
            database.close()
            return None
        return _CHECK_SECONDS

    def finish(self) -> None:
        """Let go of the connection, and with it of the lock."""
        database.close()

    def _take_first(self) -> None:
        """Take it within the time that `acquire` waits."""
        try:
            holder = self._take()
            while holder and time.monotonic() < self._deadline:
                time.sleep(_RETRY_SECONDS)
                holder = self._take()
            if holder:
                self._error = OperatorNeeded(
                    f"session {self._user_id} is in use by {holder}, on the same database; "
                    "stop it there first: one number, one machine"
                )
        except (peewee.PeeweeException, OperatorNeeded) as error:
            self._error = error
        finally:
            self._first.set()

    def _check(self) -> None:
        """See that the lock is held; after an outage take it again, unless somebody else has it by now."""
        holder = ""
        level = logging.WARNING if self._is_held else logging.DEBUG
        with while_away("the lock against other machines is taken again later", level=level) as attempt:
            if self._is_held:
                database.execute_sql("SELECT 1")
            else:
                holder = self._take()
        if attempt.error is not None:
            self._is_held = False
        elif holder:
            self._lost = f"{holder} took this session over while the database was away; stop one of the two"

    def _take(self) -> str:
        """Take the lock; return who has it otherwise, "" once it is ours, or where there is no holding it."""
        self._is_void = lends_connections(database.obj)
        if self._is_void:
            log.warning("database: %s; %s", LOCK_IS_VOID, CURE)
            return ""
        database.execute_sql(_PREPARE, (self._name,))
        key = _key(self._user_id)
        for _ in range(_TRIES):
            (self._is_held,) = database.execute_sql("SELECT pg_try_advisory_lock(%s)", (key,)).fetchone()
            if self._is_held:
                return ""
            found = database.execute_sql(_HOLDER, (key,)).fetchone()
            if found is not None:
                backend, name, _since = found
                if not str(name).startswith(self._place):
                    return _described(found)
                # We hold this directory's file lock, so that process is gone, and the server has not noticed.
                database.execute_sql("SELECT pg_terminate_backend(%s)", (backend,))
            time.sleep(_RETRY_SECONDS)
        return "somebody"


def holder_on_any_machine(user_id: str) -> str:
    """Who has a user's session on the open database, in words; "" for nobody, or where it is a file."""
    if isinstance(database.obj, peewee.SqliteDatabase):
        return ""
    found = database.execute_sql(_HOLDER, (_key(user_id),)).fetchone()
    return _described(found) if found else ""


def require_no_other_machine(url: str, *user_ids: str) -> None:
    """Make sure that no bot on another machine uses a database whose tables are to be replaced.

    Args:
        url: the address of a PostgreSQL.
        user_ids: whose bots may use it, besides those that are known there.

    Raises:
        OperatorNeeded: a bot uses them.
        DatabaseAway: the database does not answer.
    """
    opened = open_database(url)
    try:
        sessions: Any = Session
        known = [row.user_id for row in sessions.select()] if sessions.table_exists() else []
        for user_id in {*user_ids, *known}:
            if holder := holder_on_any_machine(user_id):
                raise OperatorNeeded(
                    f"the database is in use by {holder}, for user {user_id}; stop that bot first"
                )
    finally:
        opened.close()


def _described(found: Sequence[Any]) -> str:
    _backend, name, since = found
    who = str(name or "a connection without a name").rpartition("#")[2]
    return f"{who}, connected since {local_text(since, '%Y-%m-%d %H:%M:%S')}"


def _key(user_id: str) -> int:
    """The number of the lock: of user and schema, because two schemas may each have a user of this name."""
    (schema,) = database.execute_sql("SELECT current_schema()").fetchone()
    digest = hashlib.sha256(f"wabot:{schema}:{user_id}".encode()).digest()
    return int.from_bytes(digest[:8], signed=True)
