"""Sweeps over the application's table of connections: rows of nobody, false claims, long disconnected rows.

The table is read in windows along its key and written in small batches, so that neither memory nor a lock
grows with it. A batch looks again, under its own locks, at what the window saw; so two janitors at once, or a
bot that starts meanwhile, do each other no harm: a bot writes its row only while it holds the session lock.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import peewee

from wabot.application.connections import ConnectionStatus, ConnectionTable, as_moment, storable
from wabot.clock import local_text
from wabot.janitor.sweep import ActionKind, Sweep
from wabot.session.host_lock import holder_on_any_machine

_WINDOW_ROWS = 20_000
_BATCH_ROWS = 250
_FALSE_CLAIM = "the row said connected, but no process held the session"


@dataclass(frozen=True, slots=True)
class _Row:
    """What is known of a row; `is_corrected`: the last to write it was a janitor that took its claim back."""

    key: Any
    user_id: str
    updated_at: datetime | None
    is_corrected: bool


@dataclass(frozen=True, slots=True)
class _Rule:
    """Which rows of the table are stale, and what becomes of them.

    Attributes:
        condition: what the database can tell: which rows may be meant.
        is_stale: what it cannot tell: whether such a row is meant.
        is_held: whether a living process has the row's session, so that it must be left alone.
        write: carries the rule out for the rows with these keys.
        action: what that is called.
        reason: why, for people.
    """

    condition: Any
    is_stale: Callable[[_Row], bool]
    is_held: Callable[[_Row], bool]
    write: Callable[[list[Any]], object]
    action: ActionKind
    reason: str


def sweep_rows(sweep: Sweep) -> None:
    """Delete rows of users that are gone, correct false claims, delete what is disconnected for long."""
    connections = sweep.connections
    if connections is None:
        return
    makers = (_rows_of_nobody, _false_claims, _disconnected_for_long)
    rules = [rule for make_rule in makers if (rule := make_rule(sweep, connections)) is not None]
    for window in _windows(connections):
        for rule, rows in zip(rules, _candidates(connections, rules, window), strict=True):
            _enforce(sweep, connections, rule, rows)


def count_claims(connections: ConnectionTable) -> int:
    """How many rows say that they are connected."""
    claim = _claim(connections)
    if claim is None:
        return 0
    count = peewee.fn.COUNT(connections.column("user_id"))
    found: int = connections.table.select(count).where(claim).tuples().first()[0]
    return found


def _rows_of_nobody(sweep: Sweep, connections: ConnectionTable) -> _Rule:
    # NOT EXISTS and not NOT IN, which is never true once there is a NULL.
    gone = connections.column("user_id").is_null(False) & ~_has_user(sweep, connections)
    # Should all users vanish while this runs, nothing is an orphan any more.
    some_user = peewee.fn.EXISTS(sweep.users.table.select(peewee.SQL("1")))
    return _Rule(
        condition=gone & some_user,
        is_stale=lambda row: True,
        # Of a user who does not exist, a row is nobody's, whatever runs.
        is_held=lambda row: False,
        write=lambda keys: _delete(connections, keys),
        action=ActionKind.ROW_DELETED,
        reason="this user does not exist",
    )


def _false_claims(sweep: Sweep, connections: ConnectionTable) -> _Rule | None:
    claim = _claim(connections)
    truth: dict[str, Any] = {
        "is_connected": False,
        "qr_code": None,
        "qr_expires_at": None,
        "last_error": _FALSE_CLAIM,
    }
    truth |= dict.fromkeys(("updated_at", "last_error_at"), storable(sweep.database, sweep.now))
    if ConnectionStatus.DISCONNECTED in connections.words:
        truth["status"] = connections.words[ConnectionStatus.DISCONNECTED]
    correction = connections.real_names(truth)

    def correct(keys: list[Any]) -> None:
        connections.table.update(correction).where(connections.column(connections.key).in_(keys)).execute()

    if claim is None:
        return None
    cutoff = _cutoff(sweep)

    def is_false(row: _Row) -> bool:
        # Of the others, a bot that takes no lock may be connected.
        return row.user_id in sweep.own or (_may_touch(sweep) and _is_older(row, cutoff))

    return _Rule(
        condition=claim & _has_user(sweep, connections),
        is_stale=is_false,
        is_held=_is_held(sweep),
        write=correct,
        action=ActionKind.ROW_CORRECTED,
        reason=_FALSE_CLAIM,
    )


def _disconnected_for_long(sweep: Sweep, connections: ConnectionTable) -> _Rule | None:
    if ConnectionStatus.DISCONNECTED not in connections.words or "updated_at" not in connections.columns:
        return None
    cutoff = _cutoff(sweep)
    is_down = connections.column("status") == connections.words[ConnectionStatus.DISCONNECTED]
    claim = _claim(connections)
    if claim is not None:
        is_down &= ~claim
    # This comparison only narrows the choice: in SQLite, applications keep times as texts or as numbers.
    is_old = connections.column("updated_at") < storable(sweep.database, cutoff)

    def is_abandoned(row: _Row) -> bool:
        if row.user_id not in sweep.own and (not _may_touch(sweep) or row.is_corrected):
            # That it is disconnected was only the janitor's guess.
            return False
        return _is_older(row, cutoff) and not sweep.sessions.may_be_linked(row.user_id)

    return _Rule(
        condition=is_down & is_old & _has_user(sweep, connections),
        is_stale=is_abandoned,
        is_held=_is_held(sweep),
        write=lambda keys: _delete(connections, keys),
        action=ActionKind.ROW_DELETED,
        reason=f"disconnected since before {local_text(cutoff)}, and no number is linked",
    )


def _cutoff(sweep: Sweep) -> datetime:
    return sweep.now - timedelta(seconds=sweep.settings.janitor.disconnected_after_seconds)


def _is_older(row: _Row, cutoff: datetime) -> bool:
    return row.updated_at is not None and row.updated_at < cutoff


def _may_touch(sweep: Sweep) -> bool:
    """Whether rows may be written of users that this machine knows nothing of."""
    return sweep.settings.janitor.other_users == "correct"


def _has_user(sweep: Sweep, connections: ConnectionTable) -> Any:
    owner = sweep.users.table.select(peewee.SQL("1")).where(sweep.users.id == connections.column("user_id"))
    return peewee.fn.EXISTS(owner)


def _is_held(sweep: Sweep) -> Callable[[_Row], bool]:
    """Whether a living process has the row's session, here or on another machine."""
    return lambda row: sweep.sessions.is_held(row.user_id) or bool(holder_on_any_machine(row.user_id))


def _enforce(sweep: Sweep, connections: ConnectionTable, rule: _Rule, rows: list[_Row]) -> None:
    chosen = [row for row in rows if not rule.is_held(row) and rule.is_stale(row)]
    for start in range(0, len(chosen), _BATCH_ROWS):
        batch = chosen[start : start + _BATCH_ROWS]
        if sweep.apply:
            batch = _write(sweep, connections, rule, batch)
        for row in batch:
            sweep.report(rule.action, str(row.key), row.user_id, rule.reason)


def _write(sweep: Sweep, connections: ConnectionTable, rule: _Rule, batch: list[_Row]) -> list[_Row]:
    """Carry the rule out for those of the rows that are still as they were; returns them."""
    unchanged = set(batch)
    still_so = connections.column(connections.key).in_([row.key for row in batch]) & rule.condition
    with sweep.database.atomic():
        query = connections.table.select(*_row_columns(connections)).where(still_so)
        if not isinstance(sweep.database, peewee.SqliteDatabase):
            # What another janitor or a bot is writing right now is theirs.
            query = query.for_update("FOR UPDATE SKIP LOCKED")
        locked = [_row(values) for values in query.tuples()]
        # Linking a number takes the session lock and writes the row, so the disk need not be asked again.
        chosen = [row for row in locked if row in unchanged and not rule.is_held(row)]
        if chosen:
            rule.write([row.key for row in chosen])
    return chosen


def _windows(connections: ConnectionTable) -> Iterator[Any]:
    """Conditions that cut the table into pieces of a bounded number of rows."""
    key = connections.column(connections.key)
    after: Any = None
    while True:
        rest = connections.table.select(key).order_by(key)
        if after is not None:
            rest = rest.where(key > after)
        last = rest.offset(_WINDOW_ROWS - 1).limit(1).tuples().first()
        window = key.is_null(False) if after is None else key > after
        if last is None:
            yield window
            return
        yield window & (key <= last[0])
        after = last[0]


def _candidates(connections: ConnectionTable, rules: list[_Rule], window: Any) -> list[list[_Row]]:
    """The rows of a window that meet each rule's condition; they exclude each other.

    All rules in one query: that the rows are fetched takes longer than all else.
    """
    conditions = [rule.condition for rule in rules]
    which = peewee.Case(None, [(condition, number) for number, condition in enumerate(conditions)])
    query = connections.table.select(which, *_row_columns(connections))
    found: list[list[_Row]] = [[] for _ in rules]
    for number, *values in query.where(window & functools.reduce(operator.or_, conditions)).tuples():
        found[number].append(_row(values))
    return found


def _row_columns(connections: ConnectionTable) -> list[Any]:
    known = connections.columns
    nothing, never = peewee.Value(None), peewee.Value(False)
    return [
        connections.column(connections.key),
        connections.column("user_id"),
        connections.column("updated_at") if "updated_at" in known else nothing,
        connections.column("last_error") == _FALSE_CLAIM if "last_error" in known else never,
    ]


def _row(values: Sequence[Any]) -> _Row:
    key, user_id, updated_at, is_corrected = values
    return _Row(key, str(user_id), as_moment(updated_at), bool(is_corrected))


def _delete(connections: ConnectionTable, keys: list[Any]) -> None:
    connections.table.delete().where(connections.column(connections.key).in_(keys)).execute()


def _claim(connections: ConnectionTable) -> Any:
    """The condition for rows that say they are connected; None when no column can say it."""
    claims = []
    if ConnectionStatus.CONNECTED in connections.words:
        claims.append(connections.column("status") == connections.words[ConnectionStatus.CONNECTED])
    if "is_connected" in connections.columns:
        claims.append(connections.column("is_connected") == peewee.Value(True))
    return functools.reduce(operator.or_, claims) if claims else None
