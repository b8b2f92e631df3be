"""The table of connections that an application's dashboard reads: its columns and words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import peewee

from wabot.application.users import Users
from wabot.config.settings import TableSettings
from wabot.database.catalogue import ExistingColumn, ExistingTable, ForeignKey, find_foreign_key, find_table
from wabot.errors import OperatorNeeded

_COLUMNS = (
    "id",
    "user_id",
    "phone_number",
    "status",
    "qr_code",
    "qr_expires_at",
    "last_connected_at",
    "last_message_at",
    "is_connected",
    "connection_attempts",
    "last_error",
    "last_error_at",
    "created_at",
    "updated_at",
)


class ConnectionStatus(StrEnum):
    """The six words the application knows."""

    DISCONNECTED = "DISCONNECTED"
    CONNECTING = "CONNECTING"
    CONNECTED = "CONNECTED"
    ERROR = "ERROR"
    QR_PENDING = "QR_PENDING"
    QR_EXPIRED = "QR_EXPIRED"


# What comes next best where an application has fewer words.
_SUBSTITUTES = {
    ConnectionStatus.QR_PENDING: (ConnectionStatus.CONNECTING, ConnectionStatus.DISCONNECTED),
    ConnectionStatus.QR_EXPIRED: (ConnectionStatus.DISCONNECTED,),
    ConnectionStatus.CONNECTING: (ConnectionStatus.DISCONNECTED,),
    ConnectionStatus.ERROR: (ConnectionStatus.DISCONNECTED,),
}


@dataclass(frozen=True, slots=True)
class ConnectionTable:
    """The table, for everybody who reads or writes it.

    Attributes:
        existing: the table as it was found.
        table: the same for peewee's query builder.
        columns: those of our columns that it has.
        words: how it spells each status; empty when it has no column for it.
        foreign_key: what keeps its rows from outliving their users.
    """

    existing: ExistingTable
    table: Any
    columns: Mapping[str, ExistingColumn]
    words: Mapping[ConnectionStatus, str]
    foreign_key: ForeignKey

    def column(self, name: str) -> Any:
        """One of our columns, under its real name."""
        return peewee.Column(self.table, self.columns[name].name)

    def real_names(self, values: Mapping[str, Any]) -> dict[Any, Any]:
        """Those of the values for which the table has a column, under their real names."""
        return {self.column(name): value for name, value in values.items() if name in self.columns}

    @property
    def key(self) -> str:
        """Our name for the column by which a row is found again."""
        return "id" if "id" in self.columns else "user_id"


def find_connections(database: Any, tables: TableSettings, users: Users) -> ConnectionTable | None:
    """The table as it was found; None when there is none, which is no trouble: nothing is written then.

    Raises:
        OperatorNeeded: it does not say whose connection a row is.
    """
    existing = find_table(database, tables.connections)
    if existing is None:
        return None
    found = {name: existing.column(name) for name in _COLUMNS}
    columns = {name: column for name, column in found.items() if column is not None}
    if "user_id" not in columns:
        raise OperatorNeeded(
            f'the table {tables.connections} has no column "userId" or user_id: '
            "set database.tables.connections to the one that has"
        )
    return ConnectionTable(
        existing,
        existing.bind(database),
        columns,
        _words(columns["status"]) if "status" in columns else {},
        find_foreign_key(database, existing, columns["user_id"].name, users.existing),
    )


def storable(database: Any, moment: datetime) -> datetime | str:
    """A naive UTC time as this database takes it: SQLite has no type of its own for it."""
    if isinstance(database, peewee.SqliteDatabase):
        return f"{moment:%Y-%m-%d %H:%M:%S.%f}"
    return moment


def as_moment(value: Any) -> datetime | None:
    """A time that came out of the table, as naive UTC; None for what is no time.

    Applications keep times in SQLite as text, with or without an offset, or as milliseconds since 1970.
    """
    try:
        if isinstance(value, int | float):
            value = datetime.fromtimestamp(value / 1000, UTC)
        elif isinstance(value, str):
            value = datetime.fromisoformat(value)
    except (ValueError, OverflowError, OSError):
        return None
    if not isinstance(value, datetime):
        return None
    return value.astimezone(UTC).replace(tzinfo=None) if value.tzinfo else value


def _words(column: ExistingColumn) -> dict[ConnectionStatus, str]:
    if not column.labels:
        # A text: in small letters if that is what its default looks like, as in 'disconnected'::text.
        small = column.default.partition("::")[0].islower()
        return {status: status.lower() if small else status.value for status in ConnectionStatus}
    allowed = {label.upper(): label for label in column.labels}
    words = {}
    for status in ConnectionStatus:
        candidates = (status, *_SUBSTITUTES.get(status, ()))
        word = next((allowed[each] for each in candidates if each in allowed), None)
        if word is not None:
            words[status] = word
    return words
