"""Takes a session into possession: what has to be good before anything dials."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import peewee

from wabot.application.users import require_user
from wabot.config.settings import Settings
from wabot.database.address import sqlite_file
from wabot.database.engine import make_missing_tables, migrate, open_database
from wabot.database.errors import AWAY, fault
from wabot.session.host_lock import HostLock
from wabot.session.lock import SessionLock
from wabot.session.logged_out import put_aside
from wabot.session.private_files import keep_private
from wabot.whatsapp.store import Device, prepare

_LOCK_GRACE_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class HeldSession:
    """A session that is this process's own.

    Attributes:
        device: the account it is linked to, or None.
        lost: who has taken it over on another machine, in a sentence; "" as long as nobody has.
        is_locked: whether the lock file is still the one that this process holds.
        tables_made: the names of the bot's tables that were gone and had to be made anew.
    """

    device: Device | None
    lost: Callable[[], str]
    is_locked: Callable[[], bool]
    tables_made: tuple[str, ...] = ()


@contextmanager
def hold_session(settings: Settings) -> Iterator[HeldSession]:
    """Hold the session's locks, with the database open and the user known.

    Raises:
        OperatorNeeded: another process holds the session, others may read secrets, or it can never work so.
        DatabaseAway: the database does not answer, here or in the block; a bot that runs lives with that.
    """
    keep_private(settings)
    url = settings.database.url
    with SessionLock(settings.session_lock).acquire(_LOCK_GRACE_SECONDS) as file_lock:
        try:
            database = open_database(url)
            migrate(database)
            made = make_missing_tables(database)
            require_user(database, settings.account.user_id, settings.database.tables)
            with _host_lock(settings) as lost:
                device = prepare(settings.session_store)
                if device is None:
                    put_aside(settings, "its process did not say how that ended")
                yield HeldSession(device, lost, file_lock.is_intact, tuple(made))
        except peewee.PeeweeException as error:
            if not _is_of_database(error):
                raise
            raise fault(error, url) from None


@contextmanager
def _host_lock(settings: Settings) -> Iterator[Callable[[], str]]:
    """Hold the lock against other machines; where the database is a file, the file lock is enough."""
    if sqlite_file(settings.database.url) is not None:
        yield str
        return
    lock = HostLock(settings.account.user_id, settings.paths.state)
    try:
        lock.acquire(_LOCK_GRACE_SECONDS)
        yield lambda: lock.lost
    finally:
        lock.release()


def _is_of_database(error: peewee.PeeweeException) -> bool:
    """Whether it is the database's trouble and no bug; of a damaged file SQLite says plain DatabaseError."""
    return isinstance(error, AWAY) or type(error) is peewee.DatabaseError
