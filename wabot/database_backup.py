"""Copies the SQLite databases of stopped bots, and puts the copies back: for the installer's upgrade.

    python -m wabot.database_backup save DIRECTORY CONFIGURATION...
    python -m wabot.database_backup restore DIRECTORY

A database on a PostgreSQL server is left to its owner.
"""

from __future__ import annotations

import json
import os
import sqlite3
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from wabot.config import load_settings
from wabot.database_address import sqlite_file
from wabot.errors import ExitCode, OperatorNeeded, UsageError, WabotError
from wabot.process import become_owner
from wabot.sqlite_copy import copy_sqlite, move_sqlite
from wabot.unit_environment import unit_environment

_LIST = "databases.json"


def save(directory: Path, databases: Iterable[Path]) -> list[Path]:
    """Copy each database, complete and checked.

    Args:
        directory: where to; made private, and must not exist yet.
        databases: SQLite files; those that do not exist are left out.

    Returns:
        The databases that were copied.

    Raises:
        OperatorNeeded: one of them is damaged or in use, or there is no room.
    """
    copied: list[Path] = []
    try:
        directory.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        directory.mkdir(mode=0o700)
        for file in dict.fromkeys(database.resolve() for database in databases):
            if file.exists():
                copy_sqlite(file, directory / f"{len(copied)}.db")
                copied.append(file)
        names = {f"{number}.db": str(file) for number, file in enumerate(copied)}
        (directory / _LIST).write_text(json.dumps(names), encoding="utf-8")
    except (OSError, sqlite3.Error) as error:
        raise OperatorNeeded(f"the databases cannot be copied to {directory}: {error}") from None
    return copied


def restore(directory: Path) -> list[Path]:
    """Put every copy back in its place; what is there now is kept beside it, as NAME.replaced.

    Raises:
        OperatorNeeded: the directory holds no such copies, or they cannot be put back.
    """
    restored = []
    try:
        names = json.loads((directory / _LIST).read_text(encoding="utf-8"))
        for name, place in names.items():
            file = Path(place)
            move_sqlite(file, file.with_name(f"{file.name}.replaced"))
            copy_sqlite(directory / name, file)
            restored.append(file)
    except (OSError, ValueError, AttributeError, TypeError, sqlite3.Error) as error:
        raise OperatorNeeded(f"the copies in {directory} cannot be put back: {error}") from None
    return restored


def main(argv: Sequence[str]) -> int:
    """Save or restore; returns the exit code."""
    os.umask(0o077)
    try:
        match argv:
            case ["save", directory, *configurations]:
                # Where the databases are may be a secret that root alone can read.
                files = [_database_of(Path(each)) for each in configurations]
                become_owner(next(each for each in Path(directory).parents if each.exists()))
                copied = save(Path(directory), [file for file in files if file is not None])
                print(f"copied to {directory}: {', '.join(map(str, copied)) or 'nothing'}")
            case ["restore", directory]:
                become_owner(Path(directory))
                print(f"put back: {', '.join(map(str, restore(Path(directory)))) or 'nothing'}")
            case _:
                raise UsageError("save DIRECTORY CONFIGURATION... or restore DIRECTORY")
    except WabotError as error:
        print(f"wabot.database_backup: {error}", file=sys.stderr)
        return error.exit_code
    return ExitCode.OK


def _database_of(configuration: Path) -> Path | None:
    environ = unit_environment(configuration, os.environ)
    settings = load_settings(configuration, environ, all_secrets=False)
    return sqlite_file(settings.database.url)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
