"""Databases for the tests: SQLite files, and a real PostgreSQL server where there is one."""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import psycopg2
import pytest

from wabot.database import migrate, open_database
from wabot.models import OWN_TABLES

_START_SECONDS = 30.0
_STOP_SECONDS = 10.0
# Each test is thrown away: nothing of it has to survive a power cut.
_FAST = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_connections=50")


@dataclass(frozen=True, slots=True)
class PostgresqlServer:
    """A server on loopback that belongs to this test process."""

    port: int
    password: str

    def url(self, name: str) -> str:
        """The address of one of its databases."""
        return f"postgresql://wabot:{self.password}@127.0.0.1:{self.port}/{name}"

    def execute(self, statement: str) -> None:
        """Run a statement outside of every test's database."""
        with closing(psycopg2.connect(self.url("postgres"))) as connection:
            connection.autocommit = True
            connection.cursor().execute(statement)


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[PostgresqlServer]:
    """A PostgreSQL server with its own data directory on a free port; skipped where none is installed."""
    programs = _postgresql_programs()
    user = _unprivileged_user()
    # Not below tmp_path: root's is closed to the user that has to run the server.
    home = Path(tempfile.mkdtemp(prefix="wabot-postgresql-"))
    try:
        if user:
            shutil.chown(home, user)
        password = secrets.token_hex(16)
        _make_cluster(programs, home, user, password)
        port = free_port()
        server = PostgresqlServer(port, password)
        log = (home / "log").open("wb")
        settings = [f"port={port}", "listen_addresses=127.0.0.1", "unix_socket_directories=", *_FAST]
        options = [part for each in settings for part in ("-c", each)]
        process = subprocess.Popen(
            _as_user(user, [str(programs / "postgres"), "-D", str(home / "data"), *options]),
            cwd=home,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            _wait_until_it_answers(server, process, home / "log")
            yield server
        finally:
            # PostgreSQL's fast shutdown.
            process.send_signal(signal.SIGINT)
            try:
                process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            log.close()
    finally:
        shutil.rmtree(home, ignore_errors=True)


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


def _postgresql_programs() -> Path:
    installed = list(Path("/usr/lib/postgresql").glob("[0-9]*/bin/postgres"))
    if installed:
        return max(installed, key=lambda program: float(program.parts[4])).parent
    on_path = shutil.which("postgres")
    return Path(on_path).resolve().parent if on_path else _cannot_run("no PostgreSQL server is installed")


def _unprivileged_user() -> str:
    """Who runs the server, which refuses to run as root; "" when the tests are not run by root."""
    if os.geteuid() != 0:
        return ""
    if shutil.which("setpriv") is None:
        return _cannot_run("PostgreSQL refuses to run as root, and there is no setpriv")
    for name in ("postgres", "nobody"):
        try:
            pwd.getpwnam(name)
        except KeyError:
            continue
        return name
    return _cannot_run("PostgreSQL refuses to run as root, and there is no other user")


def _as_user(user: str, command: list[str]) -> list[str]:
    if not user:
        return command
    group = str(pwd.getpwnam(user).pw_gid)
    # pdeathsig: the server ends with the tests, even when those are killed.
    become = ["setpriv", "--reuid", user, "--regid", group, "--clear-groups", "--pdeathsig", "INT"]
    return [*become, *command]


def _make_cluster(programs: Path, home: Path, user: str, password: str) -> None:
    password_file = home / "password"
    password_file.write_text(password, encoding="ascii")
    if user:
        shutil.chown(password_file, user)
    initdb = [str(programs / "initdb"), "-D", str(home / "data"), "--no-sync", "--encoding=UTF8"]
    initdb += ["--locale=C.UTF-8", "--username=wabot", "--auth=scram-sha-256", f"--pwfile={password_file}"]
    made = subprocess.run(_as_user(user, initdb), cwd=home, capture_output=True, text=True, timeout=60)
    if made.returncode:
        _cannot_run(f"initdb failed: {made.stderr.strip()}")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_until_it_answers(server: PostgresqlServer, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        try:
            psycopg2.connect(server.url("postgres"), connect_timeout=2).close()
            return
        except psycopg2.OperationalError:
            time.sleep(0.05)
    _cannot_run(f"PostgreSQL did not start: {log.read_text(errors='replace')[-1000:]}")


def _cannot_run(reason: str) -> NoReturn:
    """Skip, except where every test is meant to run."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)
