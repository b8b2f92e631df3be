"""Checks of the database: does it answer, is the user in it, what does the application's table look like."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import peewee

from wabot.application.connections import ConnectionTable, find_connections
from wabot.application.users import Users, find_users, makes_users
from wabot.backup.make import newest_backup
from wabot.backup.manifest import read_manifest
from wabot.config.machine import configurations
from wabot.database.address import public_url, same_database, sqlite_file
from wabot.database.catalogue import ForeignKey
from wabot.database.engine import missing_migrations, newer_migrations, open_database
from wabot.database.errors import one_line
from wabot.database.tables import can_make, to_be_made, what_is_missing
from wabot.doctor.finding import Examined, Finding, healthy, problem
from wabot.errors import DatabaseAway, OperatorNeeded
from wabot.session.pooler import CURE, LOCK_IS_VOID, lends_connections
from wabot.system.units import CREDENTIALS, UPGRADE, command

_SHOWN_USERS = 10
_LARGEST_CHECKED_BYTES = 500_000_000
_CLOCK_TOLERANCE_SECONDS = 60


def check_database(examined: Examined) -> list[Finding]:
    """Everything that can be asked of the database; one finding when it does not answer."""
    url = examined.settings.database.url
    file = sqlite_file(url)
    if file is not None and not file.exists():
        # Linking makes it, too; a service without a number would only be in the way of that.
        is_linked = examined.settings.session_store.exists()
        first = examined.start if is_linked else examined.command("pair")
        cure = f"{first}; elsewhere? set paths.state in {examined.configuration}"
        return [problem("database", f"{file} does not exist: the bot has never run here", cure)]
    try:
        database = open_database(url)
    except DatabaseAway as error:
        return [problem("database", str(error).removeprefix("database "), _how_to_reach(url, file))]
    except OperatorNeeded as error:
        cure = _how_to_mend(examined, file) if file else _how_to_correct(examined)
        return [problem("database", str(error).removeprefix("database "), cure)]
    try:
        return [*_check_engine(examined, database, file, url), *_check_application(examined, database)]
    except (peewee.DatabaseError, peewee.InterfaceError) as error:
        return [problem("database", f"{public_url(url)}: {one_line(error)}", _how_to_reach(url, file))]
    finally:
        database.close()


def _check_engine(examined: Examined, database: Any, file: Path | None, url: str) -> list[Finding]:
    findings = []
    trouble = _sqlite_trouble(examined, database, file) if file else _postgresql_trouble(database)
    if trouble is not None:
        findings.append(problem("database", *trouble))
    if newer_migrations(database):
        findings.append(problem("database", "it was written by a newer wabot than this one", UPGRADE))
    elif not missing_migrations(database):
        findings += _check_own_tables(examined, database)
    return findings or [healthy("database", f"{public_url(url)} answers")]


def _check_own_tables(examined: Examined, database: Any) -> list[Finding]:
    """Whether another program dropped what is wabot's."""
    missing = what_is_missing(database)
    if not missing:
        return []
    again = f"sudo systemctl restart {examined.unit} makes them anew, empty; a backup has what they held"
    if not can_make(database):
        again = f"as the database's owner: GRANT CREATE ON SCHEMA public to the role of wabot; then {again}"
    try:
        to_be_made(database, missing)
    except OperatorNeeded as error:
        return [problem("own tables", str(error), _how_to_restore(examined) or again)]
    return [problem("own tables", f"{', '.join(missing)} are gone", again)]


def _sqlite_trouble(examined: Examined, database: Any, file: Path) -> tuple[str, str] | None:
    if file.stat().st_size < _LARGEST_CHECKED_BYTES:
        found = database.execute_sql("PRAGMA quick_check(1)").fetchone()[0]
        if found != "ok":
            return f"{file} is damaged: {found}", _how_to_mend(examined, file)
    return None


def _postgresql_trouble(database: Any) -> tuple[str, str] | None:
    (read_only,) = database.execute_sql("SHOW transaction_read_only").fetchone()
    if read_only == "on":
        cure = "point database.url at the primary, or: ALTER ROLE ... RESET default_transaction_read_only"
        return "it takes no writes: a standby, or a role that may only read", cure
    offset = "SELECT extract(epoch FROM clock_timestamp()) - extract(epoch FROM %s::timestamptz)"
    (seconds,) = database.execute_sql(offset, (datetime.now(UTC),)).fetchone()
    if abs(seconds) > _CLOCK_TOLERANCE_SECONDS:
        return f"its clock is {seconds:.0f} seconds off this machine's", "timedatectl set-ntp true, on both"
    if lends_connections(database):
        return LOCK_IS_VOID, CURE
    return None


def _check_application(examined: Examined, database: Any) -> list[Finding]:
    tables = examined.settings.database.tables
    try:
        users = find_users(database, tables)
        findings = [_check_user(examined, users, is_made=makes_users(database))]
        connections = find_connections(database, tables, users)
    except OperatorNeeded as error:
        return [
            problem("user", str(error), f"edit [database.tables] or database.url in {examined.configuration}")
        ]
    except peewee.ProgrammingError as error:
        cure = f'as the owner of the database: GRANT SELECT ("id") ON "{tables.users}" TO the role of wabot'
        return [problem("user", f"the table {tables.users} cannot be read: {error}", cure)]
    if connections is None:
        return [
            *findings,
            healthy("connections", f"no table {tables.connections}: no dashboard to keep true"),
        ]
    return [*findings, _check_foreign_key(examined, connections, users), _check_names(connections)]


def _check_user(examined: Examined, users: Users, *, is_made: bool) -> Finding:
    user_id, table = examined.settings.account.user_id, users.existing.name
    if users.has(user_id):
        return healthy("user", f"{user_id} exists")
    if is_made:
        return healthy("user", f"{user_id} is put into {table} when the bot starts")
    # Two bots would fight for one number.
    taken = {each.user_id for each in configurations(examined.settings, examined.environ)}
    known = users.ids(_SHOWN_USERS + 1 + len(taken))
    free = [each for each in known if each not in taken]
    if not free:
        found = (
            f"{user_id} is not in {table}, nor is any other without a configuration"
            if known
            else f"the table {table} is empty"
        )
        cure = "register the user in the application, or point database.url at the right database"
        return problem("user", found, cure)
    more = ", …" if len(free) > _SHOWN_USERS else ""
    return problem(
        "user",
        f"{user_id} is not in {table}; there are {', '.join(free[:_SHOWN_USERS])}{more}",
        f"set account.user_id to the one whose number it is in {examined.configuration}",
    )


def _check_foreign_key(examined: Examined, connections: ConnectionTable, users: Users) -> Finding:
    name, column = connections.existing.name, connections.columns["user_id"].name
    key = f'"{name}" ("{column}")'
    if connections.foreign_key is ForeignKey.PRESENT:
        return healthy("foreign key", f"{key} can only name users that exist")
    statement = (
        f'ALTER TABLE "{name}" ADD FOREIGN KEY ("{column}") REFERENCES "{users.existing.name}" ("id") '
        "ON DELETE CASCADE ON UPDATE CASCADE"
    )
    if connections.foreign_key is ForeignKey.SWITCHED_OFF:
        statement = f'ALTER TABLE "{name}" ENABLE TRIGGER ALL'
    elif connections.foreign_key is ForeignKey.NOT_VALIDATED:
        statement = f'ALTER TABLE "{name}" VALIDATE CONSTRAINT, with the name that \\d "{name}" shows'
    return problem(
        "foreign key",
        f"{connections.foreign_key}: rows of users that are gone can stay in {key}",
        f"{examined.command('janitor --apply')}, then as the owner of the database: {statement}",
    )


def _check_names(connections: ConnectionTable) -> Finding:
    """The trap of PostgreSQL: in SQL without quotes, userId means userid."""
    name = connections.existing.name
    camel = [column for column in connections.existing.columns if re.search("[A-Z]", column)]
    folded = [column for column in camel if column.lower() in connections.existing.columns]
    if folded:
        doubles = ", ".join(f'"{column}" and {column.lower()}' for column in folded)
        return problem(
            "names",
            f"{name} has {doubles}: somebody added a column without quotes, and each program writes its own",
            f'see that nothing uses it, then: ALTER TABLE "{name}" DROP COLUMN {folded[0].lower()}',
        )
    if camel:
        return healthy("names", f'in SQL of your own, quote the columns of {name}: "{camel[0]}"')
    return healthy("names", f"the columns of {name} need no quotes")


def _how_to_mend(examined: Examined, file: Path) -> str:
    if not file.is_file() or not os.access(file, os.R_OK | os.W_OK):
        return f"ls -ld {file.parent} {file}; sudo chown wabot: {file}"
    move = f"move {file}, {file.name}-wal and {file.name}-shm aside: the next start makes a new one"
    if restore := _how_to_restore(examined):
        return f"{restore}; or, to begin anew, {move}"
    return f"where there is a backup: {examined.command('restore DIRECTORY')}; without one {move}"


def _how_to_restore(examined: Examined) -> str:
    """The command for the newest nightly backup of this database; "" where there is none.

    Any number's that uses it will do, the bot's own first.
    """
    nightly = examined.settings.paths.state / "backups" / "nightly"
    url = examined.settings.database.url
    for each in configurations(examined.settings, examined.environ):
        if each.settings is not None and same_database(each.settings.database.url, url):
            with suppress(OperatorNeeded):
                backup = newest_backup(nightly, each.name)
                if read_manifest(backup).user_id == each.user_id:
                    return command(f"restore {backup}", each.settings.file)
    return ""


def _how_to_correct(examined: Examined) -> str:
    stem = Path(examined.configuration).stem
    return (
        f"edit database.url in {examined.configuration}; where it names a credential: sudo install -m 600 "
        f"/dev/stdin {CREDENTIALS}/{stem}.database-url (type the address, Enter, then Ctrl-D); "
        f"then: sudo systemctl restart {examined.unit}"
    )


def _how_to_reach(url: str, file: Path | None) -> str:
    if file is not None:
        return f"ls -l {file}; it must belong to the user that runs wabot"
    address = re.search(r"@([^:/?]+)(?::(\d+))?", url)
    host, port = (address[1], address[2] or "5432") if address else ("localhost", "5432")
    return f"pg_isready -h {host} -p {port}; on its machine: sudo systemctl start postgresql"
