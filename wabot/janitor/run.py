"""The janitor: finds what is dead in the database and on the disk, says so, and with `apply` cleans it.

It touches nothing that lives: not a session whose lock is held, not a linked session of a known user, and
never the table `sessions` of the application, which holds log-ins to its web pages.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import peewee

from wabot.application.connections import ConnectionTable, find_connections
from wabot.application.users import Users, find_users
from wabot.config.machine import configurations
from wabot.config.settings import Settings
from wabot.database.catalogue import ForeignKey
from wabot.database.engine import missing_migrations
from wabot.database.models import Chat, Inbound, Outbound, Session
from wabot.errors import DatabaseAway, OperatorNeeded
from wabot.janitor.directories import sweep_directories
from wabot.janitor.files import sweep_files
from wabot.janitor.history import free_space, sweep_history, sweep_store
from wabot.janitor.plausible_time import check_time, remember_time
from wabot.janitor.rows import count_claims, sweep_rows
from wabot.janitor.sweep import ActionKind, Cleanup, Sweep
from wabot.session.directories import SessionDirectories, places_of, session_names
from wabot.session.quarantine import Quarantine

_OWN_COUNTS: dict[str, Any] = {"inbox": Inbound, "outbox": Outbound, "chats": Chat}


@dataclass(frozen=True, slots=True)
class CleaningOutcome:
    """What a run came to.

    Attributes:
        before: how much there was of everything.
        after: how much there is now.
        foreign_key: what the database does by itself against rows of nobody; None without such a table.
        done: how often each kind of action was taken, or would be.
        apply: False for a dry run.
    """

    before: Mapping[str, int]
    after: Mapping[str, int]
    foreign_key: ForeignKey | None
    done: Mapping[ActionKind, int]
    apply: bool

    def summary(self) -> str:
        """All of it in one line."""
        counts = ", ".join(f"{name} {was} -> {self.after[name]}" for name, was in self.before.items())
        number = sum(taken for kind, taken in self.done.items() if kind is not ActionKind.LEFT_ALONE)
        what = f"{number} done" if self.apply else f"{number} to do, nothing was changed; --apply does it"
        key = f"; foreign key to users {self.foreign_key}" if self.foreign_key else ""
        return f"janitor: {what if number else 'nothing to do'}; {counts}{key}"


def clean(
    settings: Settings,
    environ: Mapping[str, str],
    database: Any,
    now: datetime,
    *,
    apply: bool,
    tell: Callable[[Cleanup], None],
    clock_is_right: bool = False,
) -> CleaningOutcome:
    """Sweep once through everything.

    Args:
        settings: of the configuration in use; those beside it are looked at, too, because they may share the
            database or the state directory.
        environ: the process environment.
        database: open, with wabot's own tables.
        now: naive UTC.
        apply: False only tells what would be done.
        tell: takes every action as it happens.
        clock_is_right: somebody has looked at it.

    Raises:
        OperatorNeeded: the users cannot be read or there are none, or the clock seems to be far ahead: then
            everything would look dead.
        DatabaseAway: the database does not answer.
    """
    done: dict[ActionKind, int] = {}

    def count_and_tell(action: Cleanup) -> None:
        done[action.kind] = done.get(action.kind, 0) + 1
        tell(action)

    try:
        _plan_cheaply(database)
        sweep = _prepare(settings, environ, database, now, apply, count_and_tell)
        knows_own_tables = _knows_own_tables(sweep)
        if knows_own_tables and not clock_is_right:
            check_time(now)
        before = _counts(sweep)
        sweep_rows(sweep)
        sweep_directories(sweep)
        if knows_own_tables:
            if apply:
                remember_time(now)
            sweep_history(sweep)
            sweep_files(sweep)
            sweep_store(sweep)
            free_space(sweep)
        after = _counts(sweep)
    except (peewee.OperationalError, peewee.InterfaceError) as error:
        raise DatabaseAway(f"the janitor stopped, what it did is whole: {error}") from None
    except peewee.DatabaseError as error:
        raise OperatorNeeded(f"the database refuses the janitor, what it did is whole: {error}") from None
    connections = sweep.connections
    return CleaningOutcome(before, after, connections.foreign_key if connections else None, done, apply)


def _plan_cheaply(database: Any) -> None:
    """Keep PostgreSQL from compiling each window's query, which took longer than to run it (measured).

    And SQLite from reading each index anew for each batch: the janitor is one connection, for a minute.
    """
    engine: Any = database
    if isinstance(database, peewee.SqliteDatabase):
        engine.execute_sql("PRAGMA cache_size = -65536")
    else:
        # Servers before version 11 have no such setting.
        database.execute_sql("SELECT set_config('jit', 'off', false) FROM pg_settings WHERE name = 'jit'")


def _prepare(
    settings: Settings,
    environ: Mapping[str, str],
    database: Any,
    now: datetime,
    apply: bool,
    tell: Callable[[Cleanup], None],
) -> Sweep:
    users = _some_users(database, settings)
    others = configurations(settings, environ)[1:]
    states, protected = [settings.paths.state], set()
    for other in others:
        if other.settings is not None and _same_users(other.settings, settings):
            states.append(other.settings.paths.state)
        else:
            # Another database, or none that could be asked, decides whether this user exists.
            protected.add(other.user_id)
    configured = frozenset({settings.account.user_id, *(other.user_id for other in others)})
    sessions = SessionDirectories(places_of(states))
    return Sweep(
        settings=settings,
        database=database,
        users=users,
        connections=find_connections(database, settings.database.tables, users),
        sessions=sessions,
        protected=frozenset(protected),
        configured=configured,
        own=configured | _known_here(settings, sessions),
        may_move_unknown="" not in protected,
        now=now,
        apply=apply,
        tell=tell,
    )


def _known_here(settings: Settings, sessions: SessionDirectories) -> frozenset[str]:
    """The users that have a session here, or had one: in quarantine, or as a bot of this database."""
    known = {user_id for place in sessions.places for user_id in session_names(place)}
    known |= {entry.user_id for entry in _quarantine(settings).entries()}
    if Session.table_exists():
        known |= {bot.user_id for bot in Session.select(Session.user_id)}
    return frozenset(known)


def _same_users(one: Settings, other: Settings) -> bool:
    return (one.database.url, one.database.tables.users) == (other.database.url, other.database.tables.users)


def _some_users(database: Any, settings: Settings) -> Users:
    table = settings.database.tables.users
    try:
        users = find_users(database, settings.database.tables)
        count = users.count()
    except peewee.ProgrammingError as error:
        raise OperatorNeeded(
            f"the table {table} cannot be read ({error}), so nothing was cleaned: "
            f'GRANT SELECT ("id") ON "{table}" to the role in database.url'
        ) from None
    except OperatorNeeded as error:
        raise OperatorNeeded(f"nothing was cleaned: {error}") from None
    if count == 0:
        raise OperatorNeeded(
            f"the table {table} is empty, so every session would look like a phantom's: nothing was cleaned; "
            "is database.url the right database?"
        )
    return users


def _knows_own_tables(sweep: Sweep) -> bool:
    missing = missing_migrations(sweep.database)
    if missing:
        reason = f"the bot has not yet brought them up to date ({missing[-1]}); it does so when it starts"
        sweep.report(ActionKind.LEFT_ALONE, "wabot's own tables", "", reason)
    return not missing


def _counts(sweep: Sweep) -> dict[str, int]:
    connections = sweep.connections
    counts = {"users": sweep.users.count()}
    if connections is not None:
        counts["connections"] = _number_of(connections)
        counts["connected"] = count_claims(connections)
    counts["sessions"] = len(session_names(sweep.settings.sessions))
    counts["quarantined"] = len(_quarantine(sweep.settings).entries())
    for name, model in _OWN_COUNTS.items():
        counts[name] = model.select(model.id).count() if model.table_exists() else 0
    return counts


def _number_of(connections: ConnectionTable) -> int:
    count = peewee.fn.COUNT(connections.column("user_id"))
    found: int = connections.table.select(count).tuples().first()[0]
    return found


def _quarantine(settings: Settings) -> Quarantine:
    return Quarantine(settings.quarantine, settings.sessions)
