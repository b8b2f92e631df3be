"""Sweeps over wabot's own tables: old messages, empty chats, sessions of nobody, free space in the file."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import peewee
from peewee import SQL, fn

from wabot.conversation.outbox import OPEN_STATES
from wabot.database.models import Chat, Inbound, ModelUsage, Outbound, Session, accounts_of
from wabot.database.states import InboundState, OutboundState
from wabot.janitor.sweep import ActionKind, Sweep
from wabot.session.lock import borrowed
from wabot.session.store_pruning import note_position, prunable_count, prune

_BATCH_ROWS = 1000
_WINDOW_CHATS = 10_000
# A bot that is started meanwhile waits for the lock so long at most.
_STORE_SECONDS = 1.0
_PAGES_AT_ONCE = 500
# Nobody answers or sends what is older, whatever its state: no bot has run for so long.
_NEVER_OPEN_AFTER = timedelta(days=30)


def sweep_history(sweep: Sweep) -> None:
    """Delete what is older than `janitor.history_days`."""
    days = sweep.settings.janitor.history_days
    cutoff = sweep.now - timedelta(days=days)
    long_ago = sweep.now - max(_NEVER_OPEN_AFTER, timedelta(days=days))
    reason = f"older than {days} days"
    answered, settled = (
        Inbound.state != InboundState.PENDING,
        Outbound.state.not_in((*OPEN_STATES, OutboundState.SCHEDULED)),
    )
    _delete_old(
        sweep, Inbound, Inbound.received_at, cutoff, answered | (Inbound.received_at < long_ago), reason
    )
    _delete_old(
        sweep, Outbound, Outbound.created_at, cutoff, settled | (Outbound.created_at < long_ago), reason
    )
    _delete_empty_chats(sweep, cutoff, f"{reason}, and without messages")
    _delete(sweep, ModelUsage, ModelUsage.day < cutoff.date().isoformat(), reason)
    _delete_sessions_of_nobody(sweep)


def sweep_store(sweep: Sweep) -> None:
    """Delete what is as old from the client library's store, while no bot uses it."""
    settings = sweep.settings
    user_id, store = settings.account.user_id, settings.session_store
    days = settings.janitor.history_days
    history = timedelta(days=days)
    if not store.exists():
        return
    if sweep.apply:
        note_position(user_id, store, sweep.now, history)
    with borrowed(settings.session_lock) as free:
        if not free:
            return
        if sweep.apply:
            total = prune(user_id, store, sweep.now, history, _STORE_SECONDS)
        else:
            total = prunable_count(user_id, store, sweep.now, history)
    if total:
        sweep.report(
            ActionKind.HISTORY_DELETED,
            f"{total} rows of {store}",
            user_id,
            f"from messages older than {days} days",
        )


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
        sweep.report(ActionKind.SPACE_FREED, database.database, "", f"{size / 1_000_000:.1f} MB are not used")
    if sweep.apply:
        database.execute_sql("PRAGMA analysis_limit=400")
        database.execute_sql("PRAGMA optimize")


def _delete_old(sweep: Sweep, model: Any, moment: Any, cutoff: datetime, condition: Any, reason: str) -> None:
    """Account by account, for then an index leads to the oldest rows."""
    total = 0
    for user_id in accounts_of(model):
        old = (model.user_id == user_id) & (moment < cutoff) & condition
        total += _delete_batches(model, old) if sweep.apply else model.select().where(old).count()
    _report(sweep, model, total, reason)


def _delete_empty_chats(sweep: Sweep, cutoff: datetime, reason: str) -> None:
    """Delete the chats that hold neither a message nor a wish that still counts."""
    # NOT EXISTS: of NOT IN, PostgreSQL makes a list of all messages and searches it for each chat.
    empty = [~fn.EXISTS(model.select(SQL("1")).where(model.chat == Chat.id)) for model in (Inbound, Outbound)]
    talks = (Chat.pause_reason == "") | (Chat.paused_until < sweep.now)
    # Who asked never to be written to is remembered for that very reason.
    forgettable = (Chat.created_at < cutoff) & talks & Chat.opted_out_at.is_null() & empty[0] & empty[1]
    total, after = 0, 0
    while True:
        window = [
            row.id
            for row in Chat.select(Chat.id).where(Chat.id > after).order_by(Chat.id).limit(_WINDOW_CHATS)
        ]
        if not window:
            break
        after = window[-1]
        found = [row.id for row in Chat.select(Chat.id).where(Chat.id.between(window[0], after), forgettable)]
        for start in range(0, len(found), _BATCH_ROWS) if sweep.apply else ():
            # Somebody may have written meanwhile.
            batch = Chat.id.in_(found[start : start + _BATCH_ROWS])
            total += Chat.delete().where(batch, forgettable).execute()
        total += 0 if sweep.apply else len(found)
    _report(sweep, Chat, total, reason)


def _delete(sweep: Sweep, model: Any, condition: Any, reason: str) -> None:
    total = _delete_batches(model, condition) if sweep.apply else model.select().where(condition).count()
    _report(sweep, model, total, reason)


def _delete_batches(model: Any, condition: Any) -> int:
    """Delete in small transactions, so that a bot never waits for long; returns how many rows."""
    total = 0
    while batch := [row.id for row in model.select(model.id).where(condition).limit(_BATCH_ROWS)]:
        total += model.delete().where(model.id.in_(batch)).execute()
    return total


def _report(sweep: Sweep, model: Any, total: int, reason: str) -> None:
    if total:
        sweep.report(ActionKind.HISTORY_DELETED, f"{total} rows of {model._meta.table_name}", "", reason)


def _delete_sessions_of_nobody(sweep: Sweep) -> None:
    for (user_id,) in Session.select(Session.user_id).tuples():
        if user_id in sweep.protected or sweep.sessions.is_held(user_id) or not sweep.users.lack(user_id):
            continue
        if sweep.apply:
            Session.delete().where(Session.user_id == user_id).execute()
        sweep.report(ActionKind.ROW_DELETED, "wabot_sessions", user_id, "this user does not exist")
