"""Who may have a number: looks the session's user up before anything dials."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import peewee

from wabot.config.settings import TableSettings
from wabot.database.catalogue import ExistingTable, find_table, similar_tables
from wabot.database.models import Fact
from wabot.errors import DatabaseAway, OperatorNeeded
from wabot.system.units import own_command

_OWN_USERS = "owns_users"

# The columns of an existing application's table, so that one and the same code writes to both.
_OWN_CONNECTIONS = """
CREATE TABLE IF NOT EXISTS "{connections}" (
    "id" TEXT PRIMARY KEY,
    "userId" TEXT NOT NULL UNIQUE REFERENCES "{users}" ("id") ON DELETE CASCADE ON UPDATE CASCADE,
    "phoneNumber" TEXT NOT NULL UNIQUE,
    "status" TEXT NOT NULL DEFAULT 'DISCONNECTED',
    "qrCode" TEXT,
    "qrExpiresAt" DATETIME,
    "sessionId" TEXT,
    "lastConnectedAt" DATETIME,
    "lastMessageAt" DATETIME,
    "isConnected" BOOLEAN NOT NULL DEFAULT 0,
    "connectionAttempts" INTEGER NOT NULL DEFAULT 0,
    "lastError" TEXT,
    "lastErrorAt" DATETIME,
    "createdAt" DATETIME NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" DATETIME NOT NULL
)
"""


@dataclass(frozen=True, slots=True)
class Users:
    """The application's users; only their ids are ever read.

    Attributes:
        existing: the table as it was found.
        table: the same for peewee's query builder.
        id: the column with the ids.
    """

    existing: ExistingTable
    table: Any
    id: Any

    def has(self, user_id: str) -> bool:
        """Whether this user exists."""
        try:
            return self.table.select(self.id).where(self.id == user_id).tuples().first() is not None
        except peewee.DataError:
            # PostgreSQL: a text that can be no id at all, where ids are numbers or UUIDs.
            return False

    def lack(self, user_id: str) -> bool:
        """Whether there are users, but this one is not among them: a table just emptied proves nothing."""
        return not self.has(user_id) and self.table.select(self.id).tuples().first() is not None

    def count(self) -> int:
        """How many users there are."""
        count: int = self.table.select(peewee.fn.COUNT(self.id)).tuples().first()[0]
        return count

    def ids(self, limit: int) -> list[str]:
        """The ids of some of them, in order."""
        rows = self.table.select(self.id).order_by(self.id).limit(limit).tuples()
        return [str(row[0]) for row in rows]


def find_users(database: Any, tables: TableSettings) -> Users:
    """Find the table of users.

    Raises:
        OperatorNeeded: it is not there, or has no ids.
        peewee.DatabaseError, peewee.InterfaceError: the database does not answer.
    """
    existing = find_table(database, tables.users)
    similar = [] if existing else similar_tables(database, tables.users)
    if existing is None and similar:
        raise OperatorNeeded(
            f"the database has no table {tables.users}, but it has {', '.join(similar)}: "
            f'set database.tables.users = "{similar[0]}"'
        )
    if existing is None:
        raise OperatorNeeded(
            f"the database has no table {tables.users}: point database.url at the application's database, "
            "or leave it out for one of wabot's own"
        )
    column = existing.column("id")
    if column is None:
        raise OperatorNeeded(f"the table {tables.users} has no column id: name another in database.tables")
    table = existing.bind(database)
    return Users(existing, table, peewee.Column(table, column.name))


def makes_users(database: Any) -> bool:
    """Whether the table of users is wabot's own, into which the bot puts its user itself when it starts."""
    if not isinstance(database, peewee.SqliteDatabase) or not database.table_exists("wabot_facts"):
        return False
    return Fact.get_or_none(Fact.key == _OWN_USERS) is not None


def require_user(database: Any, user_id: str, tables: TableSettings | None = None) -> None:
    """Make sure the user exists, so that no session is ever kept alive for a phantom.

    In a database of its own (SQLite, where no other program had made a table of users before) wabot creates
    the tables and the one user itself. Everywhere else the users are only read.

    Args:
        database: open, with wabot's own tables.
        user_id: from the configuration.
        tables: what the application's tables are called.

    Raises:
        OperatorNeeded: the user, or the whole table, is not there.
        DatabaseAway: the database does not answer.
    """
    tables = tables or TableSettings()
    try:
        if isinstance(database, peewee.SqliteDatabase):
            _adopt_own_tables(database, user_id, tables)
        known = find_users(database, tables).has(user_id)
    except (peewee.OperationalError, peewee.InterfaceError) as error:
        raise DatabaseAway(f"the table {tables.users} cannot be read: {error}") from None
    except peewee.ProgrammingError as error:
        raise OperatorNeeded(
            f'the table {tables.users} cannot be read ({error}): GRANT SELECT ("id") ON "{tables.users}" '
            "to the role in database.url"
        ) from None
    if not known:
        raise OperatorNeeded(
            f"user {user_id} is not in the table {tables.users}, so its number is not dialled: "
            f"set account.user_id to one that is (`{own_command('doctor')}` lists them)"
        )


def _adopt_own_tables(database: Any, user_id: str, tables: TableSettings) -> None:
    with database.atomic():
        if find_table(database, tables.users) is None:
            database.execute_sql(f'CREATE TABLE "{tables.users}" ("id" TEXT PRIMARY KEY)')
            Fact.insert(key=_OWN_USERS, value="yes").on_conflict_ignore().execute()
        if Fact.get_or_none(Fact.key == _OWN_USERS):
            names = {"users": tables.users, "connections": tables.connections}
            database.execute_sql(_OWN_CONNECTIONS.format_map(names))
            database.execute_sql(f'INSERT OR IGNORE INTO "{tables.users}" ("id") VALUES (?)', (user_id,))
