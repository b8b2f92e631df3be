"""Reads the client library's own store, an SQLite file, while the client is not open.

Never while neonize runs in the same process: two copies of SQLite in one process do not see each other's
POSIX locks, and closing one drops the other's (measured: an exclusive lock was ignored).
"""

from __future__ import annotations

import logging
import os
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from urllib.parse import quote

from wabot.errors import OperatorNeeded
from wabot.system.files import require_plain_database
from wabot.system.units import own_command
from wabot.whatsapp.messages import Trace

COPY = "whatsapp.db.linked"
"""What the copy of a linked store is called, beside it."""

log = logging.getLogger(__name__)

_BUSY_SECONDS = 5.0
_SCHEMA_VERSION = 15
_MOST_TRACES = 1000


@dataclass(frozen=True, slots=True)
class Device:
    """The account this store is linked to."""

    jid: str
    lid: str

    @property
    def phone(self) -> str:
        """Digits of the account's number."""
        return _user(self.jid)

    @property
    def user_ids(self) -> frozenset[str]:
        """The user parts by which others mention the account."""
        return frozenset(filter(None, (self.phone, _user(self.lid))))


class LoggedIn(Protocol):
    """What an account needs of the WhatsApp client."""

    @property
    def user_ids(self) -> frozenset[str]:
        """As of the last login; empty before the first."""


class Account:
    """The account of a session, which may still have to be linked.

    Args:
        device: what the session was linked to at the start, or None.
        client: knows it better, once it is logged in.

    Attributes:
        device: what the session is linked to, or None.
    """

    def __init__(self, device: Device | None = None, client: LoggedIn | None = None) -> None:
        self.device = device
        self._client = client

    @property
    def user_ids(self) -> frozenset[str]:
        """The user parts by which others mention the account; empty while it is unknown."""
        known = self._client.user_ids if self._client else frozenset[str]()
        return known or (self.device.user_ids if self.device else known)


@dataclass(frozen=True, slots=True)
class Traces:
    """Messages of others that passed through the library.

    Attributes:
        device: JID of the account the store is linked to, or "".
        position: up to where this reaches; it grows as long as the device is the same.
        newest_first: the messages.
    """

    device: str
    position: int
    newest_first: tuple[Trace, ...]


def prepare(path: Path) -> Device | None:
    """Make the store ready for the client, and say whom it is linked to.

    The store is put into WAL mode, which sticks: with the default journal a burst of messages met "database
    is locked" and was lost (whatsmeow issues 298 and 838). File and directory are made private. Of a store
    that is linked a copy is kept beside it: the client library deletes what it holds when it is told of a
    log-out, and nobody could take back a wrong one.

    Args:
        path: the store; it need not exist yet.

    Returns:
        The linked account, or None while nothing is linked. That the file exists proves nothing: a log-out
        deletes the row and keeps the file.

    Raises:
        OperatorNeeded: the file is damaged, locked by another program, or another user's.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.parent.chmod(0o700)
        with closing(_open(path)) as store:
            path.chmod(0o600)
            store.execute("PRAGMA journal_mode=WAL")
            device = _device(store)
            if device is not None:
                _keep_copy(store, path.with_name(COPY))
            return device
    except (sqlite3.Error, OSError) as error:
        raise OperatorNeeded(_explain(path, error)) from None


def _keep_copy(store: sqlite3.Connection, copy: Path) -> None:
    """Replace the copy in one step."""
    unfinished = copy.with_name(f"{copy.name}.new")
    try:
        unfinished.unlink(missing_ok=True)
        with closing(sqlite3.connect(unfinished)) as target:
            unfinished.chmod(0o600)
            store.backup(target)
            # Who wrote when is nothing that a way back needs.
            target.execute("PRAGMA secure_delete = ON")
            if _has_table(target, "whatsmeow_message_secrets"):
                target.execute("DELETE FROM whatsmeow_message_secrets")
                target.commit()
            # In the journal's place it would want files beside itself.
            target.execute("PRAGMA journal_mode=DELETE")
        unfinished.replace(copy)
    except (sqlite3.Error, OSError) as error:
        log.warning("no copy of the session store could be kept (%s); a log-out would be final", error)


def read_device(path: Path) -> Device | None:
    """Whom the store is linked to, as a mere look; for a caller that holds the session lock.

    Nothing is written, unless the last client was killed: then what it left in the journal is taken in, as
    the next client would do, because a look without it could miss the link.

    Raises:
        OperatorNeeded: the file is damaged, or locked by another program.
    """
    if not path.exists():
        return None
    try:
        with closing(_open_for_a_look(path)) as store:
            return _device(store)
    except sqlite3.Error as error:
        raise OperatorNeeded(f"the session store {path} cannot be read: {error}") from None


def store_is_newer(path: Path) -> bool:
    """Whether a newer client library wrote the store, which this one then refuses to open.

    The number is that of whatsmeow's schema in neonize 0.5.2. Only for a caller that holds the session lock;
    where the store cannot be read, `read_device` says so.
    """
    try:
        with closing(_open_for_a_look(path)) as store:
            row = store.execute("SELECT compat FROM whatsmeow_version LIMIT 1").fetchone()
    except sqlite3.Error:
        return False
    return row is not None and isinstance(row[0], int) and row[0] > _SCHEMA_VERSION


def find_message_ids(path: Path, secrets: Iterable[bytes]) -> dict[bytes, str]:
    """The ids of messages that carry these secrets; a message that is missing here surely never left.

    whatsmeow writes (chat, id, secret) of each outgoing message with a secret before its frame leaves.

    Args:
        path: the store. It is opened read-write: after a kill its hot journal makes a read-only open fail.
        secrets: the 32 bytes planted into each message.
    """
    wanted = list(secrets)
    if not wanted or not path.exists():
        return {}
    with closing(_open(path)) as store:
        if not _has_table(store, "whatsmeow_message_secrets"):
            return {}
        marks = ", ".join("?" * len(wanted))
        rows = store.execute(
            f"SELECT key, message_id FROM whatsmeow_message_secrets WHERE key IN ({marks})", wanted
        ).fetchall()
    return {bytes(key): str(message_id) for key, message_id in rows}


def read_traces(path: Path, after: int) -> Traces:
    """The newest messages whose secrets the library stored after a position; most apps send one with each.

    whatsmeow stores a message's secret when it has decrypted the message, before it hands it over.

    Args:
        path: the store; not open in this process.
        after: a position returned earlier; 0 = from the beginning.
    """
    if not path.exists():
        return Traces("", 0, ())
    with closing(_open(path)) as store:
        if not all(_has_table(store, f"whatsmeow_{name}") for name in ("message_secrets", "lid_map")):
            return Traces("", 0, ())
        newest = store.execute("SELECT max(rowid) FROM whatsmeow_message_secrets").fetchone()[0]
        device = _device(store)
        rows = store.execute(
            "SELECT chat_jid, sender_jid, message_id, coalesce(pn, '') "
            "FROM whatsmeow_message_secrets AS secret "
            "LEFT JOIN whatsmeow_lid_map ON sender_jid = lid || '@lid' "
            "WHERE secret.rowid > ? ORDER BY secret.rowid DESC LIMIT ?",
            (after, _MOST_TRACES),
        ).fetchall()
    own = device.user_ids if device else frozenset()
    traces = (Trace(*map(str, row)) for row in rows)
    foreign = tuple(each for each in traces if each.sender.partition("@")[0] not in own)
    return Traces(device.jid if device else "", newest or 0, foreign)


def _user(jid: str) -> str:
    """What a JID names, without server, device and agent."""
    return jid.partition("@")[0].partition(":")[0].partition(".")[0]


def _device(store: sqlite3.Connection) -> Device | None:
    if not _has_table(store, "whatsmeow_device"):
        return None
    row = store.execute("SELECT jid, lid FROM whatsmeow_device LIMIT 1").fetchone()
    return Device(jid=str(row[0] or ""), lid=str(row[1] or "")) if row else None


def _explain(path: Path, error: Exception) -> str:
    known = f"the session store {path} cannot be used ({getattr(error, 'strerror', None) or error}): "
    if isinstance(error, OSError) or not all(
        os.access(each, os.R_OK | os.W_OK) for each in (path.parent, path)
    ):
        return known + "it and its directory must belong to the user that runs wabot"
    if "locked" in str(error):
        return known + "another program has it open; stop that and start wabot again"
    return known + f"{own_command('doctor')} names the commands that help"


def _open(path: Path) -> sqlite3.Connection:
    _require_plain(path)
    return sqlite3.connect(path, timeout=_BUSY_SECONDS, isolation_level=None)


def _open_for_a_look(path: Path) -> sqlite3.Connection:
    _require_plain(path)
    left_over = any(path.with_name(path.name + end).exists() for end in ("-wal", "-journal"))
    # Any other way of reading creates files, and may leave them behind.
    how = "mode=rw" if left_over else "mode=ro&immutable=1"
    return sqlite3.connect(f"file:{quote(str(path))}?{how}", uri=True, timeout=1)


def _has_table(store: sqlite3.Connection, name: str) -> bool:
    return (
        store.execute("SELECT 1 FROM sqlite_master WHERE type='table' AND name=?", (name,)).fetchone()
        is not None
    )


def _require_plain(path: Path) -> None:
    try:
        require_plain_database(path)
    except OSError as error:
        raise sqlite3.OperationalError(f"{error.filename}: {error.strerror}") from None
