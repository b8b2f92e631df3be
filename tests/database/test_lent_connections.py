from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from wabot.database import lent_connections
from wabot.database.engine import open_database
from wabot.database.lent_connections import rest

pytestmark = pytest.mark.postgresql

_NAME = "wabot-lent"


@pytest.fixture
def database(postgresql_url: str) -> Iterator[Any]:
    opened = open_database(f"{postgresql_url}?application_name={_NAME}")
    opened.connect_params["application_name"] = _NAME
    opened.close()
    yield opened
    opened.close()


@pytest.fixture
def server(postgresql_url: str, database: Any) -> Iterator[Any]:
    """A look at the server, by a connection that does not count."""
    looking = open_database(postgresql_url)
    lent_connections.database.initialize(database)
    yield looking
    looking.close()


def connections(server: Any) -> set[int]:
    query = "SELECT pid FROM pg_stat_activity WHERE application_name = %s"
    return {pid for (pid,) in server.execute_sql(query, (_NAME,)).fetchall()}


def wait_for_connections(server: Any, number: int) -> set[int]:
    """The server takes a moment to see that a connection was closed."""
    deadline = time.monotonic() + 30
    while len(found := connections(server)) != number and time.monotonic() < deadline:
        time.sleep(0.01)
    assert len(found) == number
    return found


def own_process(database: Any) -> int:
    (pid,) = database.execute_sql("SELECT pg_backend_pid()").fetchone()
    return int(pid)


def in_a_thread(action: Any) -> None:
    thread = threading.Thread(target=action)
    thread.start()
    thread.join()


def at_once(database: Any, number: int) -> None:
    """So many threads that all have the database at the same moment, and then rest."""
    barrier = threading.Barrier(number)

    def use() -> None:
        own_process(database)
        barrier.wait(30)
        rest()

    threads = [threading.Thread(target=use) for _ in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_threads_that_take_turns_share_one_connection(database: Any, server: Any) -> None:
    used: list[int] = []
    for _ in range(5):
        in_a_thread(lambda: (used.append(own_process(database)), rest()))
    assert len(set(used)) == 1
    assert connections(server) == set(used)


def test_what_a_flood_opened_is_kept_for_the_next_and_then_closed(
    database: Any, server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_once(database, 6)
    flood = connections(server)
    assert len(flood) == 6
    at_once(database, 6)
    assert connections(server) == flood
    monkeypatch.setattr(lent_connections, "_IDLE_SECONDS", -1.0)
    own_process(database)
    rest()
    assert wait_for_connections(server, 2) <= flood


def test_a_connection_that_the_server_closed_meanwhile_is_not_lent(database: Any, server: Any) -> None:
    first = own_process(database)
    rest()
    server.execute_sql("SELECT pg_terminate_backend(%s, 30000)", (first,))
    assert own_process(database) != first


def test_within_a_transaction_nobody_rests(database: Any, server: Any) -> None:
    with database.atomic():
        first = own_process(database)
        rest()
        assert own_process(database) == first
        in_a_thread(lambda: (own_process(database), database.close()))
    assert own_process(database) == first


def test_after_an_outage_nothing_is_lent_that_was_opened_before(database: Any, server: Any) -> None:
    at_once(database, 3)
    database.close()
    wait_for_connections(server, 0)


def test_a_file_keeps_its_connections(sqlite_url: str) -> None:
    opened = open_database(sqlite_url)
    connection = opened.connection()
    rest()
    assert opened.connection() is connection
    opened.close()
