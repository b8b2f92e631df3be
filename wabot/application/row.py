"""Keeps a number's row in the application's table of connections true, so that its dashboard shows what is.

Only ever used by the thread that writes `wabot_sessions`: the main loop never waits for it.
"""

from __future__ import annotations

import itertools
import logging
import os
import re
import secrets
import uuid
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import peewee

from wabot.application.connections import ConnectionStatus, ConnectionTable, find_connections, storable
from wabot.application.users import Users, find_users
from wabot.clock import process_clock
from wabot.config.settings import DatabaseSettings
from wabot.database.errors import AWAY, one_line
from wabot.database.models import database
from wabot.errors import OperatorNeeded
from wabot.link.states import STOPPED, State
from wabot.system.masking import mask_phone
from wabot.system.qr import png_data_url

log = logging.getLogger(__name__)

# What the application itself writes before a number is known.
PLACEHOLDER = "pending"

_STATUS = {
    State.STARTING: ConnectionStatus.CONNECTING,
    State.PAIRING: ConnectionStatus.QR_PENDING,
    State.CONNECTING: ConnectionStatus.CONNECTING,
    State.CONNECTED: ConnectionStatus.CONNECTED,
    State.RECONNECTING: ConnectionStatus.CONNECTING,
    State.BACKOFF: ConnectionStatus.CONNECTING,
    State.BANNED: ConnectionStatus.ERROR,
    State.COOLDOWN: ConnectionStatus.ERROR,
    State.NO_ROOM: ConnectionStatus.ERROR,
    State.STOPPING: ConnectionStatus.DISCONNECTED,
    State.REPLACED: ConnectionStatus.ERROR,
    State.LOGGED_OUT: ConnectionStatus.DISCONNECTED,
    State.OUTDATED: ConnectionStatus.ERROR,
    State.PAIRING_EXPIRED: ConnectionStatus.QR_EXPIRED,
    State.FAILED: ConnectionStatus.ERROR,
}
_WITHOUT_DETAIL = frozenset({State.STARTING, State.CONNECTED, State.STOPPING})
_UNIQUE_VIOLATION = "23505"  # PostgreSQL, appendix A
_TRY_PHONE_AGAIN_AFTER = timedelta(minutes=10)
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
_counter = itertools.count(secrets.randbelow(36**4))


class ConnectionRow:
    """One user's row; inserted when it is missing, and quietly left out where the table is.

    Args:
        user_id: whose row.
        settings: what the tables are called, and how the pairing code is written.
    """

    def __init__(self, user_id: str, settings: DatabaseSettings) -> None:
        self._user_id = user_id
        self._settings = settings
        self._known: dict[str, Any] = {"state": State.STARTING.value, "reason": ""}
        self._users: Users | None = None
        self._connections: ConnectionTable | None = None
        self._said = ""
        self._error = ""
        self._refused: tuple[str, datetime] | None = None

    def write(self, news: Mapping[str, Any], now: datetime) -> None:
        """Bring the row up to date.

        Args:
            news: what changed of the session, under the names of the columns of `wabot_sessions`, and
                `connection_attempts`.
            now: naive UTC.

        Raises:
            peewee.OperationalError, peewee.InterfaceError, peewee.InternalError: the database is away or
                refuses all writing; what is new is remembered for the next time.
        """
        self._known.update(news)
        try:
            if self._connections is None:
                self._look()
            if self._connections is not None:
                self._store(self._connections, now)
                self._said = ""
        except AWAY:
            # What comes back may not be what went away.
            self._connections = None
            raise
        except (OperatorNeeded, peewee.DatabaseError) as error:
            self._connections = None
            table = self._settings.tables.connections
            self._complain(f"the row of {self._user_id} in {table}: {_what_is_wrong(error, table)}")

    def unlink(self, now: datetime) -> None:
        """Take back what the row says of the link, the number included; a missing row stays missing.

        Args:
            now: naive UTC.
        """
        self._look()
        if self._connections is None:
            return
        values = {
            "status": ConnectionStatus.DISCONNECTED,
            "is_connected": False,
            "phone_number": self._placeholder(),
            "connection_attempts": 0,
            "updated_at": now,
        }
        values |= dict.fromkeys(("qr_code", "qr_expires_at", "last_error", "last_error_at"))
        row = self._connections.real_names(self._stored(self._connections, values))
        user_id = self._connections.column("user_id")
        self._connections.table.update(row).where(user_id == self._user_id).execute()

    def _look(self) -> None:
        tables = self._settings.tables
        self._users = find_users(database.obj, tables)
        self._connections = find_connections(database.obj, tables, self._users)
        if self._connections is None:
            self._complain(f"no table {tables.connections}: no dashboard is told what the link does")
        else:
            log.info(
                "the state is shown in %s (foreign key to %s: %s)",
                tables.connections,
                tables.users,
                self._connections.foreign_key,
            )

    def _store(self, connections: ConnectionTable, now: datetime) -> None:
        values = self._values(now)
        phone = self._known.get("phone")
        if phone and not self._was_refused(phone, now):
            try:
                with database.atomic():
                    self._update_or_insert(connections, values | {"phone_number": phone})
            except peewee.IntegrityError as error:
                number = connections.columns.get("phone_number")
                if number is None or not _is_taken(error, number.name):
                    raise
                self._refused = (phone, now)
            else:
                self._refused = None
                return
        if self._refused and phone:
            notice = f"the number {mask_phone(phone)} already stands in another user's row"
            values |= {"last_error": notice, "last_error_at": self._refused[1]}
            if self._refused[1] == now:
                log.warning("%s of %s; this row keeps none", notice, self._settings.tables.connections)
        with database.atomic():
            self._update_or_insert(connections, values)

    def _was_refused(self, phone: str, now: datetime) -> bool:
        refused = self._refused
        return refused is not None and refused[0] == phone and now - refused[1] < _TRY_PHONE_AGAIN_AFTER

    def _values(self, now: datetime) -> dict[str, Any]:
        known, state = self._known, self._known["state"]
        pairing = state == State.PAIRING
        error = _detail(state, known["reason"])
        values = {
            "status": _STATUS.get(state, ConnectionStatus.DISCONNECTED),
            "is_connected": state == State.CONNECTED,
            "qr_code": self._shown_code(known.get("qr")) if pairing else None,
            "qr_expires_at": known.get("qr_expires_at") if pairing else None,
            "connection_attempts": known.get("connection_attempts", 0),
            "last_error": error or None,
            "updated_at": now,
        }
        if error != self._error:
            self._error = error
            values["last_error_at"] = now if error else None
        if state == State.CONNECTED:
            values["last_connected_at"] = known.get("since") or now
        moments = [known[name] for name in ("last_inbound_at", "last_reply_at") if known.get(name)]
        if moments:
            values["last_message_at"] = max(moments)
        return values

    def _shown_code(self, code: str | None) -> str | None:
        return png_data_url(code) if code and self._settings.qr_format == "data-url" else code

    def _update_or_insert(self, connections: ConnectionTable, values: dict[str, Any]) -> None:
        row = connections.real_names(self._stored(connections, values))
        table, user_id = connections.table, connections.column("user_id")
        if not row:
            raise OperatorNeeded("it has none of the columns that a dashboard could read")
        if table.update(row).where(user_id == self._user_id).execute():
            return
        if self._users is None or not self._users.has(self._user_id):
            raise OperatorNeeded("not written, because the user is gone; stop the bot or restore the user")
        fixed: dict[str, Any] = {
            "user_id": self._user_id,
            "phone_number": values.get("phone_number", self._placeholder()),
        }
        if "id" in connections.columns and not connections.columns["id"].default:
            fixed["id"] = new_row_id(connections.columns["id"].type)
        if "created_at" in connections.columns and not connections.columns["created_at"].default:
            fixed["created_at"] = values["updated_at"]
        table.insert(connections.real_names(self._stored(connections, fixed)) | row).execute()

    def _placeholder(self) -> str:
        connections = self._connections
        if connections is None or "phone_number" not in connections.columns:
            return PLACEHOLDER
        number = connections.column("phone_number")
        of_others = connections.column("user_id") != self._user_id
        taken = connections.table.select(number).where((number == PLACEHOLDER) & of_others).tuples().first()
        # The column is UNIQUE, so one row at most can have the application's own placeholder.
        return f"{PLACEHOLDER}-{self._user_id}" if taken else PLACEHOLDER

    def _stored(self, connections: ConnectionTable, values: Mapping[str, Any]) -> dict[str, Any]:
        stored: dict[str, Any] = {}
        for name, value in values.items():
            if isinstance(value, ConnectionStatus):
                word = connections.words.get(value)
                if word is not None:
                    stored[name] = word
            else:
                is_time = isinstance(value, datetime)
                stored[name] = storable(database.obj, value) if is_time else value
        return stored

    def _complain(self, sentence: str) -> None:
        """Log it, but not again and again while nothing changes."""
        if sentence != self._said:
            log.warning("%s", sentence)
        self._said = sentence


def _detail(state: str, reason: str) -> str:
    """What the six words cannot say; "" while all goes well."""
    if state in _WITHOUT_DETAIL:
        return ""
    if not reason:
        return "" if state in (State.PAIRING, State.CONNECTING, STOPPED) else state.replace("_", " ")
    return f"{state.replace('_', ' ')}: {reason}"


def _is_taken(error: peewee.IntegrityError, column: str) -> bool:
    """Whether what was to be stored in this column stands in another row, where it may stand but once."""
    said = getattr(error, "orig", None) or error.__cause__ or error
    is_unique = (
        getattr(said, "pgcode", "") == _UNIQUE_VIOLATION
        or getattr(said, "sqlite_errorname", "") == "SQLITE_CONSTRAINT_UNIQUE"
    )
    return is_unique and column in str(error)


def _what_is_wrong(error: Exception, table: str) -> str:
    """Why the row was not written, with what to do about it where that is known."""
    said = one_line(error).partition("; DETAIL:")[0]
    empty = re.search(r'null value in column "([^"]+)"|NOT NULL constraint failed: \S+\.(\S+)', said)
    if empty is None:
        return said
    column = empty[1] or empty[2]
    return (
        f"not written: its column {column} must not be empty, and wabot has nothing for it; give it a default"
        f' (ALTER TABLE "{table}" ALTER COLUMN "{column}" SET DEFAULT …), or insert the row there yourself'
    )


def new_row_id(column_type: str = "text") -> str:
    """A new id: a UUID where the column is one, elsewhere 25 characters in the form of a cuid.

    That is "c", the time in milliseconds, a counter, the process, and chance, all in base 36; ids made later
    sort later, which keeps an index compact.
    """
    if column_type == "uuid":
        return str(uuid.uuid4())
    parts = (
        (int(process_clock.now() * 1000), 8),
        (next(_counter), 4),
        (os.getpid(), 4),
        (secrets.randbits(64), 8),
    )
    return "c" + "".join(_in_base36(number, digits) for number, digits in parts)


def _in_base36(number: int, digits: int) -> str:
    letters = []
    for _ in range(digits):
        number, digit = divmod(number, 36)
        letters.append(_DIGITS[digit])
    return "".join(reversed(letters))
