"""Poolers between wabot and a real PostgreSQL: one keeps a connection for each client, one lends them."""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from tests.support import REPOSITORY
from tests.support.transaction_pooler import TransactionPooler
from wabot.database.engine import migrate, open_database
from wabot.database.models import Fact, database
from wabot.session.host_lock import HostLock
from wabot.session.pooler import CURE, LOCK_IS_VOID, lends_connections
from wabot.trials.peers.postgresql import PostgresqlServer

pytestmark = pytest.mark.postgresql


@pytest.fixture(params=["lends", "keeps"])
def pooler(
    request: pytest.FixtureRequest, postgresql_server: PostgresqlServer
) -> Iterator[TransactionPooler]:
    with TransactionPooler(postgresql_server.port, by_session=request.param == "keeps") as running:
        yield running


def lends(pooler: TransactionPooler) -> bool:
    return not pooler._by_session


@pytest.fixture
def pooled_url(pooler: TransactionPooler, postgresql_server: PostgresqlServer, postgresql_url: str) -> str:
    return postgresql_url.replace(f":{postgresql_server.port}/", f":{pooler.port}/")


@pytest.fixture
def pooled(pooled_url: str) -> Iterator[Any]:
    opened = open_database(pooled_url)
    yield opened
    opened.close()


def test_who_lends_is_told_from_who_keeps(pooled: Any, pooler: TransactionPooler) -> None:
    assert lends_connections(pooled) == lends(pooler)
    assert not pooled.in_transaction()


def test_under_traffic_of_others(pooled: Any, pooler: TransactionPooler, pooled_url: str) -> None:
    done = threading.Event()

    def write() -> None:
        with closing(psycopg2.connect(pooled_url)) as connection:
            while not done.is_set():
                connection.cursor().execute("SELECT pg_sleep(0.001)")
                connection.commit()

    with ThreadPoolExecutor(4) as pool:
        others = [pool.submit(write) for _ in range(4)]
        try:
            found = [lends_connections(pooled) for _ in range(20)]
        finally:
            done.set()
        for other in others:
            other.result(10)
    assert found == [lends(pooler)] * 20


def test_postgresql_itself_keeps(postgresql_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = open_database(postgresql_url)
    monkeypatch.setattr(psycopg2, "connect", lambda **_: pytest.fail("one look is enough"))
    assert not lends_connections(opened)
    opened.close()


def test_the_lock_says_that_it_is_void_and_stops_nobody(
    pooled: Any, pooler: TransactionPooler, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Twice: what the first one left at the server must not keep the second out."""
    for _ in range(2):
        caplog.clear()
        with caplog.at_level(logging.WARNING):
            lock = HostLock("shop", tmp_path).acquire(0)
        told = [record.getMessage() for record in caplog.records]
        assert told == ([f"database: {LOCK_IS_VOID}; {CURE}"] if lends(pooler) else [])
        held = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"
        assert pooled.execute_sql(held).fetchone() == (0 if lends(pooler) else 1,)
        assert lock.lost == ""
        lock.release()


def test_migrations_leave_no_lock_behind_in_the_pooler(pooled: Any) -> None:
    assert migrate(pooled)
    assert pooled.execute_sql("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'").fetchone() == (0,)
    Fact.create(key="a", value="b")
    assert migrate(pooled) == []
    assert database.obj is pooled


def test_the_doctor_says_so(pooled_url: str, pooled: Any, pooler: TransactionPooler, tmp_path: Path) -> None:
    pooled.execute_sql("CREATE TABLE users (id TEXT PRIMARY KEY)")
    pooled.execute_sql("INSERT INTO users VALUES ('shop')")
    configuration = tmp_path / "wabot.toml"
    configuration.touch(0o600)
    configuration.write_text(
        f'[account]\nuser_id = "shop"\n[paths]\nstate = "{tmp_path}"\n[database]\nurl = "{pooled_url}"\n'
    )
    told = subprocess.run(
        [sys.executable, "-m", "wabot", "doctor", "--config", str(configuration)],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    ).stdout
    assert ("ILL  database: a pooler in front of it lends connections" in told) == lends(pooler), told
    assert (f"cure: {CURE}" in told) == lends(pooler)
