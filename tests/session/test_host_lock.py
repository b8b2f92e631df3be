from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import peewee
import psycopg2
import pytest

from wabot.database.engine import open_database
from wabot.errors import ExitCode, OperatorNeeded
from wabot.session import host_lock
from wabot.session.host_lock import HostLock
from wabot.trials.peers.postgresql import PostgresqlServer

pytestmark = pytest.mark.postgresql

Make = Callable[..., HostLock]


@pytest.fixture
def make(
    mortal_postgresql: PostgresqlServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Make]:
    """Claims of bots on machines of different names, which look at their lock often."""
    monkeypatch.setattr(host_lock, "_CHECK_SECONDS", 0.2)
    opened = open_database(mortal_postgresql.url("postgres"))
    locks: list[HostLock] = []

    def made(user_id: str = "shop", machine: str = "vps1") -> HostLock:
        (tmp_path / machine).mkdir(exist_ok=True)
        locks.append(HostLock(user_id, tmp_path / machine))
        return locks[-1]

    yield made
    for lock in locks:
        if lock._thread.ident is not None:
            lock.release()
    opened.close()


def backends(server: PostgresqlServer) -> list[int]:
    """The connections that hold a lock."""
    with closing(psycopg2.connect(server.url("postgres"))) as connection:
        cursor = connection.cursor()
        cursor.execute("SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted")
        return [pid for (pid,) in cursor.fetchall()]


def wait_until(reached: Callable[[], Any]) -> None:
    deadline = time.monotonic() + 10
    while not reached():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_the_second_machine_is_told_who_has_the_session(make: Make) -> None:
    first = make().acquire(0)
    began = time.monotonic()
    with pytest.raises(OperatorNeeded) as refused:
        make(machine="vps2").acquire(0.5)
    assert time.monotonic() - began < 4
    assert refused.value.exit_code is ExitCode.OPERATOR_NEEDED
    text = str(refused.value)
    assert text.startswith(
        f"session shop is in use by PID {os.getpid()} on {socket.gethostname()}, connected since "
    )
    assert text.endswith("UTC, on the same database; stop it there first: one number, one machine")
    assert first.lost == ""
    assert host_lock.holder_on_any_machine("shop") in text
    assert host_lock.holder_on_any_machine("salon") == ""
    first.release()
    make(machine="vps3").acquire(2)


def test_another_user_is_another_session(make: Make) -> None:
    make().acquire(0)
    make("salon", "vps2").acquire(0)


def test_a_process_that_is_just_ending_is_waited_for(make: Make) -> None:
    first = make().acquire(0)
    second = make(machine="vps2")
    threading.Timer(0.5, first.release).start()
    second.acquire(5)


def test_what_a_crashed_machine_left_at_the_server_does_not_keep_the_same_bot_out(
    make: Make, mortal_postgresql: PostgresqlServer
) -> None:
    """The server may not notice for a while; this directory's file lock proves that nobody is there."""
    ghost = make()
    ghost.acquire(0)
    (backend,) = backends(mortal_postgresql)
    make().acquire(0)
    wait_until(lambda: len(backends(mortal_postgresql)) == 1)
    assert backends(mortal_postgresql) != [backend]


def test_after_an_outage_the_lock_is_taken_again(make: Make, mortal_postgresql: PostgresqlServer) -> None:
    first = make().acquire(0)
    mortal_postgresql.stop(crash=True)
    time.sleep(0.5)
    assert first.lost == ""
    mortal_postgresql.start()
    wait_until(lambda: backends(mortal_postgresql))
    with pytest.raises(OperatorNeeded, match="in use by PID"):
        make(machine="vps2").acquire(0)
    assert first.lost == ""


def test_whoever_took_it_meanwhile_keeps_it(
    make: Make, mortal_postgresql: PostgresqlServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = make().acquire(0)
    monkeypatch.setattr(host_lock, "_CHECK_SECONDS", 0.01)
    key = host_lock._key("shop")
    with closing(
        psycopg2.connect(mortal_postgresql.url("postgres"), application_name="wabot x #PID 9 on vps2")
    ) as other:
        (backend,) = backends(mortal_postgresql)
        mortal_postgresql.execute(f"SELECT pg_terminate_backend({backend})")
        # Waits for its turn, which is the moment the first one's connection is gone.
        other.cursor().execute("SELECT pg_advisory_lock(%s)", (key,))
        wait_until(lambda: first.lost)
    assert first.lost.startswith("PID 9 on vps2, connected since ")
    assert "took this session over while the database was away" in first.lost


def test_a_database_that_is_away_is_said_so(make: Make, mortal_postgresql: PostgresqlServer) -> None:
    mortal_postgresql.stop(crash=True)
    try:
        with pytest.raises(peewee.OperationalError):
            make().acquire(2)
    finally:
        mortal_postgresql.start()
