"""What a real PostgreSQL says to whom it does not let in, in two languages, and what becomes of it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import psycopg2
import pytest

from tests.conftest import _running
from tests.support import REPOSITORY
from wabot.backup.postgresql import find_tables
from wabot.database import refusals
from wabot.database.engine import open_database
from wabot.database.refusals import refusal
from wabot.errors import DatabaseAway, ExitCode, OperatorNeeded
from wabot.inbound.drain import DatabaseOutage
from wabot.trials.peers.postgresql import PostgresqlServer, free_port

pytestmark = pytest.mark.postgresql

PLAIN_LOCALE = Path("/usr/lib/locale/C.utf8")
PASSWORD = "p4ss"
_SETTING_UP = """
CREATE ROLE shop LOGIN PASSWORD 'p4ss'; CREATE ROLE idle PASSWORD 'p4ss';
CREATE ROLE barred LOGIN PASSWORD 'p4ss';
CREATE ROLE crowded LOGIN PASSWORD 'p4ss' CONNECTION LIMIT 0
"""


@pytest.fixture(scope="module", params=["en", "es"])
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[PostgresqlServer]:
    """A server whose messages are English, or Spanish where it has them."""
    options = ["fsync=off", "max_connections=6", "superuser_reserved_connections=0", "max_wal_senders=0"]
    with pytest.MonkeyPatch.context() as patch:
        if request.param == "es":
            # Its catalogue is chosen by the name of the locale alone, which need not be installed.
            locales = Path("/tmp") / f"wabot-locales-{os.getpid()}"
            request.addfinalizer(lambda: shutil.rmtree(locales))
            shutil.copytree(PLAIN_LOCALE, locales / "es_ES.UTF-8")
            locales.chmod(0o755)
            patch.setenv("LOCPATH", str(locales))
            options.append("lc_messages=es_ES.UTF-8")
        with _running(*options) as started:
            for statement in _SETTING_UP.split(";"):
                started.execute(statement)
            started.execute("CREATE DATABASE shut")
            started.execute("REVOKE CONNECT ON DATABASE shut FROM public")
            rules = started._home / "data" / "pg_hba.conf"
            rules.write_text(f"host all barred 127.0.0.1/32 reject\n{rules.read_text()}")
            started.execute("SELECT pg_reload_conf()")
            yield started


@pytest.mark.parametrize(
    ("address", "cause"),
    [
        ("shop:n0ne@{here}/postgres", "wrong password or role"),
        ("ghost:p4ss@{here}/postgres", "wrong password or role"),
        ("shop@{here}/postgres", "wrong password or role"),
        ("idle:p4ss@{here}/postgres", "the role may not come in"),
        ("barred:p4ss@{here}/postgres", "the role may not come in"),
        ("shop:p4ss@{here}/nowhere", "no such database"),
        ("shop:p4ss@{here}/shut", "the role may not use this database"),
        ("shop:p4ss@{here}/postgres?sslmode=nonsense", "a wrong parameter in the address"),
        ("shop:p4ss@{here}/postgres?keepalives_count=x", "a wrong parameter in the address"),
        ("shop:p4ss@{here}/postgres?sslmode=require", "no encryption as sslmode demands it"),
        ("shop:n0ne@127.0.0.1:{closed},{here}/postgres", "wrong password or role"),
    ],
)
def test_what_a_person_has_to_mend_is_78_and_says_how(
    server: PostgresqlServer, address: str, cause: str
) -> None:
    url = "postgresql://" + address.format(here=f"127.0.0.1:{server.port}", closed=free_port())
    if "," in url:
        # peewee takes an address apart by itself, and knows of one host only.
        with pytest.raises(psycopg2.OperationalError) as caught:
            psycopg2.connect(url)
        found = refusal(caught.value)
        assert found is not None
        assert found.cause == cause
        outage = DatabaseOutage()
        outage.began(caught.value)
        assert f" ({cause}; see sudo wabot doctor), 1 message kept on disk" in outage.text(1)
        return
    for look in (open_database, find_tables):
        with pytest.raises(OperatorNeeded) as refused:
            look(url)
        text = str(refused.value)
        assert cause in text
        assert "database.url" in text
        assert "LOCATION" not in text
        assert "\n" not in text
        assert "p4ss" not in text
        assert "n0ne" not in text


def test_the_server_speaks_spanish(server: PostgresqlServer, request: pytest.FixtureRequest) -> None:
    speaks = "es" in request.node.callspec.id and list(Path("/usr/share/locale/es").rglob("postgres-*.mo"))
    with pytest.raises(OperatorNeeded, match="no existe" if speaks else "does not exist"):
        open_database(server.url("nowhere"))


def use_up(server: PostgresqlServer) -> Callable[[], object]:
    taken = []
    with pytest.raises(psycopg2.OperationalError):
        while True:
            taken.append(psycopg2.connect(server.url()))
    return lambda: [each.close() for each in taken]


def begin_to_stop(server: PostgresqlServer) -> Callable[[], object]:
    """It waits for one connection that does not end."""
    connection = psycopg2.connect(server.url())
    assert server._process is not None
    server._process.send_signal(signal.SIGTERM)
    time.sleep(0.3)

    def let_go() -> None:
        connection.close()
        server.stop()
        server.start()

    return let_go


def stop(server: PostgresqlServer) -> Callable[[], object]:
    server.stop()
    return server.start


@pytest.mark.parametrize("break_it", [use_up, begin_to_stop, stop])
def test_what_heals_by_itself_is_69(
    server: PostgresqlServer, break_it: Callable[[PostgresqlServer], Callable[[], object]]
) -> None:
    mend = break_it(server)
    try:
        for look in (open_database, find_tables):
            with pytest.raises(DatabaseAway) as away:
                look(server.url())
            assert away.value.exit_code is ExitCode.DATABASE_AWAY
    finally:
        mend()
    with closing(open_database(server.url())):
        pass


def test_a_role_without_a_free_connection_waits_for_one(server: PostgresqlServer) -> None:
    with pytest.raises(DatabaseAway, match="53300"):
        open_database(f"postgresql://crowded:{PASSWORD}@127.0.0.1:{server.port}/postgres")


def test_a_name_that_nobody_knows_may_be_known_later() -> None:
    with pytest.raises(DatabaseAway):
        open_database("postgresql://shop:p4ss@no.such.invalid/postgres")


def test_a_statement_that_is_refused_is_no_refusal_of_the_connection(server: PostgresqlServer) -> None:
    with closing(open_database(server.url())) as opened:
        for statement in ("SELECT pg_terminate_backend(pg_backend_pid())", "SELECT 1"):
            with pytest.raises(Exception) as caught:
                opened.execute_sql(statement)
            assert refusal(caught.value) is None
        opened.close()


def test_the_bot_and_its_doctor_say_what_to_mend(server: PostgresqlServer, tmp_path: Path) -> None:
    secret = tmp_path / "database-url"
    secret.touch(0o600)
    secret.write_text(f"postgresql://shop:wr0ng@127.0.0.1:{server.port}/postgres")
    configuration = tmp_path / "wabot.toml"
    configuration.write_text(f'[paths]\nstate = "{tmp_path}"\n[database]\nurl = "file:{secret}"\n')
    configuration.chmod(0o600)

    def typed(command: str) -> subprocess.CompletedProcess[str]:
        words = [sys.executable, "-m", "wabot", command, "--config", str(configuration)]
        return subprocess.run(words, cwd=REPOSITORY, capture_output=True, text=True, timeout=60, check=False)

    ran = typed("run")
    assert ran.returncode == ExitCode.OPERATOR_NEEDED
    (line,) = [line for line in ran.stderr.splitlines() if " ERROR " in line]
    assert "wrong password or role; put the right ones into database.url" in line
    told = typed("doctor").stdout
    assert f"cure: edit database.url in {configuration}; where it names a credential: sudo install" in told
    assert "wr0ng" not in ran.stderr + told
    assert typed("status").returncode == 1


def test_a_library_that_shows_no_codes_is_told_once(
    server: PostgresqlServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(refusals.ctypes, "CDLL", lambda file: object())
    refusals._verbosity_of_libpq.cache_clear()
    try:
        for _ in range(2):
            open_database(server.url("postgres")).close()
    finally:
        refusals._verbosity_of_libpq.cache_clear()
    assert caplog.text.count("PQsetErrorVerbosity") == 1
