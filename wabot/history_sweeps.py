"""Sweeps over wabot's own tables: old messages, empty chats, sessions of nobody, free space in the file."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import peewee

from wabot.departures import OPEN_STATES
from wabot.models import Chat, Inbound, ModelUsage, Outbound, Session
from wabot.sweep import Deed, Sweep

_BATCH_ROWS = 500
_PAGES_AT_ONCE = 500
# Nobody answers or sends what is older, whatever its state: no bot has run for so long.
_NEVER_OPEN_AFTER = timedelta(days=30)


def sweep_history(sweep: Sweep) -> None:
    """Delete what is older than `janitor.history_days`."""
    days = sweep.settings.janitor.history_days
    cutoff = sweep.now - timedelta(days=days)
    long_ago = sweep.now - max(_NEVER_OPEN_AFTER, timedelta(days=days))
    reason = f"older than {days} days"
    answered, received_at = Inbound.state != "pending", Inbound.received_at
    _delete(sweep, Inbound, (received_at < cutoff) & (answered | (received_at < long_ago)), reason)
    settled, created_at = Outbound.state.not_in(OPEN_STATES), Outbound.created_at
    _delete(sweep, Outbound, (created_at < cutoff) & (settled | (created_at < long_ago)), reason)
    _delete(
        sweep,
        Chat,
        (Chat.created_at < cutoff) & _is_forgettable(sweep.now),
        f"{reason}, and without messages",
    )
    _delete(sweep, ModelUsage, ModelUsage.day < cutoff.date().isoformat(), reason)
    _delete_sessions_of_nobody(sweep)


def free_space(sweep: Sweep) -> None:
    """SQLite: give free pages back to the file system, and let it learn what its indexes are like."""
    if not isinstance(sweep.database, peewee.SqliteDatabase):
        return
    database: Any = sweep.database
    incremental = database.execute_sql("PRAGMA auto_vacuum").fetchone()[0] == 2
    pages = database.execute_sql("PRAGMA freelist_count").fetchone()[0] if incremental else 0
    if pages:
        size = pages * database.execute_sql("PRAGMA page_size").fetchone()[0]
        if sweep.apply:
            for _ in range(0, pages, _PAGES_AT_ONCE):
                # Not execute(): Python's steps a statement without result columns once, which frees one page.
                database.connection().executescript(f"PRAGMA incremental_vacuum({_PAGES_AT_ONCE})")
        sweep.report(Deed.SPACE_FREED, database.database, "", f"{size / 1_000_000:.1f} MB are not used")
    if sweep.apply:
        database.execute_sql("PRAGMA analysis_limit=400")
        database.execute_sql("PRAGMA optimize")


def _is_forgettable(now: datetime) -> Any:
    """The condition for chats that hold neither a message nor a wish that still counts."""
    chat: Any = Chat
    empty = chat.id.not_in(Inbound.select(Inbound.chat)) & chat.id.not_in(Outbound.select(Outbound.chat))
    talks = (chat.pause_reason == "") | (chat.paused_until < now)
    # Who asked never to be written to is remembered for that very reason.
    return empty & talks & chat.opted_out_at.is_null()


def _delete(sweep: Sweep, model: Any, condition: Any, reason: str) -> None:
    """Delete in small transactions, so that a bot on the same database never waits for long."""
    total = 0 if sweep.apply else model.select().where(condition).count()
    while sweep.apply:
        batch = [row.id for row in model.select(model.id).where(condition).limit(_BATCH_ROWS)]
        if not batch:
            break
        total += model.delete().where(model.id.in_(batch)).execute()
    if total:
        sweep.report(Deed.HISTORY_DELETED, f"{total} rows of {model._meta.table_name}", "", reason)


def _delete_sessions_of_nobody(sweep: Sweep) -> None:
    sessions: Any = Session
    for (user_id,) in sessions.select(sessions.user_id).tuples():
        if user_id in sweep.protected or sweep.sessions.is_held(user_id) or not sweep.users.lack(user_id):
            continue
        if sweep.apply:
            sessions.delete().where(sessions.user_id == user_id).execute()
        sweep.report(Deed.ROW_DELETED, "wabot_sessions", user_id, "this user does not exist")
