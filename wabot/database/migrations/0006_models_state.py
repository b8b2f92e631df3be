"""What the process says of its models, for `wabot status`."""

from __future__ import annotations

from typing import Any


def up(migrator: Any, db: Any) -> None:
    """Add the column."""
    db.execute_sql("ALTER TABLE wabot_sessions ADD COLUMN models_trouble TEXT NOT NULL DEFAULT ''")
