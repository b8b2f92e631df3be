"""Deletes what is old in the client library's store: who wrote when, which the library itself keeps for ever.

whatsmeow keeps a secret of each message, with chat and sender and without a time (540 bytes, neonize 0.5.2).
So up to which row the table reached is noted from day to day; rows up to a note that is old enough may go.
Keys, contacts and the link stay: the library needs them.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

from wabot.database.models import Fact
from wabot.system.files import read_json

_TABLE = "whatsmeow_message_secrets"
_BATCH_ROWS = 2000
_BUSY_SECONDS = 5.0
# So few notes, however long messages are kept.
_MOST_NOTES = 100
_SHORTEST_SPACE = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Note:
    """How far the table reached at a time, naive UTC, while the store was linked to a device."""

    at: datetime
    device: str
    position: int


def note_position(user_id: str, store: Path, now: datetime, history: timedelta) -> None:
    """Note how far the store reaches now; it may be open in another process, but not in this one.

    Args:
        user_id: whose session.
        store: the client library's store.
        now: naive UTC.
        history: how long messages are kept.
    """
    try:
        with closing(sqlite3.connect(f"file:{quote(str(store))}?mode=ro", uri=True)) as opened:
            reached = _reached(opened, now)
    except sqlite3.Error:
        # Not there yet, or damaged, which others tell of.
        return
    if reached is None:
        return
    # Another device begins its rows anew.
    notes = [each for each in _notes(user_id) if each.device == reached.device and each.at <= now]
    if notes and notes[-1].position > reached.position:
        notes = []
    if notes and now - notes[-1].at < max(_SHORTEST_SPACE, history / _MOST_NOTES):
        return
    old = [each for each in notes if now - each.at > history]
    _save(user_id, [*old[-1:], *(each for each in notes if each not in old), reached])


def prunable_count(user_id: str, store: Path, now: datetime, history: timedelta) -> int:
    """How many rows may go; the caller holds the session lock."""
    return _with_old_rows(user_id, store, now, history, _count)


def prune(user_id: str, store: Path, now: datetime, history: timedelta, within_seconds: float) -> int:
    """Delete the rows that may go; the caller holds the session lock, and the client is not open.

    Args:
        user_id: whose session.
        store: the client library's store.
        now: naive UTC.
        history: how long messages are kept.
        within_seconds: what is not done by then is left for the next time.

    Returns:
        How many were deleted.
    """
    deadline = time.monotonic() + within_seconds

    def delete(opened: sqlite3.Connection, position: int) -> int:
        # Who wrote when is overwritten, too.
        opened.execute("PRAGMA secure_delete = ON")
        total = 0
        while time.monotonic() < deadline:
            batch = f"SELECT rowid FROM {_TABLE} WHERE rowid <= ? ORDER BY rowid LIMIT {_BATCH_ROWS}"
            deleted = opened.execute(f"DELETE FROM {_TABLE} WHERE rowid IN ({batch})", (position,)).rowcount
            if not deleted:
                break
            total += deleted
        return total

    return _with_old_rows(user_id, store, now, history, delete)


def _with_old_rows(
    user_id: str,
    store: Path,
    now: datetime,
    history: timedelta,
    act: Callable[[sqlite3.Connection, int], int],
) -> int:
    old = [each for each in _notes(user_id) if now - each.at > history]
    if not old or not store.exists():
        return 0
    try:
        with closing(sqlite3.connect(store, timeout=_BUSY_SECONDS, isolation_level=None)) as opened:
            reached = _reached(opened, now)
            if reached is None or reached.device != old[-1].device or reached.position < old[-1].position:
                return 0
            # The last row stays, whatever its age: the next one is numbered after it.
            return act(opened, min(old[-1].position, reached.position - 1))
    except sqlite3.Error:
        # Locked, or damaged: the next time, or `wabot doctor`.
        return 0


def _count(opened: sqlite3.Connection, position: int) -> int:
    return int(opened.execute(f"SELECT count(*) FROM {_TABLE} WHERE rowid <= ?", (position,)).fetchone()[0])


def _reached(opened: sqlite3.Connection, now: datetime) -> Note | None:
    """How far the table reaches; None while no device is linked."""
    device = opened.execute("SELECT jid FROM whatsmeow_device LIMIT 1").fetchone()
    last = opened.execute(f"SELECT max(rowid) FROM {_TABLE}").fetchone()[0]
    return Note(now, str(device[0]), last) if device and last else None


def _notes(user_id: str) -> list[Note]:
    fact = Fact.get_or_none(Fact.key == _key(user_id))
    try:
        return read_json(fact.value, _notes_of) if fact else []
    except ValueError:
        return []


def _notes_of(kept: Any) -> list[Note]:
    return [Note(datetime.fromisoformat(at), str(device), int(position)) for at, device, position in kept]


def _save(user_id: str, notes: list[Note]) -> None:
    value = json.dumps([(each.at.isoformat(), each.device, each.position) for each in notes])
    Fact.insert(key=_key(user_id), value=value).on_conflict(
        conflict_target=[Fact.key], update={Fact.value: value}
    ).execute()


def _key(user_id: str) -> str:
    return f"store-positions:{user_id}"
