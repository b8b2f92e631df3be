from __future__ import annotations

import errno
import os
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import peewee
import psycopg2
import pytest

from tests.support import REPOSITORY
from tests.support.arrivals import NOON, arrival
from wabot.clock import utc_now
from wabot.conversation.inbox import Inbox
from wabot.conversation.notices import Notice
from wabot.conversation.outbox import Outbox
from wabot.database.address import public_url, same_database, sqlite_file
from wabot.database.engine import (
    known_migrations,
    make_missing_tables,
    migrate,
    missing_migrations,
    open_database,
)
from wabot.database.errors import fault
from wabot.database.models import OWN_TABLES, Chat, Fact, Inbound, ModelUsage, Outbound, OwnerLine
from wabot.database.tables import can_make, what_is_missing
from wabot.errors import DatabaseAway, ExitCode, OperatorNeeded, WabotError
from wabot.trials.peers.postgresql import PostgresqlServer, free_port

ALL_MIGRATIONS = sorted(
    path.stem for path in (REPOSITORY / "wabot" / "database" / "migrations").glob("[0-9]*.py")
)
MIGRATE = """
import sys
from wabot.database.engine import migrate, open_database
database = open_database(sys.argv[1])
print("ready", flush=True)
sys.stdin.readline()
print(len(migrate(database)))
"""
PASSWORD = "p4ss/w:rd@x"


@pytest.fixture
def usual_umask() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def schema(database: Any) -> dict[str, Any]:
    """What the database itself says of wabot's tables."""
    found = {}
    for table in OWN_TABLES:
        name = table._meta.table_name
        columns = [
            (each.name, each.data_type, each.null, each.primary_key) for each in database.get_columns(name)
        ]
        indexes = {(tuple(each.columns), each.unique) for each in database.get_indexes(name)}
        keys = {(each.column, each.dest_table, each.dest_column) for each in database.get_foreign_keys(name)}
        found[name] = (sorted(columns), indexes, keys)
    return found


# Migrations


def test_the_migrations_make_what_the_models_say(database_url: str) -> None:
    database = open_database(database_url)
    assert missing_migrations(database) == ALL_MIGRATIONS
    assert migrate(database) == ALL_MIGRATIONS
    migrated = schema(database)
    database.drop_tables(OWN_TABLES)
    database.create_tables(OWN_TABLES)
    assert migrated == schema(database)
    assert all(columns for columns, _, _ in migrated.values())
    database.close()


def test_everything_said_in_a_chat_goes_with_it(database: Any) -> None:
    inbox, outbox = Inbox("shop"), Outbox("shop")
    chat_id = inbox.store(arrival(), NOON)
    assert chat_id is not None
    outbox.put(chat_id, [("answer", NOON)], "model:x", inbox.pending(chat_id), NOON)
    Chat.delete().where(Chat.id == chat_id).execute()
    assert (Inbound.select().count(), Outbound.select().count()) == (0, 0)


def test_what_the_owner_was_told_before_is_kept_where_it_is_surely_about_one_chat(database_url: str) -> None:
    database = open_database(database_url)
    migrate(database)
    database.drop_tables([OwnerLine])
    database.execute_sql("DELETE FROM wabot_migrations WHERE name = '0003_owner_lines'")
    inbox, outbox = Inbox("shop"), Outbox("shop")
    for number, name in enumerate(("Ana", "Ana", "Eva: 2\n of", "", "Me")):
        phone = f"3460011122{number}"
        inbox.store(arrival(chat=f"{phone}@s.whatsapp.net", phone=phone, name=name), NOON)
    Inbox("salon").store(arrival(name="Zoe"), NOON)
    own = Chat.get(Chat.name == "Me").id
    told = (
        "🤖 Ana: a",
        "🤖 Eva: 2 of: waits\n🤖 Ana: b\n🤖 +34600111223: c",
        "🤖 Zoe: d",
        "🤖 I answer in every chat.",
    )
    for text in told:
        outbox.notify(own, text, Notice.UNANSWERED, NOON)
    outbox.notify(own, "🤖 Ana: not to the owner", Notice.APOLOGY, NOON)
    assert migrate(database) == ["0003_owner_lines"]
    assert [(line.notice_id, line.about and line.about.phone, line.text) for line in OwnerLine] == [
        (2, "34600111222", "🤖 Eva: 2 of: waits"),
        (2, "34600111223", "🤖 +34600111223: c"),
        (4, None, "🤖 I answer in every chat."),
    ]
    assert [(row.id, row.text) for row in Outbound.select().order_by(Outbound.id)] == [
        (2, ""),
        (4, ""),
        (5, "🤖 Ana: not to the owner"),
    ]
    database.close()


def test_a_second_start_has_nothing_to_migrate(database_url: str) -> None:
    database = open_database(database_url)
    assert migrate(database)
    Fact.create(key="kept", value="yes")
    assert (migrate(database), missing_migrations(database)) == ([], [])
    assert Fact.get(Fact.key == "kept").value == "yes"
    database.close()


def drop(database: Any, *models: Any) -> None:
    """As another program does; in PostgreSQL with what refers to it."""
    cascade = "" if isinstance(database, peewee.SqliteDatabase) else " CASCADE"
    for model in models:
        database.execute_sql(f"DROP TABLE {model._meta.table_name}{cascade}")


@pytest.mark.parametrize("gone", [[model] for model in OWN_TABLES] + [list(reversed(OWN_TABLES))])
@pytest.mark.parametrize("has_history", [True, False])
def test_own_tables_that_somebody_dropped_are_made_again(
    database_url: str, gone: list[Any], has_history: bool, caplog: pytest.LogCaptureFixture
) -> None:
    database = open_database(database_url)
    migrate(database)
    whole = schema(database)
    drop(database, *gone)
    if not has_history:
        database.execute_sql("DROP TABLE wabot_migrations")
    assert what_is_missing(database) == [model._meta.table_name for model in OWN_TABLES if model in gone]
    migrate(database)
    make_missing_tables(database)
    assert schema(database) == whole
    assert (what_is_missing(database), missing_migrations(database)) == ([], [])
    assert "gone" in caplog.text or (gone[0] is OWN_TABLES[-1] and not has_history) or len(gone) > 1
    assert make_missing_tables(database) == []
    database.close()


def test_what_the_other_tables_hold_stays_and_refers_to_nothing_that_is_gone(database_url: str) -> None:
    database = open_database(database_url)
    migrate(database)
    inbox, outbox = Inbox("shop"), Outbox("shop")
    chat_id = inbox.store(arrival("answered"), NOON)
    assert chat_id is not None
    outbox.put(chat_id, [("answer", NOON)], "model:x", inbox.pending(chat_id), NOON)
    drop(database, OwnerLine, Outbound)
    assert make_missing_tables(database) == ["wabot_outbox", "wabot_owner_lines"]
    assert [(row.text, row.state, row.reply) for row in Inbound] == [("answered", "answered", None)]
    assert outbox.notify(chat_id, "later", Notice.APOLOGY, NOON) > 200_000_000, "the number of no earlier row"
    database.close()


def test_what_cannot_be_used_without_a_table_is_not_thrown_away_unasked(database_url: str) -> None:
    database = open_database(database_url)
    migrate(database)
    Inbox("shop").store(arrival(), NOON)
    if isinstance(database, peewee.SqliteDatabase):
        database.execute_sql("PRAGMA foreign_keys = OFF")
    drop(database, Chat)
    with pytest.raises(
        OperatorNeeded, match="wabot_chats are gone, and what wabot_inbox still hold cannot be used"
    ):
        make_missing_tables(database)
    assert Inbound.select().count() == 1
    drop(database, Inbound)
    assert make_missing_tables(database) == [
        "wabot_chats",
        "wabot_inbox",
        "wabot_outbox",
        "wabot_owner_lines",
    ]
    database.execute_sql("ALTER TABLE wabot_outbox RENAME COLUMN error TO mistake")
    with pytest.raises(OperatorNeeded, match=r"the columns wabot_outbox\.error are gone: restore a backup"):
        make_missing_tables(database)
    database.close()


@pytest.mark.postgresql
def test_a_role_that_may_not_make_the_tables_again_is_told_what_it_lacks(
    postgresql_server: PostgresqlServer, postgresql_url: str
) -> None:
    database = open_database(postgresql_url)
    migrate(database)
    name = postgresql_url.rpartition("/")[2]
    role = f"only_{name}"
    postgresql_server.execute(f"CREATE ROLE {role} LOGIN PASSWORD 'p'")
    database.execute_sql(f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {role}")
    database.execute_sql("REVOKE CREATE ON SCHEMA public FROM PUBLIC")
    drop(database, ModelUsage)
    database.close()
    other = open_database(f"postgresql://{role}:p@127.0.0.1:{postgresql_server.port}/{name}")
    assert not can_make(other)
    with pytest.raises(OperatorNeeded, match="GRANT CREATE, USAGE ON SCHEMA public"):
        make_missing_tables(other)
    other.close()


def test_several_processes_may_migrate_at_once(database_url: str) -> None:
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", MIGRATE, database_url],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(3)
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    # Each waits for its line, so that they begin together.
    answers = [None] * len(processes)
    threads = [
        threading.Thread(target=lambda i=i: answers.__setitem__(i, processes[i].communicate("go\n", 60)))
        for i in range(len(processes))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [process.returncode for process in processes] == [0, 0, 0], answers
    assert sorted(answer[0] for answer in answers if answer) == ["0\n", "0\n", f"{len(ALL_MIGRATIONS)}\n"]


def test_a_database_of_a_newer_version_is_left_alone(database_url: str) -> None:
    database = open_database(database_url)
    migrate(database)
    database.execute_sql(
        "INSERT INTO wabot_migrations (name, applied) VALUES ('9999_the_future', CURRENT_TIMESTAMP)"
    )
    with pytest.raises(OperatorNeeded, match=r"written by a newer wabot \(it knows 9999_the_future\)"):
        migrate(database)
    database.close()


def test_a_migration_that_fails_leaves_nothing_behind(database_url: str) -> None:
    database = open_database(database_url)
    database.execute_sql("CREATE TABLE wabot_outbox (id INTEGER)")
    with pytest.raises(OperatorNeeded, match=r"the columns wabot_outbox\.user_id, .*drop all tables"):
        migrate(database)
    assert not Fact.table_exists()
    database.execute_sql("DROP TABLE wabot_outbox")
    assert migrate(database) == ALL_MIGRATIONS
    database.close()


# SQLite


@pytest.mark.parametrize(
    ("url", "file"),
    [
        ("sqlite:////var/lib/wabot/wabot.db", "/var/lib/wabot/wabot.db"),
        ("sqlite:///wabot.db", "wabot.db"),
        ("sqlite:///data/wabot.db", "data/wabot.db"),
        ("sqlite:/var/lib/wabot.db", "/var/lib/wabot.db"),
        ("sqlite:wabot.db", "wabot.db"),
        ("sqlite:///", "wabot.db"),
    ],
)
def test_the_forms_of_an_sqlite_address(url: str, file: str) -> None:
    assert sqlite_file(url) == Path(file)


@pytest.mark.parametrize("url", ["postgresql://h/db", "postgres://h/db", "", "/var/lib/wabot.db"])
def test_what_is_no_sqlite_address(url: str) -> None:
    assert sqlite_file(url) is None


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


def test_an_attempt_with_encryption_and_one_without_are_told_once() -> None:
    attempt = 'connection to server at "localhost" (127.0.0.1), port 5432 failed: FATAL:  28P01: no, "ana"\n'
    told = str(fault(psycopg2.OperationalError(attempt * 2), "postgresql://ana:secret@localhost/shop"))
    assert told.count("28P01") == 1
    assert "wrong password or role" in told


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


def test_a_program_that_cannot_be_read_does_not_pass_for_one_without_migrations(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The user that a command goes on as need not be able to read a checkout in a home directory."""
    monkeypatch.setattr("wabot.database.engine._MIGRATIONS", tmp_path)
    with pytest.raises(OperatorNeeded, match="cannot be read"):
        known_migrations()


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


@pytest.mark.parametrize(
    ("url", "public"),
    [
        ("sqlite:////var/lib/wabot.db", "sqlite:////var/lib/wabot.db"),
        ("postgresql://h/db", "postgresql://h/db"),
        ("postgresql://ana@h:5432/db?sslmode=require", "postgresql://ana@h:5432/db?sslmode=require"),
        ("postgresql://ana:s3cret@h/db", "postgresql://ana:***@h/db"),
        ("postgresql://ana:s3/cr:et@h/db", "postgresql://ana:***@h/db"),
        ("postgresql://ana:s3cret@x@h/db", "postgresql://ana:***@h/db"),
        ("postgresql://:s3cret@h/db", "postgresql://:***@h/db"),
        ("postgresql://ana:@h/db", "postgresql://ana:***@h/db"),
        ("postgresql://h/db?user=ana&password=s3cret&a=b", "postgresql://h/db?user=ana&password=***&a=b"),
        ("postgresql://ana:s3cret@[::1/db", "postgresql://ana:***@[::1/db"),
        ("postgresql://h/db?sslpassword=s3cret", "postgresql://h/db?sslpassword=***"),
        ("s3cret", "***"),
    ],
)
def test_an_address_is_shown_without_its_password(url: str, public: str) -> None:
    assert public_url(url) == public


@pytest.mark.parametrize(
    ("other", "is_same"),
    [
        ("sqlite:////srv/wabot.db", True),
        ("sqlite:////srv/shop/../wabot.db", True),
        ("sqlite:////srv/other.db", False),
        ("postgresql://wabot@db/srv", False),
    ],
)
def test_two_addresses_of_one_database(other: str, is_same: bool) -> None:
    assert same_database("sqlite:////srv/wabot.db", other) is is_same
    assert same_database(other, "sqlite:////srv/wabot.db") is is_same


def test_a_migration_may_take_longer_than_a_question(database_url: str) -> None:
    """As it does where there are years of messages, and for whoever waits for its end."""
    other, database = open_database(database_url), open_database(database_url)
    is_sqlite = isinstance(database, peewee.SqliteDatabase)
    other.execute_sql("CREATE TABLE users (id TEXT PRIMARY KEY)")
    done: list[object] = []

    def run() -> None:
        # A question may take next to no time.
        database.execute_sql("PRAGMA busy_timeout = 1" if is_sqlite else "SET statement_timeout = 100")
        try:
            done.append(migrate(database))
        except peewee.PeeweeException as error:
            done.append(error)
        database.close()

    lock = "SELECT 1" if is_sqlite else "SELECT pg_advisory_xact_lock(7703301)"
    with other.atomic():
        other.execute_sql(lock)
        thread = threading.Thread(target=run)
        thread.start()
        thread.join(1.0)
        assert done == []
    thread.join(30)
    assert done == [ALL_MIGRATIONS]
    other.close()
