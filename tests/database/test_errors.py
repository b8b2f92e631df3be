"""Real databases in real trouble: each says so within its bound, and it is told apart from a bad message."""

from __future__ import annotations

import errno
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import peewee
import psycopg2
import pytest

from wabot.database.engine import migrate, open_database
from wabot.database.errors import AWAY, concerns_what_was_stored, fault, patience
from wabot.database.models import Fact
from wabot.errors import ExitCode
from wabot.trials.peers.postgresql import PostgresqlServer


@pytest.fixture
def server_database(mortal_postgresql: PostgresqlServer) -> Iterator[Any]:
    """wabot's tables on a server that a test may break."""
    opened = open_database(mortal_postgresql.url("postgres"))
    migrate(opened)
    Fact.delete().execute()
    yield opened
    opened.close()


@pytest.mark.postgresql
def test_a_server_that_stands_still_is_not_waited_for_for_ever(
    server_database: Any, mortal_postgresql: PostgresqlServer
) -> None:
    Fact.create(key="a", value="b")
    mortal_postgresql.freeze()
    try:
        began = time.monotonic()
        with pytest.raises(AWAY, match="has not answered for 1 second"), patience(1):
            Fact.get(Fact.key == "a")
        server_database.close()
        # The kernel takes the connection; nobody says hello.
        with pytest.raises(AWAY, match="has not answered for 5 seconds"):
            Fact.get(Fact.key == "a")
        assert time.monotonic() - began < 15
    finally:
        mortal_postgresql.thaw()
    server_database.close()
    assert Fact.get(Fact.key == "a").value == "b"


@pytest.mark.postgresql
def test_a_bound_is_for_each_answer_and_for_its_block_alone(server_database: Any) -> None:
    with patience(0.5):
        for _ in range(4):
            server_database.execute_sql("SELECT pg_sleep(0.2)")
        with pytest.raises(AWAY, match="has not answered"):
            server_database.execute_sql("SELECT pg_sleep(2)")
    server_database.close()
    server_database.execute_sql("SELECT pg_sleep(1)")


@pytest.mark.postgresql
def test_a_killed_server_is_away_and_comes_back(
    server_database: Any, mortal_postgresql: PostgresqlServer
) -> None:
    mortal_postgresql.stop(crash=True)
    try:
        for _ in range(2):
            with pytest.raises(AWAY) as caught:
                Fact.create(key="a", value="b")
            assert not concerns_what_was_stored(caught.value)
            server_database.close()
    finally:
        mortal_postgresql.start()
    Fact.create(key="a", value="b")


@pytest.mark.postgresql
@pytest.mark.parametrize(
    "statement",
    [
        "SET default_transaction_read_only = on",
        "SET search_path = nowhere",
        "SELECT pg_terminate_backend(pg_backend_pid())",
    ],
)
def test_trouble_of_the_database_is_no_fault_of_the_message(server_database: Any, statement: str) -> None:
    try:
        server_database.execute_sql(statement)
    except peewee.PeeweeException as error:
        assert "terminating connection" in str(error)
    with pytest.raises(peewee.PeeweeException) as caught:
        Fact.create(key="a", value="b")
    assert not concerns_what_was_stored(caught.value)


@pytest.mark.postgresql
@pytest.mark.parametrize("key", ["nul \x00", "x" * 300, None])
def test_what_no_database_takes_is_told_apart(server_database: Any, key: str | None) -> None:
    with pytest.raises((ValueError, peewee.DatabaseError)) as caught:
        Fact.create(key=key, value="b")
    assert concerns_what_was_stored(caught.value)


def test_a_full_sqlite_file_and_a_damaged_one(sqlite_database: Any) -> None:
    (pages,) = sqlite_database.execute_sql("PRAGMA page_count").fetchone()
    sqlite_database.execute_sql(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(AWAY, match="full") as full:
        for number in range(1000):
            Fact.create(key=str(number), value="v" * 1000)
    assert not concerns_what_was_stored(full.value)
    assert not concerns_what_was_stored(peewee.DatabaseError("database disk image is malformed"))


def test_what_heals_by_itself_and_what_does_not(tmp_path: Path) -> None:
    """Real errors of SQLite: another program holds the file, or it may only be read."""
    file = tmp_path / "wabot.db"
    open_database(f"sqlite:///{file}").close()
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        busy = peewee.SqliteDatabase(str(file), timeout=0)
        with pytest.raises(peewee.OperationalError) as locked:
            busy.execute_sql("CREATE TABLE x (y)")
        busy.close()
    read_only = peewee.SqliteDatabase(f"file:{file}?mode=ro", uri=True)
    with pytest.raises(peewee.OperationalError) as refused:
        read_only.execute_sql("CREATE TABLE x (y)")
    read_only.close()
    url = f"sqlite:///{file}"
    assert fault(locked.value, url).exit_code is ExitCode.DATABASE_AWAY
    assert fault(refused.value, url).exit_code is ExitCode.OPERATOR_NEEDED
    assert fault(OSError(errno.ENOSPC, "No space left"), url).exit_code is ExitCode.DATABASE_AWAY
    assert fault(PermissionError(errno.EACCES, "Denied"), url).exit_code is ExitCode.OPERATOR_NEEDED


def test_an_attempt_with_encryption_and_one_without_are_told_once() -> None:
    attempt = 'connection to server at "localhost" (127.0.0.1), port 5432 failed: FATAL:  28P01: no, "ana"\n'
    told = str(fault(psycopg2.OperationalError(attempt * 2), "postgresql://ana:secret@localhost/shop"))
    assert told.count("28P01") == 1
    assert "wrong password or role" in told
