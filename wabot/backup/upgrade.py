"""Copies the databases of stopped bots, and puts the copies back: for the installer's upgrade.

    python -m wabot.backup.upgrade check CONFIGURATION...
    python -m wabot.backup.upgrade save DIRECTORY CONFIGURATION...
    python -m wabot.backup.upgrade restore DIRECTORY CONFIGURATION...

All is done as the owner of the first configuration's state. An SQLite database is copied as a whole. Of a
PostgreSQL wabot's own tables are, and only where this version will change them: otherwise the version before
can go on with all that has come since.
"""

from __future__ import annotations

import json
import os
import sqlite3
import sys
from collections.abc import Iterable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from wabot.backup.postgresql import PostgresqlTables, find_tables
from wabot.backup.sqlite import copy_sqlite, move_sqlite
from wabot.config.load import load_settings
from wabot.config.machine import unit_environment
from wabot.config.settings import Settings
from wabot.database.address import public_url, sqlite_file
from wabot.database.engine import known_migrations
from wabot.errors import ExitCode, OperatorNeeded, UsageError, WabotError
from wabot.privileges.become_owner import become_owner_of
from wabot.session.host_lock import require_no_other_machine
from wabot.system.files import read_json, read_plain
from wabot.system.terminal import printable, show

_LIST = "databases.json"
_LARGEST_LIST_BYTES = 1_000_000
# What the new version took in before it was stopped is not in the copy: the old one looks for it in the store
# of the client library, as after a crash, and asks its senders to write again.
_LOOK_FOR_LOST = (
    """UPDATE wabot_facts SET value = replace(value, '"in_order": true', '"in_order": false') """
    "WHERE key LIKE 'intake:%'"
)


def check(urls: Iterable[str]) -> None:
    """See beforehand that what this version will change in a PostgreSQL can be put back.

    Raises:
        DatabaseAway, OperatorNeeded: a database does not answer, or PostgreSQL's programs or a right on it
            are missing.
    """
    for tables in _changed_by_this_version(urls):
        tables.require_replaceable()


def save(directory: Path, urls: Iterable[str]) -> list[str]:
    """Copy each database, complete and checked.

    Args:
        directory: where to; made private, and must not exist yet.
        urls: addresses; SQLite files that do not exist are left out.

    Returns:
        The databases that were copied, for people.

    Raises:
        OperatorNeeded: one of them is damaged or in use, or there is no room.
        DatabaseAway: one of them does not answer.
    """
    copies: dict[str, Any] = {}
    urls = list(urls)
    try:
        directory.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        directory.mkdir(mode=0o700)
        for file in dict.fromkeys(file.resolve() for url in urls if (file := sqlite_file(url))):
            if file.exists():
                name = f"{len(copies)}.db"
                copy_sqlite(file, directory / name)
                copies[name] = str(file)
        for tables in _changed_by_this_version(urls):
            name = f"{len(copies)}.pgdump"
            _dump(tables, directory / name)
            copies[name] = {
                "database": public_url(tables.url),
                "migrations": tables.migrations,
                "others": tables.others,
            }
        (directory / _LIST).write_text(json.dumps(copies), encoding="utf-8")
    except (OSError, sqlite3.Error) as error:
        raise OperatorNeeded(f"the databases cannot be copied to {directory}: {error}") from None
    return [each if isinstance(each, str) else each["database"] for each in copies.values()]


def restore(directory: Path, urls: Iterable[str]) -> list[str]:
    """Put every copy back in its place; what is there now is kept: beside a file, or as a copy.

    Args:
        directory: as `save` left it.
        urls: the same addresses; the list of copies has no passwords in it.

    Returns:
        The databases that were put back, for people; a PostgreSQL that was not changed after all is not.

    Raises:
        OperatorNeeded: the directory holds no such copies, or they cannot be put back.
        DatabaseAway: a database does not answer.
    """
    servers = {public_url(url): url for url in urls}
    restored = []
    try:
        kept = read_plain(directory / _LIST, _LARGEST_LIST_BYTES)
        for name, place in read_json(kept, lambda copies: copies.items()):
            if name.endswith(".pgdump"):
                url = servers[place["database"]]
                if _restore_tables(directory / name, url, place["migrations"], place["others"]):
                    restored.append(place["database"])
                continue
            file = Path(place)
            # By the time of the upgrade, so that the next one that fails does not take its place.
            move_sqlite(file, file.with_name(f"{file.name}.replaced-{directory.name}"))
            copy_sqlite(directory / name, file)
            _let_look_for_lost(file)
            restored.append(str(file))
    except (OSError, ValueError, TypeError, KeyError, sqlite3.Error) as error:
        raise OperatorNeeded(f"the copies in {directory} cannot be put back: {error}") from None
    return restored


def main(argv: Sequence[str]) -> int:
    """Check, save or restore; returns the exit code."""
    os.umask(0o077)
    try:
        match argv:
            case ["check", *configurations]:
                check(_urls_as_owner(configurations))
            case ["save", directory, *configurations]:
                copied = save(Path(directory), _urls_as_owner(configurations))
                show(printable(f"copied to {directory}: {', '.join(copied) or 'nothing'}"))
            case ["restore", directory, *configurations]:
                restored = restore(Path(directory), _urls_as_owner(configurations))
                show(printable(f"put back: {', '.join(restored) or 'nothing'}"))
            case _:
                raise UsageError("check CONFIGURATION... or {save | restore} DIRECTORY CONFIGURATION...")
    except WabotError as error:
        show(f"wabot.backup.upgrade: {printable(error)}", to_errors=True)
        return error.exit_code
    return ExitCode.OK


def _urls_as_owner(configurations: Sequence[str]) -> list[str]:
    """Where the databases are, which may be a secret of root's; from now on as the owner of the state.

    A server may know that user by its name, too.
    """
    found = [_settings_of(each) for each in configurations]
    for settings in found[:1]:
        become_owner_of(settings.paths.state)
    return [settings.database.url for settings in found]


def _settings_of(configuration: str) -> Settings:
    environ = unit_environment(Path(configuration), os.environ)
    return load_settings(Path(configuration), environ, all_secrets=False)


def _changed_by_this_version(urls: Iterable[str]) -> Iterable[PostgresqlTables]:
    """The tables on PostgreSQL servers that the first start of this version will change."""
    for url in dict.fromkeys(urls):
        if sqlite_file(url) is None:
            tables = find_tables(url)
            if tables.names and not known_migrations() <= set(tables.migrations):
                yield tables


def _dump(tables: PostgresqlTables, target: Path) -> None:
    tables.dump(target)
    target.chmod(0o600)


def _restore_tables(copy: Path, url: str, migrations: Sequence[str], others: Sequence[str]) -> bool:
    """Put the tables back as they were, and drop what this version has made besides, of whatever name."""
    tables = find_tables(url).with_those_made_since(others)
    if list(tables.migrations) == list(migrations):
        return False
    require_no_other_machine(url)
    _dump(tables, copy.with_name(f"{copy.name}.replaced"))
    tables.replace(copy, f"{_LOOK_FOR_LOST};")
    return True


def _let_look_for_lost(file: Path) -> None:
    with closing(sqlite3.connect(file)) as database:
        if database.execute("SELECT 1 FROM sqlite_master WHERE name = 'wabot_facts'").fetchone():
            database.execute(_LOOK_FOR_LOST)
            database.commit()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
