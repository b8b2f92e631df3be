"""Connections to PostgreSQL that a thread gives back while it has no use for them.

A server has a hundred connections by default, for all bots and the application itself; a bot whose threads
had one each would take fourteen.
"""

from __future__ import annotations

import select
import threading
import time
from typing import Any

import peewee

from wabot.database.models import database

_KEPT_IDLE = 2
# Opened for a flood of messages: those are kept for the next, for a while.
_IDLE_SECONDS = 30.0


_Postgresql: Any = peewee.PostgresqlDatabase


class LendingPostgresql(_Postgresql):  # type: ignore[misc]
    """A database whose connections pass from thread to thread, without a look at the server."""

    def init(self, *arguments: Any, **options: Any) -> None:
        """Set up as peewee does, with no connection lent yet."""
        self._idle_lock = threading.Lock()
        # The last that was given back is lent first.
        self._idle: list[tuple[float, Any]] = []
        super().init(*arguments, **options)

    def give_back(self) -> None:
        """Let others have this thread's connection; it gets one again with its next query."""
        if self.is_closed() or self.in_transaction():
            return
        connection = self._state.conn
        self._state.reset()
        now = time.monotonic()
        with self._idle_lock:
            self._idle.append((now, connection))
            surplus = self._idle[:-_KEPT_IDLE]
            old = [each for each in surplus if now - each[0] > _IDLE_SECONDS]
            self._idle = self._idle[len(old) :]
        for _, each in old:
            each.close()

    def close(self) -> bool:
        """Close this thread's connection, and those that nobody uses: after an outage they are of no use."""
        with self._idle_lock:
            idle, self._idle = self._idle, []
        for _, each in idle:
            each.close()
        return bool(super().close())

    def _connect(self) -> Any:
        while True:
            with self._idle_lock:
                if not self._idle:
                    break
                _, connection = self._idle.pop()
            if _is_sound(connection):
                return connection
            connection.close()
        return super()._connect()


def rest() -> None:
    """Say that this thread has no use for the database for a while."""
    engine = database.obj
    if isinstance(engine, LendingPostgresql):
        engine.give_back()


def _is_sound(connection: Any) -> bool:
    """Whether nothing came in the meantime: the server says something unasked only when it hangs up."""
    if connection.closed or connection.info.transaction_status:
        return False
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    return not poll.poll(0)
