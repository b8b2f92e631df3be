"""What an error of the database means: whether it heals by itself, and else what a person must do.

And how long a thread waits for an answer at most: without that some errors would never come.
"""

from __future__ import annotations

import errno
import select
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import peewee
import psycopg2
from psycopg2 import extensions

from wabot.database.address import public_url
from wabot.database.refusals import refusal, show_sqlstate, without_source
from wabot.errors import DatabaseAway, OperatorNeeded, WabotError

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


# Names of SQLite's codes (Python 3.11); the longer ones begin like these.
_UNREACHABLE = ("SQLITE_CANTOPEN", "SQLITE_READONLY", "SQLITE_PERM", "SQLITE_AUTH")


_UNREACHABLE_ERRNOS = frozenset(
    {
        errno.EINVAL,
        errno.EACCES,
        errno.EPERM,
        errno.EROFS,
        errno.EISDIR,
        errno.ENOTDIR,
        errno.EEXIST,
        errno.ENAMETOOLONG,
    }
)


def fault(error: Exception, url: str) -> WabotError:
    """What to tell the operator of an error that kept the bot from starting.

    Args:
        error: peewee's or psycopg2's, or the operating system's.
        url: the address of the database.

    Returns:
        DatabaseAway for what heals by itself or when somebody mends the server, so that trying again makes
        sense; OperatorNeeded for a file that will be as unusable at the next try, and for an address that
        the server will refuse again.
    """
    name = public_url(url)
    reason = str(getattr(getattr(error, "orig", None), "sqlite_errorname", ""))
    if reason.startswith(_UNREACHABLE) or getattr(error, "errno", None) in _UNREACHABLE_ERRNOS:
        return OperatorNeeded(
            f"database {name} cannot be opened ({error}): the file and its directory must be there, writable "
            "and wabot's own; ls -ld shows whose they are, chown changes it"
        )
    if isinstance(error, (*AWAY, psycopg2.OperationalError, OSError)):
        refused = refusal(error)
        if refused is not None:
            return OperatorNeeded(
                f"database {name} cannot be opened ({_last_attempt(error)}): {refused.cause}; {refused.cure}"
            )
        return DatabaseAway(f"database {name} cannot be opened: {one_line(error)}")
    return OperatorNeeded(f"database {name} cannot be used ({error}): restore a backup, or move it aside")


def _last_attempt(error: Exception) -> str:
    """What psycopg2 says, without the attempts before the last: with encryption, without, at each address."""
    before, attempt, last = str(error).rpartition("connection to server")
    return one_line(attempt + last if before else error)
