"""Who may have a number: looks the session's user up before anything dials."""

from __future__ import annotations

from typing import Any

import peewee

from wabot.errors import DatabaseAway, OperatorNeeded
from wabot.models import Fact

_OWN_USERS = "owns_users"


def require_user(database: Any, user_id: str) -> None:
    """Make sure the user exists, so that no session is ever kept alive for a phantom.

    In a database of its own (SQLite, where no other program had made a `users` table before) wabot creates
    the table and the one user itself. Everywhere else the table is only read.

    Raises:
        OperatorNeeded: the user, or the whole table, is not there.
    """
    try:
        if isinstance(database, peewee.SqliteDatabase):
            _adopt_own_users(database, user_id)
        if not database.table_exists("users"):
            raise OperatorNeeded(
                "the database has no table users: point database.url at the application's database, "
                "or leave it out for one of wabot's own"
            )
        users: Any = peewee.Table("users", ("id",)).bind(database)
        found = users.select(users.id).where(users.id == user_id).tuples().first()
    except (peewee.OperationalError, peewee.InterfaceError) as error:
        raise DatabaseAway(f"the table users cannot be read: {error}") from None
    if found is None:
        raise OperatorNeeded(
            f"user {user_id} is not in the table users, so its number is not dialled: "
            "set account.user_id to one that is (wabot doctor lists them)"
        )


def _adopt_own_users(database: Any, user_id: str) -> None:
    with database.atomic():
        if not database.table_exists("users"):
            database.execute_sql('CREATE TABLE "users" ("id" TEXT PRIMARY KEY)')
            Fact.insert(key=_OWN_USERS, value="yes").on_conflict_ignore().execute()
        if Fact.get_or_none(Fact.key == _OWN_USERS):
            database.execute_sql('INSERT OR IGNORE INTO "users" ("id") VALUES (?)', (user_id,))
