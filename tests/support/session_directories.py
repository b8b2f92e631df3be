"""Session directories as the client library leaves them, as far as anybody but itself looks into them."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

_HOLD = """
import pathlib, sys
from wabot.session.lock import SessionLock
lock = SessionLock(pathlib.Path(sys.argv[1]))
lock.acquire(0)
print("held", flush=True)
sys.stdin.read()
"""


def make_session(sessions: Path, user_id: str, *, linked: bool, used_at: datetime) -> Path:
    """Make a session directory.

    Args:
        sessions: the directory of all sessions.
        user_id: whose.
        linked: whether a number was linked and not logged out since.
        used_at: when it was used last, naive UTC.
    """
    directory = sessions / user_id
    directory.mkdir(mode=0o700, parents=True)
    with closing(sqlite3.connect(directory / "whatsapp.db", isolation_level=None)) as store:
        store.execute("PRAGMA journal_mode=WAL")
        store.execute("CREATE TABLE whatsmeow_version (version INTEGER, compat INTEGER)")
        store.execute("INSERT INTO whatsmeow_version VALUES (15, 8)")
        store.execute("CREATE TABLE whatsmeow_device (jid TEXT PRIMARY KEY, lid TEXT)")
        if linked:
            store.execute("INSERT INTO whatsmeow_device VALUES ('34600111222:3@s.whatsapp.net', '1:3@lid')")
    moment = used_at.replace(tzinfo=UTC).timestamp()
    os.utime(directory / "whatsapp.db", (moment, moment))
    return directory


def hold(lock: Path) -> subprocess.Popen[str]:
    """Start a process that holds a session lock until its stdin is closed."""
    process = subprocess.Popen(
        [sys.executable, "-c", _HOLD, str(lock)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def tree(directory: Path) -> dict[str, bytes]:
    """Every file below a directory, with what is in it."""
    return {
        str(path.relative_to(directory)): path.read_bytes() if path.is_file() else b"directory"
        for path in sorted(directory.rglob("*"))
    }
