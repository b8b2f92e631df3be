"""Of answers: when it was said that an assistant gives them, and what a model claimed without support."""

from __future__ import annotations

from typing import Any


def up(migrator: Any, db: Any) -> None:
    """Add the columns; a default that does not change writes no row anew."""
    moment = db.field_types.get("DATETIME", "DATETIME")
    db.execute_sql(f"ALTER TABLE wabot_chats ADD COLUMN disclosed_at {moment}")
    db.execute_sql("ALTER TABLE wabot_outbox ADD COLUMN held_back TEXT NOT NULL DEFAULT ''")
