"""Which errors of the database heal by themselves, and how long a thread waits for its answer at most."""

from __future__ import annotations

import select
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import peewee
import psycopg2
from psycopg2 import extensions

from wabot.database.refusals import show_sqlstate, without_source

AWAY = (peewee.OperationalError, peewee.InterfaceError, peewee.InternalError)
"""Trouble of the database and not of what was asked: gone, busy, full, or (InternalError) read-only."""

_CONNECT_SECONDS = 5.0
# Beyond the server's own statement_timeout, whose message says more.
_ANSWER_SECONDS = 25.0

_of_thread = threading.local()


def concerns_what_was_stored(error: Exception) -> bool:
    """Whether something cannot be stored because of what it is, and never will be.

    A table that is gone or a damaged file is the database's trouble; a NUL in a text is the text's.
    """
    if isinstance(error, (peewee.IntegrityError, peewee.DataError)):
        return True
    return not isinstance(error, (peewee.DatabaseError, peewee.InterfaceError))


def one_line(said: object) -> str:
    """What PostgreSQL's library says of an error in several lines, in one."""
    return "; ".join(line.strip() for line in str(said).splitlines() if line.strip())


@contextmanager
def patience(seconds: float) -> Iterator[None]:
    """Let this thread wait no longer than this for each answer of a PostgreSQL server."""
    before = getattr(_of_thread, "seconds", _ANSWER_SECONDS)
    _of_thread.seconds = seconds
    try:
        yield
    finally:
        _of_thread.seconds = before


def bound_waiting() -> None:
    """Make every wait for PostgreSQL end, in all threads of the process.

    Its library has no limit of its own: a server that is stopped, or whose disk hangs, keeps its connections
    open and says nothing, for ever. `statement_timeout` is the server's own, and `tcp_user_timeout` sees that
    its kernel is alive. The error closes the connection (measured with psycopg2 2.9).
    """
    extensions.set_wait_callback(_wait)


def _wait(connection: Any) -> None:
    """Wait for psycopg2, as `psycopg2.extras.wait_select` does, but with a deadline."""
    if connection.status != extensions.STATUS_SETUP:
        _wait_for(connection, getattr(_of_thread, "seconds", _ANSWER_SECONDS))
        return
    show_sqlstate(connection, True)
    try:
        _wait_for(connection, _CONNECT_SECONDS)
    except psycopg2.OperationalError as error:
        raise psycopg2.OperationalError(without_source(str(error))) from None
    show_sqlstate(connection, False)


def _wait_for(connection: Any, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while (state := connection.poll()) != extensions.POLL_OK:
        poll = select.poll()
        poll.register(connection.fileno(), select.POLLIN if state == extensions.POLL_READ else select.POLLOUT)
        if not poll.poll(max(0.0, deadline - time.monotonic()) * 1000):
            raise psycopg2.OperationalError(f"the server has not answered for {seconds:.0f} seconds")
