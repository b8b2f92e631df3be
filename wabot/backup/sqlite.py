"""Copies SQLite databases, whole and checked, also while others write to them."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

from wabot.system.files import require_plain_database


def copy_sqlite(
    source: Path,
    target: Path,
    *,
    at_rest: bool = False,
) -> None:
    """Copy a database by SQLite's own means: complete, also with what stands in a journal beside the file.

    The copy is one file without a journal, readable by its owner alone.

    Args:
        source: the database; others may be using it.
        target: the copy; must not exist yet.
        at_rest: nobody uses the source, and nothing is to be written beside it.

    Raises:
        sqlite3.Error, OSError: the source is damaged or in use, or there is no room.
    """
    require_plain_database(source)
    how = "mode=ro&immutable=1" if at_rest else "mode=rw"
    with closing(sqlite3.connect(f"file:{quote(str(source))}?{how}", uri=True)) as old:
        # SQLite opens the file when it first reads.
        old.execute("SELECT count(*) FROM sqlite_master").fetchone()
        with closing(sqlite3.connect(target)) as new:
            target.chmod(0o600)
            old.backup(new)
            # Without it, the copy would want files beside itself as soon as somebody looks into it.
            new.execute("PRAGMA journal_mode=DELETE")
            (verdict,) = new.execute("PRAGMA quick_check").fetchone()
            if verdict != "ok":
                raise sqlite3.DatabaseError(f"{source} is damaged: {verdict}")


def move_sqlite(source: Path, target: Path) -> bool:
    """Rename a database that nobody uses, with its journals, which belong to it and to no other.

    Returns:
        Whether there was anything to move. What was at the target is gone.
    """
    is_there = source.exists()
    for ending in ("", "-wal", "-journal"):
        present = source.with_name(source.name + ending)
        kept = target.with_name(target.name + ending)
        kept.unlink(missing_ok=True)
        if present.exists():
            present.replace(kept)
    # Shared memory is made anew.
    source.with_name(source.name + "-shm").unlink(missing_ok=True)
    return is_there
