"""Indexes for what is asked again and again, so that years of messages make no question slower."""

from __future__ import annotations

from typing import Any

_INDEXES = (
    ("wabot_chats", "user_id, jid", ""),
    ("wabot_chats", "user_id, phone", ""),
    ("wabot_chats", "user_id, pause_reason", ""),
    ("wabot_inbox", "user_id, received_at, chat_id", ""),
    ("wabot_inbox", "user_id, kind", ""),
    ("wabot_inbox", "user_id, sender", " WHERE sender <> jid"),
    ("wabot_inbox", "chat_id, received_at", ""),
    ("wabot_outbox", "user_id, created_at", ""),
    ("wabot_outbox", "user_id, sending_at", ""),
    ("wabot_outbox", "chat_id, created_at", ""),
)


def up(migrator: Any, db: Any) -> None:
    """Create them."""
    # The same three columns, in an order by which a message is found whose chat is not known.
    db.execute_sql(
        "CREATE UNIQUE INDEX wabot_inbox_user_id_message_id_jid ON wabot_inbox (user_id, message_id, jid)"
    )
    # And those that are the beginning of others.
    for name in ("wabot_inbox_user_id_jid_message_id", "wabot_inbox_chat_id", "wabot_outbox_chat_id"):
        db.execute_sql(f"DROP INDEX {name}")
    for table, columns, condition in _INDEXES:
        name = f"{table}_{columns.replace(', ', '_')}"
        db.execute_sql(f"CREATE INDEX {name} ON {table} ({columns}){condition}")
