"""Databases for the tests: SQLite files, and a real PostgreSQL server where there is one."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NoReturn

import pytest

from wabot.database import migrate, open_database
from wabot.emulator.postgresql import PostgresqlMissing, PostgresqlServer
from wabot.models import OWN_TABLES

# Each test is thrown away: nothing of it has to survive a power cut.
_FAST = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_connections=50")


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[PostgresqlServer]:
    """A PostgreSQL server with its own data directory on a free port; skipped where none is installed."""
    with ExitStack() as opened:
        try:
            server = opened.enter_context(PostgresqlServer(_FAST))
        except PostgresqlMissing as missing:
            _cannot_run(str(missing))
        yield server


@pytest.fixture
def postgresql_url(postgresql_server: PostgresqlServer) -> Iterator[str]:
    """The address of an empty PostgreSQL database."""
    name = f"test_{secrets.token_hex(6)}"
    postgresql_server.execute(f"CREATE DATABASE {name}")
    yield postgresql_server.url(name)
    postgresql_server.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """The address of an SQLite database that does not exist yet."""
    return f"sqlite:///{tmp_path / 'wabot.db'}"


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def database_url(request: pytest.FixtureRequest) -> str:
    """The address of an empty database, on each of the two engines in turn."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


@pytest.fixture(scope="session")
def postgresql_url_of_all(postgresql_server: PostgresqlServer) -> str:
    """The address of one PostgreSQL database that all tests use in turn: making one takes a while."""
    postgresql_server.execute("CREATE DATABASE test_all")
    return postgresql_server.url("test_all")


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def database(request: pytest.FixtureRequest) -> Iterator[Any]:
    """An open database with wabot's tables, which are empty, on each of the two engines in turn."""
    is_sqlite = request.param == "sqlite"
    opened = open_database(request.getfixturevalue("sqlite_url" if is_sqlite else "postgresql_url_of_all"))
    migrate(opened)
    if not is_sqlite:
        tables = ", ".join(table._meta.table_name for table in OWN_TABLES)
        opened.execute_sql(f"TRUNCATE {tables} RESTART IDENTITY")
    yield opened
    opened.close()


@pytest.fixture
def sqlite_database(sqlite_url: str) -> Iterator[Any]:
    """An open SQLite database with wabot's tables, for what does not depend on the engine."""
    opened = open_database(sqlite_url)
    migrate(opened)
    yield opened
    opened.close()


def _cannot_run(reason: str) -> NoReturn:
    """Skip, except where every test is meant to run."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)
