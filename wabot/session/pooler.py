"""Notices a pooler that lends its connections to PostgreSQL for one transaction each, as PgBouncer can."""

from __future__ import annotations

from contextlib import closing
from typing import Any

import psycopg2

from wabot.database.errors import patience

LOCK_IS_VOID = (
    "a pooler in front of it lends connections for one transaction each, so the lock that keeps a second "
    "machine away from this number cannot be held; the rest works"
)
CURE = "put the pooler's port for session pooling, or PostgreSQL's own address, into database.url"

_LOOKS = 3
_ANSWER_SECONDS = 3.0
_WHO = "SELECT pg_backend_pid()"


def lends_connections(engine: Any) -> bool:
    """Whether two connections to this database get the same server process in turn.

    A lock of the session then belongs to whoever gets that process next, so a second machine would be given
    it, too (measured with PgBouncer 1.18 and pool_mode = transaction). A pooler that keeps a process for each
    client, and one that gives no answer in time, count as harmless.

    Args:
        engine: the open PostgreSQL database; asked on this thread's connection, outside of a transaction.

    Raises:
        peewee.OperationalError, peewee.InterfaceError: the database is away.
    """
    # PostgreSQL greets a client with the number of the process that serves it; a pooler makes one up.
    if (engine.connection().info.backend_pid,) == _process(engine):
        return False
    seen = set()
    try:
        with closing(psycopg2.connect(dbname=engine.database, **engine.connect_params)) as other:
            for _ in range(_LOOKS):
                seen.add(_process(engine))
                with patience(_ANSWER_SECONDS), other.cursor() as cursor:
                    # psycopg2 begins a transaction with it: until its end the process is this connection's.
                    cursor.execute(_WHO)
                    if len(seen) > 1 or cursor.fetchone() in seen:
                        return True
                other.rollback()
    except psycopg2.OperationalError:
        return False
    return False


def _process(engine: Any) -> Any:
    return engine.execute_sql(_WHO).fetchone()
