"""Takes a session into possession: what has to be good before anything dials."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import peewee

from wabot.accounts import require_user
from wabot.database import fault, migrate, open_database
from wabot.database_faults import AWAY
from wabot.session_lock import SessionLock
from wabot.session_store import Device, prepare
from wabot.settings import Settings

_LOCK_GRACE_SECONDS = 2.0


@contextmanager
def owned_session(settings: Settings) -> Iterator[Device | None]:
    """Hold the session's lock, with the database open and the user known.

    Yields:
        the account the session is linked to, or None.

    Raises:
        OperatorNeeded: another process holds the session, or it can never work like this.
        DatabaseAway: the database does not answer, here or in the block; a bot that runs lives with that.
    """
    url = settings.database.url
    with SessionLock(settings.session_lock).acquire(_LOCK_GRACE_SECONDS):
        try:
            database = open_database(url)
            migrate(database)
            require_user(database, settings.account.user_id, settings.database.tables)
            yield prepare(settings.session_store)
        except peewee.PeeweeException as error:
            if not _is_of_database(error):
                raise
            raise fault(error, url) from None


def _is_of_database(error: peewee.PeeweeException) -> bool:
    """Whether it is the database's trouble and no bug; of a damaged file SQLite says plain DatabaseError."""
    return isinstance(error, AWAY) or type(error) is peewee.DatabaseError
