"""Erases a person from the client library's stores: the session's, and those in quarantine.

From a process of its own: SQLite's locks keep two processes apart, but not two copies of SQLite in one.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from wabot.config.settings import STORE, Settings
from wabot.errors import OperatorNeeded
from wabot.session.lock import SessionInUse, SessionLock
from wabot.system.files import require_plain_database
from wabot.whatsapp.store import COPY

_BUSY_SECONDS = 5.0
# What holds names and messages; column by column, with JIDs as values.
_WORDS = (
    ("whatsmeow_contacts", "their_jid"),
    ("whatsmeow_chat_settings", "chat_jid"),
    ("whatsmeow_message_secrets", "chat_jid"),
    ("whatsmeow_message_secrets", "sender_jid"),
    ("whatsmeow_retry_buffer", "chat_jid"),
)
# What a running client needs to read the next message.
_JID_KEYS = (("whatsmeow_privacy_tokens", "their_jid"), ("whatsmeow_sender_keys", "chat_id"))
_NUMBERS = (("whatsmeow_lid_map", "lid"), ("whatsmeow_lid_map", "pn"))
# Values such as 34600111222:0, and 299000111222_1:0 for hidden ids.
_DEVICE_KEYS = (
    ("whatsmeow_sessions", "their_id"),
    ("whatsmeow_identity_keys", "their_id"),
    ("whatsmeow_sender_keys", "sender_id"),
)


@dataclass(frozen=True, slots=True)
class StoreErased:
    """How many rows went; and how to stop the bot that uses the keys, where those had to stay, else ""."""

    rows: int
    keys_kept: str


def erase_from_stores(settings: Settings, users: Iterable[tuple[str, str]]) -> StoreErased:
    """Erase a person from the session's store, its copy, and those in quarantine.

    Args:
        settings: where the stores are.
        users: every (user, server) the person is known by.

    Raises:
        OperatorNeeded: a store cannot be written.
    """
    known = sorted(users)
    unused = [path for name in (STORE, COPY) for path in sorted(settings.quarantine.rglob(name))]
    unused += settings.session_directory.glob(COPY)
    rows = sum(_erase(path, known, keys=True) for path in unused)
    if not settings.session_store.exists():
        return StoreErased(rows, "")
    with _owned(settings) as obstacle:
        rows += _erase(settings.session_store, known, keys=not obstacle)
    return StoreErased(rows, obstacle)


@contextmanager
def _owned(settings: Settings) -> Iterator[str]:
    """Hold the session for the block; yields "", or how to stop the bot that holds it."""
    try:
        lock = SessionLock(settings.session_lock).acquire(0)
    except SessionInUse as error:
        yield error.advice
        return
    with lock:
        yield ""


def _erase(path: Path, users: Iterable[tuple[str, str]], *, keys: bool) -> int:
    try:
        require_plain_database(path)
        with closing(sqlite3.connect(path, timeout=_BUSY_SECONDS)) as store:
            # What is deleted is overwritten, too.
            store.execute("PRAGMA secure_delete = ON")
            tables = {
                name for (name,) in store.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            }
            with store:
                rows = sum(
                    store.execute(
                        f"DELETE FROM {table} WHERE {column} LIKE ? ESCAPE '!'", (pattern,)
                    ).rowcount
                    for user, server in users
                    for table, column, pattern in _targets(user, server, keys)
                    if table in tables
                )
            store.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            return rows
    except (OSError, sqlite3.Error) as error:
        raise OperatorNeeded(
            f"the session store {path} cannot be changed ({error}); the rest is erased: try once more"
        ) from None


def _targets(user: str, server: str, keys: bool) -> Iterator[tuple[str, str, str]]:
    """The tables, columns and patterns of values that mean this person."""
    for table, column in _WORDS:
        yield table, column, f"{user}@{server}"
    if not keys:
        return
    for table, column in _JID_KEYS:
        yield table, column, f"{user}@{server}"
    for table, column in _NUMBERS:
        yield table, column, user
    for table, column in _DEVICE_KEYS:
        yield table, column, f"{user}:%"
        yield table, column, f"{user}!_1:%"
