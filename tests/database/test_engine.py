from __future__ import annotations

import os
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import peewee
import pytest

from tests.support.arrivals import NOON
from wabot.clock import utc_now
from wabot.database.engine import migrate, open_database
from wabot.database.models import OWN_TABLES, Fact
from wabot.errors import DatabaseAway, ExitCode, OperatorNeeded, WabotError
from wabot.trials.peers.postgresql import PostgresqlServer, free_port

PASSWORD = "p4ss/w:rd@x"


@pytest.fixture
def usual_umask() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_relative_address_is_below_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    open_database("sqlite:///data/wabot.db").close()
    assert (tmp_path / "data" / "wabot.db").is_file()


@pytest.mark.usefixtures("usual_umask")
def test_nobody_else_can_read_the_files(tmp_path: Path) -> None:
    file = tmp_path / "data" / "wabot.db"
    database = open_database(f"sqlite:///{file}")
    migrate(database)
    assert {path.name: mode(path) for path in file.parent.iterdir()} == {
        "wabot.db": 0o600,
        "wabot.db-wal": 0o600,
        "wabot.db-shm": 0o600,
    }
    assert mode(file.parent) == 0o700
    database.close()


@pytest.mark.usefixtures("usual_umask")
def test_a_file_that_others_could_read_is_closed_to_them(tmp_path: Path) -> None:
    file = tmp_path / "wabot.db"
    file.touch(0o644)
    open_database(f"sqlite:///{file}").close()
    assert mode(file) == 0o600


def test_what_is_acknowledged_survives_a_power_cut(sqlite_database: Any) -> None:
    settings = ("journal_mode", "synchronous", "foreign_keys", "busy_timeout", "auto_vacuum")
    found = {name: sqlite_database.execute_sql(f"PRAGMA {name}").fetchone()[0] for name in settings}
    assert found == {
        "journal_mode": "wal",
        "synchronous": 2,
        "foreign_keys": 1,
        "busy_timeout": 5000,
        "auto_vacuum": 2,
    }


def test_threads_that_read_and_then_write_do_not_fail_each_other(database: Any) -> None:
    Fact.create(key="count", value="0")

    def add() -> None:
        for _ in range(20):
            with database.atomic():
                # PostgreSQL has no lock for a whole transaction, but one for a row.
                query = Fact.select().where(Fact.key == "count")
                row = query.get() if isinstance(database, peewee.SqliteDatabase) else query.for_update().get()
                Fact.update(value=str(int(row.value) + 1)).where(Fact.key == "count").execute()
        database.close()

    with ThreadPoolExecutor(4) as pool:
        for each in [pool.submit(add) for _ in range(4)]:
            each.result(60)
    assert Fact.get(Fact.key == "count").value == "80"


@pytest.mark.parametrize("content", [b"this is no database " * 500, b"SQLite format 3\0" + b"\xff" * 5000])
def test_a_file_that_is_no_database(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "wabot.db"
    file.write_bytes(content)
    with pytest.raises(OperatorNeeded, match=r"database sqlite:///.*wabot.db cannot be used \("):
        open_database(f"sqlite:///{file}")
    assert file.read_bytes() == content


def ruin_pages(file: Path) -> None:
    """As a bad disk does: the head of the file is good, the tables are not."""
    data = file.read_bytes()
    file.write_bytes(data[:4096] + b"\xa5" * 3 * 4096 + data[4 * 4096 :])


def put_directory_there(file: Path) -> None:
    file.unlink()
    file.mkdir()


@pytest.mark.parametrize(
    ("ruin", "advice"),
    [
        (ruin_pages, "restore a backup, or move it aside"),
        (put_directory_there, "must be there, writable"),
    ],
)
def test_a_bot_whose_file_is_unusable_is_not_started_again_and_again(
    tmp_path: Path, ruin: Callable[[Path], None], advice: str
) -> None:
    file = tmp_path / "wabot.db"
    opened = open_database(f"sqlite:///{file}")
    migrate(opened)
    opened.close()
    ruin(file)
    configuration = tmp_path / "wabot.toml"
    configuration.write_text(f'[paths]\nstate = "{tmp_path}"\n')
    command = [sys.executable, "-m", "wabot", "run", "--config", str(configuration)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert ended.returncode == ExitCode.OPERATOR_NEEDED
    (line,) = [line for line in ended.stderr.splitlines() if " ERROR " in line]
    assert advice in line
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize("name", ["", "file/wabot.db", "x" * 300])
def test_a_path_where_no_file_can_be(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OperatorNeeded, match=r"cannot be opened \(.*must be there, writable"):
        open_database(f"sqlite:///{tmp_path / name}")


def test_a_database_in_memory_would_be_another_one_for_each_thread() -> None:
    with pytest.raises(OperatorNeeded, match=r"^database\.url sqlite:///:memory:: no address such as"):
        open_database("sqlite:///:memory:")


# PostgreSQL
@pytest.mark.postgresql
def test_a_connection_is_set_up_as_wabot_needs_it(postgresql_url: str) -> None:
    database = open_database(postgresql_url)
    names = ("TimeZone", "statement_timeout", "application_name", "tcp_user_timeout")
    found = {name: database.execute_sql(f"SHOW {name}").fetchone()[0] for name in names}
    assert found == {
        "TimeZone": "UTC",
        "statement_timeout": "20s",
        "application_name": "wabot",
        "tcp_user_timeout": "0",  # the client's side of it, which the server does not show
    }
    database.close()


@pytest.mark.postgresql
def test_times_are_utc_whatever_the_zone_of_the_server(
    postgresql_server: PostgresqlServer, postgresql_url: str
) -> None:
    name = postgresql_url.rpartition("/")[2]
    postgresql_server.execute(f"ALTER DATABASE {name} SET timezone = 'America/Lima'")
    database = open_database(postgresql_url)
    assert database.execute_sql("SELECT TIMESTAMP '2026-11-22 12:00'").fetchone() == (NOON,)
    now = database.execute_sql("SELECT now()::timestamp").fetchone()[0]
    assert abs((now - utc_now()).total_seconds()) < 60
    database.close()


@pytest.mark.postgresql
def test_the_address_of_a_prisma_application_can_be_used(postgresql_url: str) -> None:
    parameters = "schema=Shop-2&connection_limit=5&pool_timeout=10&pgbouncer=true&sslmode=prefer"
    database = open_database(f"{postgresql_url}?{parameters}")
    database.execute_sql('CREATE SCHEMA "Shop-2"')
    migrate(database)
    found = database.execute_sql(
        "SELECT count(*) FROM information_schema.tables WHERE table_schema = 'Shop-2'"
    )
    assert found.fetchone()[0] > len(OWN_TABLES)
    database.close()


@pytest.mark.postgresql
def test_names_and_passwords_may_have_any_characters(
    postgresql_server: PostgresqlServer, postgresql_url: str
) -> None:
    name = postgresql_url.rpartition("/")[2]
    role = f"sh@p {name}"
    postgresql_server.execute(f"CREATE ROLE \"{role}\" LOGIN PASSWORD '{PASSWORD}'")
    user, password = role.replace("@", "%40").replace(" ", "%20"), "p4ss%2Fw%3Ard%40x"
    address = f"127.0.0.1:{postgresql_server.port}/{name}"
    open_database(f"postgresql://{user}:{password}@{address}").close()
    with pytest.raises(OperatorNeeded) as caught:
        open_database(f"postgresql://{user}:{password}wrong@{address}")
    assert f"postgresql://{user}:***@{address} cannot be opened (" in str(caught.value)
    assert "p4ss" not in str(caught.value)
    postgresql_server.execute(f'DROP ROLE "{role}"')


def test_a_server_that_does_not_answer() -> None:
    url = f"postgresql://wabot:p4ss@127.0.0.1:{free_port()}/db"
    with pytest.raises(DatabaseAway) as caught:
        open_database(url)
    assert caught.value.exit_code is ExitCode.DATABASE_AWAY
    assert "p4ss" not in str(caught.value)
    assert "\n" not in str(caught.value)


# What is no address
@pytest.mark.parametrize(
    "url",
    [
        "postgresql://wabot:p4ss@[::1/db",
        "postgresql://wabot:p4ss@h:port/db",
        "postgresql://wabot:p4ss@h:99999/db",
        "postgresql://wabot:p4ss@127.0.0.1:1",
        "postgresql://wabot:p4ss/w:rd@127.0.0.1:1/db",
        "postgresql:///",
        "mysql://wabot:p4ss@h/db",
        "oracle://wabot:p4ss@h/db",
        "postgresql+pool://wabot:p4ss@127.0.0.1:1/db",
        "postgresql://wabot:p4ss@127.0.0.1:1/db?schema=a'b",
        "postgresql://wabot:p4ss@127.0.0.1:1/db?nonsense=1",
        "postgresql://wabot@127.0.0.1:1/db?nonsense=1&password=p4ss",
        "p4ss",
        "",
    ],
)
def test_what_can_never_be_a_database(url: str) -> None:
    with pytest.raises(WabotError) as caught:
        open_database(url)
    assert caught.value.exit_code is ExitCode.OPERATOR_NEEDED
    assert "database.url" in str(caught.value)
    assert "p4ss" not in str(caught.value)
