from __future__ import annotations

import threading
import time
from contextlib import closing

import psycopg2
import pytest

from wabot.trials.peers.postgresql import PostgresqlServer

pytestmark = pytest.mark.postgresql


def ask(server: PostgresqlServer) -> int:
    with closing(psycopg2.connect(server.url())) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM kept")
        return int(cursor.fetchone()[0])  # type: ignore[index]


@pytest.mark.parametrize("crash", [False, True])
def test_what_was_written_survives_a_restart_from_any_thread(
    postgresql_server: PostgresqlServer, crash: bool
) -> None:
    """`postgresql_server` is asked for because it skips where there is none."""
    with PostgresqlServer(["fsync=off"]) as server:
        server.execute("CREATE TABLE kept (it int)")
        server.execute("INSERT INTO kept VALUES (1)")

        def restart() -> None:
            server.stop(crash=crash)
            with pytest.raises(psycopg2.OperationalError):
                ask(server)
            server.start()

        thread = threading.Thread(target=restart)
        thread.start()
        thread.join()
        time.sleep(0.5)  # the server must outlive the thread that restarted it
        assert ask(server) == 1
