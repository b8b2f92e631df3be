"""The timer of a chat's disappearing messages, and the secret by which an edit of a message is opened."""

from __future__ import annotations

from typing import Any

from peewee import SqliteDatabase


def up(migrator: Any, db: Any) -> None:
    """Add the two columns; both may be null, so that no row has to be written anew."""
    binary = "BLOB" if isinstance(db, SqliteDatabase) else "BYTEA"
    db.execute_sql("ALTER TABLE wabot_chats ADD COLUMN expiration_seconds INTEGER")
    db.execute_sql(f"ALTER TABLE wabot_inbox ADD COLUMN secret {binary}")
