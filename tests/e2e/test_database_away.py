"""The database goes away under traffic: the link stays, nothing is lost, nothing is said twice."""

from __future__ import annotations

import contextlib
import itertools
import os
import secrets
import sqlite3
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from tests.conftest import _cannot_run
from tests.e2e.bot_process import BotProcess
from tests.e2e.conftest import MakeBot, MakeCustomer
from tests.e2e.test_promises import assert_read_once_in_order, wait_until_answered
from tests.support.existing_schema import add_user, create_application
from tests.support.provider_server import ProviderServer
from wabot.database.engine import open_database
from wabot.emulator.people.customer import Customer
from wabot.emulator.server.emulator import Emulator
from wabot.errors import ExitCode
from wabot.inbound.spool import read_spool
from wabot.trials.peers.postgresql import PostgresqlServer

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

OUTAGE_SECONDS = float(os.environ.get("WABOT_TEST_OUTAGE_SECONDS", "8"))
MESSAGES_PER_SECOND = 20


class Application:
    """An application's database on a server to which anything may happen, and its role there."""

    def __init__(self, server: PostgresqlServer) -> None:
        self.server = server
        self.name = f"app_{secrets.token_hex(6)}"
        server.execute(f"CREATE ROLE {self.name} LOGIN PASSWORD 'secret'")
        server.execute(f"CREATE DATABASE {self.name} OWNER {self.name}")
        opened = open_database(server.url(self.name))
        create_application(opened)
        add_user(opened, "shop")
        opened.execute_sql(f'GRANT SELECT ("id") ON users TO {self.name}')
        opened.execute_sql(f"GRANT SELECT, INSERT, UPDATE, DELETE ON whatsapp_connections TO {self.name}")
        opened.execute_sql(f"GRANT CREATE, USAGE ON SCHEMA public TO {self.name}")
        opened.close()

    @property
    def url(self) -> str:
        """What the bot is configured with."""
        return f"postgresql://{self.name}:secret@127.0.0.1:{self.server.port}/{self.name}"

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """Ask it."""
        with closing(psycopg2.connect(self.server.url(self.name))) as connection:
            cursor = connection.cursor()
            cursor.execute(sql)
            return cursor.fetchall()

    def disconnect_all(self) -> None:
        """End every connection of the role."""
        self.server.execute(
            f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{self.name}'"
        )


@pytest.fixture
def application(mortal_postgresql: PostgresqlServer) -> Application:
    return Application(mortal_postgresql)


@pytest.fixture
def bot(
    linked_emulator: Emulator, start_linked: MakeBot, model: ProviderServer, request: pytest.FixtureRequest
) -> Iterator[BotProcess]:
    """A bot on the application's database, or with `sqlite` as its parameter on its own; connected.

    An `unhurried` one takes five seconds for every reply.
    """
    kind = getattr(request, "param", "")
    url = "" if kind == "sqlite" else request.getfixturevalue("application").url

    def configure(bot: BotProcess) -> None:
        text = bot.config.read_text()
        if kind == "unhurried":
            text = text.replace("typing = false", "typing = true\ndelay_message = 5")
        text += f'\n[database]\nurl = "{url}"\n' if url else ""
        provider = f'name = "test"\nbase_url = "{model.base_url}"\nmodel = "echo"\ntimeout = 20\n'
        bot.config.write_text(
            f"{text}\n[[ai.providers]]\n{provider}".replace("[replies]", "[replies]\nper_chat_per_hour = 0")
        )

    started = start_linked(prepare=configure)
    started.wait_until(lambda: started.systemd.shows("connected"))
    yield started


def spooled(bot: BotProcess) -> int:
    return len(read_spool(bot.state / "sessions" / "shop" / "spool"))


def says_so(bot: BotProcess, kept: int = 1) -> Callable[[], bool]:
    """Whether systemd is told that the link is up, the database away, and messages are kept."""

    def told() -> bool:
        line = bot.systemd.statuses[-1]
        return line.startswith("connected") and "; database away since " in line and spooled(bot) >= kept

    return told


class Traffic:
    """Customers who write at a steady pace."""

    def __init__(self, new_customer: MakeCustomer) -> None:
        self.sent: dict[Customer, list[str]] = {new_customer(): [] for _ in range(MESSAGES_PER_SECOND)}

    def flow(self, seconds: float) -> None:
        """Let them write for so long."""
        began = time.monotonic()
        for number, customer in enumerate(itertools.cycle(self.sent)):
            due = began + number / MESSAGES_PER_SECOND
            if due - began >= seconds:
                return
            time.sleep(max(0.0, due - time.monotonic()))
            text = f"message {len(self.sent[customer])} of {customer.name}"
            self.sent[customer].append(text)
            customer.send(text)

    @property
    def count(self) -> int:
        """How many messages were sent."""
        return sum(len(texts) for texts in self.sent.values())

    def assert_each_answered_once(self, timeout_seconds: float = 60) -> None:
        """None lost, none doubled, none out of order."""
        wait_until_answered(self.sent, timeout_seconds)
        time.sleep(1)
        for customer, texts in self.sent.items():
            assert_read_once_in_order(customer, texts)
        # A message a second announces nothing (`bursts`): what was held back may leave at the very moment the
        # next one comes, and is read when the phone has asked for it again.
        assert sum(len(customer.unreadable) for customer in self.sent) <= 2


def assert_stored_once(application: Application, traffic: Traffic) -> None:
    found = application.rows(
        "SELECT count(*), count(DISTINCT (jid, message_id)) FROM wabot_inbox WHERE kind = 'text'"
    )
    assert found == [(traffic.count, traffic.count)]
    assert application.rows("SELECT count(*) FROM wabot_inbox WHERE kind = 'lost'") == [(0,)]


@contextmanager
def away(server: PostgresqlServer) -> Iterator[None]:
    """The server crashes, and is started again afterwards."""
    server.stop(crash=True)
    try:
        yield
    finally:
        server.start()


@pytest.mark.postgresql
def test_postgresql_killed_under_traffic(
    linked_emulator: Emulator,
    new_customer: MakeCustomer,
    bot: BotProcess,
    application: Application,
    mortal_postgresql: PostgresqlServer,
) -> None:
    logins = linked_emulator.bot.logins
    traffic = Traffic(new_customer)
    traffic.flow(2)
    with away(mortal_postgresql):
        traffic.flow(OUTAGE_SECONDS)
        assert says_so(bot, int(MESSAGES_PER_SECOND * (OUTAGE_SECONDS - 3)))(), bot.systemd.statuses[-3:]
    traffic.flow(3)
    traffic.assert_each_answered_once()
    assert_stored_once(application, traffic)
    assert spooled(bot) == 0
    assert linked_emulator.bot.logins == logins
    bot.wait_until(lambda: "kept on disk" not in bot.systemd.statuses[-1])
    assert bot.log().count(" ERROR ") == 1, bot.log()
    assert "Traceback" not in bot.log()
    print(f"{traffic.count} messages, outage of {OUTAGE_SECONDS:.0f} s: all stored and answered once")


def make_read_only(application: Application, on: bool) -> None:
    """As on a standby, or where somebody protects a database from being written."""
    change = "SET default_transaction_read_only = on" if on else "RESET default_transaction_read_only"
    application.server.execute(f"ALTER SYSTEM {change}")
    application.server.execute("SELECT pg_reload_conf()")


def use_up_connections(application: Application, on: bool) -> None:
    """No more connections for this role."""
    application.server.execute(f"ALTER ROLE {application.name} CONNECTION LIMIT {0 if on else -1}")
    if on:
        application.disconnect_all()


def freeze(application: Application, on: bool) -> None:
    """Connections stay open, and nobody answers."""
    if on:
        application.server.freeze()
    else:
        application.server.thaw()


def change_password(application: Application, on: bool) -> None:
    """Who has a connection keeps it, and these end."""
    password = "another" if on else "secret"
    application.server.execute(f"ALTER ROLE {application.name} PASSWORD '{password}'")
    if on:
        application.disconnect_all()


@pytest.mark.postgresql
@pytest.mark.parametrize("break_it", [make_read_only, use_up_connections, freeze, change_password])
def test_postgresql_that_does_not_take_anything(
    new_customer: MakeCustomer,
    bot: BotProcess,
    application: Application,
    break_it: Callable[[Application, bool], None],
) -> None:
    traffic = Traffic(new_customer)
    traffic.flow(1)
    break_it(application, True)
    try:
        traffic.flow(7)
        bot.wait_until(says_so(bot, 20))
        line = bot.systemd.statuses[-1]
        refused = f"(wrong password or role; see wabot doctor --config {bot.config}), "
        assert (refused in line) == (break_it is change_password)
    finally:
        break_it(application, False)
    traffic.flow(1)
    traffic.assert_each_answered_once()
    assert_stored_once(application, traffic)
    assert "Traceback" not in bot.log()


class SmallDisk:
    """A file system of its own, with one tablespace for the server on it."""

    def __init__(self, server: PostgresqlServer) -> None:
        self.name = f"small_{secrets.token_hex(6)}"
        self._server = server
        self._place = Path(tempfile.mkdtemp(prefix="wabot-disk-"))
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=40m", "wabot", self._place], check=True)
        owner = server._home.stat()
        os.chown(self._place, owner.st_uid, owner.st_gid)
        server.execute(f"CREATE TABLESPACE {self.name} LOCATION '{self._place}'")

    def fill(self) -> None:
        """Leave not a single block, for anybody."""
        with (self._place / "ballast").open("wb", buffering=0) as file, contextlib.suppress(OSError):
            while file.write(b"x" * 4096):
                pass

    def clear(self) -> None:
        """Make room."""
        (self._place / "ballast").unlink()

    def remove(self) -> None:
        """Unmount it; what was on it has to be gone."""
        self._server.execute(f"DROP TABLESPACE {self.name}")
        subprocess.run(["umount", self._place], check=True)
        self._place.rmdir()


@pytest.fixture
def small_disk(application: Application, mortal_postgresql: PostgresqlServer) -> Iterator[SmallDisk]:
    """The application's database lies on a disk that a test may fill."""
    if os.geteuid() != 0:
        _cannot_run("only root can mount a small disk")
    disk = SmallDisk(mortal_postgresql)
    mortal_postgresql.execute(f"ALTER DATABASE {application.name} SET TABLESPACE {disk.name}")
    yield disk
    application.disconnect_all()
    mortal_postgresql.execute(f"DROP DATABASE {application.name} WITH (FORCE)")
    disk.remove()


@pytest.mark.postgresql
def test_postgresql_whose_disk_is_full(
    small_disk: SmallDisk,
    new_customer: MakeCustomer,
    bot: BotProcess,
    application: Application,
    model: ProviderServer,
) -> None:
    """It takes what fits into the room it has, and nothing beyond: a bit of everything, for a while."""
    traffic = Traffic(new_customer)
    traffic.flow(2)
    small_disk.fill()
    try:
        traffic.flow(12)
        bot.wait_until(says_so(bot))
        # Longer than all attempts to answer one message take.
        time.sleep(10)
        assert "No space left on device" in bot.log()
    finally:
        small_disk.clear()
    traffic.flow(2)
    traffic.assert_each_answered_once()
    assert_stored_once(application, traffic)
    assert application.rows("SELECT count(*) FROM wabot_inbox WHERE state = 'failed'") == [(0,)]
    assert len(model.requests) <= traffic.count, "no answer is asked and paid for twice"
    assert "Traceback" not in bot.log()


@pytest.mark.parametrize("bot", ["sqlite"], indirect=True)
def test_sqlite_locked_by_somebody_else(new_customer: MakeCustomer, bot: BotProcess) -> None:
    traffic = Traffic(new_customer)
    with closing(sqlite3.connect(bot.state / "wabot.db", isolation_level=None)) as database:
        database.execute("BEGIN IMMEDIATE")
        traffic.flow(7)
        bot.wait_until(says_so(bot, 20))
    traffic.assert_each_answered_once()
    assert bot.rows("SELECT count(*) FROM wabot_inbox") == [(traffic.count,)]
    assert "Traceback" not in bot.log()


@pytest.mark.postgresql
def test_killed_during_the_outage_and_while_catching_up(
    new_customer: MakeCustomer, bot: BotProcess, application: Application, mortal_postgresql: PostgresqlServer
) -> None:
    traffic = Traffic(new_customer)
    with away(mortal_postgresql):
        traffic.flow(15)
        bot.wait_until(lambda: spooled(bot) == traffic.count)
        bot.kill()
        # As systemd would: a start with the database away is tried again.
        assert bot.start().wait(60) == 69
    assert spooled(bot) == traffic.count
    bot.start()
    deadline = time.monotonic() + 20
    while not application.rows("SELECT count(*) FROM wabot_inbox")[0][0] > 0:
        assert time.monotonic() < deadline, bot.log()
    bot.kill()
    assert spooled(bot) > 0
    bot.start()
    bot.wait_until(lambda: bot.systemd.shows("connected"))
    traffic.flow(1)
    traffic.assert_each_answered_once()
    assert_stored_once(application, traffic)


@pytest.mark.postgresql
def test_asked_to_stop_during_the_outage(
    new_customer: MakeCustomer, bot: BotProcess, application: Application, mortal_postgresql: PostgresqlServer
) -> None:
    traffic = Traffic(new_customer)
    with away(mortal_postgresql):
        traffic.flow(2)
        began = time.monotonic()
        assert bot.stop() == 0
        assert time.monotonic() - began < 20
    assert "Traceback" not in bot.log()
    bot.start()
    bot.wait_until(lambda: bot.systemd.shows("connected"))
    traffic.assert_each_answered_once()
    assert_stored_once(application, traffic)


@pytest.mark.postgresql
@pytest.mark.parametrize("bot", ["unhurried"], indirect=True)
def test_no_reply_overtakes_the_word_that_takes_it_back(
    new_customer: MakeCustomer, bot: BotProcess, application: Application, mortal_postgresql: PostgresqlServer
) -> None:
    """A reply is ready to leave when the database comes back, and the customer's BAJA is on the disk."""
    traffic = Traffic(new_customer)
    ana = new_customer()
    ana.send("how much is it?")
    deadline = time.monotonic() + 3
    while application.rows("SELECT state FROM wabot_outbox") != [("pending",)]:
        assert time.monotonic() < deadline, bot.log()
    with away(mortal_postgresql):
        traffic.flow(5)
        ana.send("BAJA")
        bot.wait_until(lambda: spooled(bot) == traffic.count + 1)
        time.sleep(3)
    (reply,) = ana.wait_for_replies(1, timeout_seconds=20)
    assert "ALTA" in reply.text.upper()
    bot.wait_until(lambda: ("withdrawn",) in application.rows("SELECT state FROM wabot_outbox"))
    assert len(ana.replies) == 1


@pytest.mark.postgresql
def test_a_second_machine_on_the_same_database_is_refused(
    linked_emulator: Emulator, new_customer: MakeCustomer, bot: BotProcess, start_linked: MakeBot
) -> None:
    """Its state directory is another one, so the file lock cannot see the first."""
    assert bot.process is not None
    dials = linked_emulator.bot.dials
    second = start_linked(prepare=lambda made: made.config.write_text(same_database(bot, made)))
    assert second.wait_for_exit(20) == 78
    (line,) = [line for line in second.log().splitlines() if " ERROR " in line]
    assert f"session shop is in use by PID {bot.process.pid} on " in line
    assert linked_emulator.bot.dials == dials
    ana = new_customer()
    ana.send("hello")
    ana.wait_for_replies(1)


def same_database(bot: BotProcess, other: BotProcess) -> str:
    """The configuration of a bot, for another state directory."""
    return bot.config.read_text().replace(str(bot.state), str(other.state))


@pytest.mark.postgresql
def test_a_machine_that_took_over_during_an_outage_keeps_the_session(
    bot: BotProcess, application: Application
) -> None:
    ((backend, key),) = application.rows(
        "SELECT pid, classid::bigint << 32 | objid::bigint FROM pg_locks "
        "WHERE locktype = 'advisory' AND granted AND database = "
        "(SELECT oid FROM pg_database WHERE datname = current_database())"
    )
    with closing(psycopg2.connect(application.url, application_name="wabot x #PID 9 on vps2")) as other:
        application.server.execute(f"SELECT pg_terminate_backend({backend})")
        # Waits for its turn, which comes when that connection has ended.
        other.cursor().execute("SELECT pg_advisory_lock(%s)", (key,))
        assert bot.wait_for_exit(40) == 78
    (line,) = [line for line in bot.log().splitlines() if " ERROR " in line]
    assert "PID 9 on vps2, connected since " in line


def test_a_bot_at_rest_has_three_connections_at_most(
    application: Application, bot: BotProcess, new_customer: MakeCustomer
) -> None:
    """A server has a hundred by default, and a machine may have many numbers."""
    traffic = Traffic(new_customer)
    traffic.flow(2)
    traffic.assert_each_answered_once()
    count = f"SELECT count(*) FROM pg_stat_activity WHERE usename = '{application.name}'"
    assert application.rows(count)[0][0] > 1
    bot.wait_until(lambda: application.rows(count)[0][0] <= 3, 90)


@pytest.mark.parametrize("tables", ["wabot_outbox", "all"])
def test_own_tables_dropped_under_the_running_bot_are_made_again(
    start_linked: MakeBot, ana: Customer, tables: str
) -> None:
    bot = start_linked()
    ana.send("before")
    ana.wait_for_replies(1)
    own = bot.rows("SELECT name FROM sqlite_master WHERE type = 'table' AND name LIKE 'wabot~_%' ESCAPE '~'")
    for (name,) in own if tables == "all" else [(tables,)]:
        bot.execute(f"DROP TABLE {name}")
    ana.send("after")
    assert bot.wait_for_exit() == ExitCode.LINK_LOST
    assert "are gone: starting again, which makes them anew" in bot.log()
    bot.restart()
    ana.wait_for_replies(2)
