"""Threads that work with the database: what they do while it is away, and what while they rest."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from wabot.database.errors import AWAY, one_line
from wabot.database.lent_connections import rest
from wabot.database.models import database
from wabot.database.tables import suspect
from wabot.system.threads import FAILED_SECONDS, Worker

log = logging.getLogger(__name__)

RETRY_SECONDS = 1.0
"""When a thread tries again what the database did not take."""


@dataclass(slots=True)
class Attempt:
    """Something that was tried; `error` is the database's, if it was away."""

    error: Exception | None = None


@contextmanager
def while_away(what_waits: str, *also: type[Exception], level: int = logging.WARNING) -> Iterator[Attempt]:
    """End the block, and say so, where the database turns out to be away.

    Args:
        what_waits: what becomes of what was to be done, for the journal.
        also: other errors that mean the same.
        level: of what is said.
    """
    attempt = Attempt()
    errors: tuple[type[Exception], ...] = (*AWAY, *also)
    try:
        yield attempt
    except errors as error:
        note_away(error, what_waits, level)
        attempt.error = error


def note_away(error: Exception, what_waits: str, level: int = logging.WARNING) -> None:
    """Say that the database was away, and make this thread's next query begin with a new connection.

    After the server cut a connection every query on it fails until it is closed (peewee 4.5).
    """
    suspect(error.__cause__ or error)
    database.close()
    log.log(level, "database: %s; %s", one_line(error), what_waits)


class DatabaseWorker(Worker):
    """A worker whose steps need the database, which may be away.

    Attributes:
        waits: what becomes of a step then, for the journal.
    """

    waits = "it is tried again"

    def _run(self) -> None:
        super()._run()
        database.close()

    def _step(self) -> float | None:
        try:
            with while_away(self.waits):
                return self.work()
            return RETRY_SECONDS
        except Exception as error:
            suspect(error)
            log.exception("%s failed; it goes on", self._thread.name)
            return FAILED_SECONDS
        finally:
            rest()
