"""What many tests need: databases (SQLite files, a real PostgreSQL where there is one), servers to call."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any, NoReturn

import hypothesis
import psycopg2
import pytest

from tests.support.alert_receivers import WebhookReceiver
from tests.support.provider_server import ProviderServer
from wabot.clock import process_clock
from wabot.database.engine import migrate, open_database
from wabot.database.models import OWN_TABLES
from wabot.system.units import configure_hints
from wabot.trials.peers.postgresql import PostgresqlMissing, PostgresqlServer

# No test asserts how fast anything is: on a busy machine one example may take longer than any deadline. Every
# run draws other examples, so a few of them do.
hypothesis.settings.register_profile("wabot", deadline=None, max_examples=40)
hypothesis.settings.load_profile("wabot")

# Each test is thrown away: nothing of it has to survive a power cut.
_FAST = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_connections=50")


@pytest.fixture(autouse=True)
def _own_configuration() -> Iterator[None]:
    """What a command was about, and what time it was at WhatsApp, is forgotten after each test."""
    yield
    process_clock.forget()
    configure_hints(Path("/etc/wabot/wabot.toml"))


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[PostgresqlServer]:
    """A PostgreSQL server with its own data directory on a free port; skipped where none is installed."""
    with _running(*_FAST) as server:
        yield server


@pytest.fixture(scope="module")
def mortal_postgresql() -> Iterator[PostgresqlServer]:
    """A server that a test may crash, freeze or reconfigure, and leaves running as it found it.

    What it has confirmed is there after a crash.
    """
    with _running(*_FAST, "synchronous_commit=on") as server:
        yield server


_EMPTY = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND pid != pg_backend_pid();
ALTER DATABASE test_empty RESET ALL;
DROP SCHEMA public CASCADE;
CREATE SCHEMA public AUTHORIZATION pg_database_owner;
GRANT USAGE ON SCHEMA public TO PUBLIC;
"""


@pytest.fixture(scope="session")
def _postgresql_url_to_empty(postgresql_server: PostgresqlServer) -> str:
    postgresql_server.execute("CREATE DATABASE test_empty")
    return postgresql_server.url("test_empty")


@pytest.fixture
def postgresql_url(_postgresql_url_to_empty: str) -> str:
    """The address of a PostgreSQL database as empty as a new one, which would take longer to make."""
    writable = "-c default_transaction_read_only=off"
    with closing(psycopg2.connect(_postgresql_url_to_empty, options=writable)) as connection:
        connection.cursor().execute(_EMPTY)
        connection.commit()
    return _postgresql_url_to_empty


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
    """The address of one PostgreSQL database with wabot's tables, for all tests in turn."""
    postgresql_server.execute("CREATE DATABASE test_all")
    return postgresql_server.url("test_all")


# What RESTART IDENTITY of TRUNCATE does as well, which writes the files of all tables and indexes anew.
_EMPTY_TABLES = "".join(f"DELETE FROM {table._meta.table_name};" for table in reversed(OWN_TABLES)) + (
    "SELECT setval(seqrelid::regclass, seqstart, false) FROM pg_sequence"
)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def database(request: pytest.FixtureRequest) -> Iterator[Any]:
    """An open database with wabot's tables, which are empty, on each of the two engines in turn."""
    if request.param == "sqlite":
        yield request.getfixturevalue("sqlite_database")
        return
    opened = open_database(request.getfixturevalue("postgresql_url_of_all"))
    migrate(opened)
    opened.execute_sql(_EMPTY_TABLES)
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def _sqlite_file_with_tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file: Path = tmp_path_factory.mktemp("tables") / "wabot.db"
    opened = open_database(f"sqlite:///{file}")
    migrate(opened)
    opened.close()
    return file


@pytest.fixture
def sqlite_database(sqlite_url: str, tmp_path: Path, _sqlite_file_with_tables: Path) -> Iterator[Any]:
    """An open SQLite database with wabot's tables: a copy, to make them takes longer than most tests."""
    shutil.copyfile(_sqlite_file_with_tables, tmp_path / "wabot.db")
    opened = open_database(sqlite_url)
    yield opened
    opened.close()


@pytest.fixture
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Calls to loopback go straight there, whatever proxy this machine uses."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture
def server(no_proxy: None) -> Iterator[ProviderServer]:
    """A model that repeats what it is asked, until a test scripts it."""
    with ProviderServer() as running:
        yield running


@pytest.fixture
def receiver() -> Iterator[WebhookReceiver]:
    """Somebody to tell alerts to."""
    with WebhookReceiver() as running:
        yield running


@contextmanager
def _running(*options: str) -> Iterator[PostgresqlServer]:
    with ExitStack() as opened:
        try:
            server = opened.enter_context(PostgresqlServer(options))
        except PostgresqlMissing as missing:
            _cannot_run(str(missing))
        yield server


def _cannot_run(reason: str) -> NoReturn:
    """Skip, except where every test is meant to run."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)
