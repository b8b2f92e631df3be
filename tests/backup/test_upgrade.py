from __future__ import annotations

import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.support import REPOSITORY
from tests.support.arrivals import NOON, arrival
from tests.support.existing_schema import add_row, add_user, create_application, rows
from wabot.backup.upgrade import check, restore, save
from wabot.conversation.inbox import Inbox
from wabot.database.engine import (
    known_migrations,
    migrate,
    missing_migrations,
    newer_migrations,
    open_database,
)
from wabot.database.models import Inbound, Session
from wabot.errors import DatabaseAway, OperatorNeeded
from wabot.inbound.lost_messages import StoreCursor, load_mark, save_mark
from wabot.session.host_lock import HostLock
from wabot.trials.peers.postgresql import free_port

MARK = StoreCursor("34600@s.whatsapp.net", 7, NOON, in_order=True)


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """A database whose last change stands in its journal only."""
    file = tmp_path / "state" / "wabot.db"
    file.parent.mkdir()
    write(file, "before")
    return file


@pytest.fixture
def writer(database: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("INSERT INTO words VALUES ('in the journal')")
        connection.commit()
        yield connection


def write(file: Path, word: str) -> None:
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS words (word TEXT)")
        connection.execute("INSERT INTO words VALUES (?)", (word,))
        connection.commit()


def addresses(*files: Path) -> list[str]:
    return [f"sqlite:///{file}" for file in files]


def words(file: Path) -> list[str]:
    with closing(sqlite3.connect(file)) as connection:
        return [word for (word,) in connection.execute("SELECT word FROM words")]


def test_there_and_back(database: Path, tmp_path: Path) -> None:
    directory = tmp_path / "state" / "backups" / "one"
    assert save(directory, addresses(database, database, tmp_path / "never.db")) == [str(database)]
    write(database, "after")
    assert restore(directory, []) == [str(database)]
    assert words(database) == ["before"]
    assert words(database.with_name("wabot.db.replaced-one")) == ["before", "after"]
    modes = {stat.S_IMODE(path.stat().st_mode) for path in (directory / "0.db", database)}
    assert modes == {0o600}
    assert stat.S_IMODE(directory.stat().st_mode) == stat.S_IMODE(directory.parent.stat().st_mode) == 0o700


def test_what_stands_in_the_journal_is_copied(
    database: Path, writer: sqlite3.Connection, tmp_path: Path
) -> None:
    save(tmp_path / "copies", addresses(database))
    assert words(tmp_path / "copies" / "0.db") == ["before", "in the journal"]


def test_a_journal_of_the_new_version_does_not_reach_the_old_database(
    database: Path, tmp_path: Path, writer: sqlite3.Connection
) -> None:
    save(tmp_path / "copies", addresses(database))
    # Killed, so that the journal stays behind.
    writer.execute("INSERT INTO words VALUES ('too late')")
    writer.commit()
    assert database.with_name("wabot.db-wal").exists()
    restore(tmp_path / "copies", [])
    assert words(database) == ["before", "in the journal"]
    kept = database.with_name("wabot.db.replaced-copies")
    assert words(kept) == ["before", "in the journal", "too late"]
    # The next upgrade fails as well.
    save(tmp_path / "more", addresses(database))
    restore(tmp_path / "more", [])
    assert words(kept) == ["before", "in the journal", "too late"]


def test_several_databases_go_back_each_to_its_place(tmp_path: Path) -> None:
    files = [tmp_path / name for name in ("one.db", "two.db")]
    for file in files:
        write(file, file.name)
    save(tmp_path / "copies", addresses(files[0], tmp_path / "never.db", files[1]))
    for file in files:
        file.unlink()
    restore(tmp_path / "copies", [])
    assert [words(file) for file in files] == [["one.db"], ["two.db"]]


def test_a_damaged_database_is_named(tmp_path: Path) -> None:
    file = tmp_path / "wabot.db"
    file.write_bytes(b"no database at all" * 100)
    with pytest.raises(OperatorNeeded, match="cannot be copied"):
        save(tmp_path / "copies", addresses(file))


@pytest.mark.parametrize(
    "content",
    [None, "", "[]", '{"0.db": 7}', '{"0.db": "/nowhere/at/all.db"}', '{"0.pgdump": {"database": "x"}}'],
)
def test_what_is_no_copy_is_not_put_back(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "databases.json").write_text(content)
    with pytest.raises(OperatorNeeded, match="cannot be put back"):
        restore(tmp_path, [])


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "wabot.backup.upgrade", *arguments],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def test_command(database: Path, tmp_path: Path) -> None:
    configurations = []
    for name in ("one", "again"):
        file = tmp_path / f"{name}.toml"
        file.write_text(f'[paths]\nstate = "{database.parent}"\n')
        configurations.append(str(file))
    assert run("check", *configurations).returncode == 0
    directory = str(tmp_path / "copies")
    saved = run("save", directory, *configurations)
    assert (saved.returncode, saved.stdout) == (0, f"copied to {directory}: {database}\n"), saved.stderr
    assert run("restore", directory, *configurations).stdout == f"put back: {database}\n"
    assert run("save", directory, *configurations).returncode == 78, "it exists"
    assert run("restore").returncode == 64


# The marks of what came


def test_what_the_new_version_took_in_is_looked_for(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'wabot.db'}"
    opened = open_database(url)
    migrate(opened)
    save_mark("shop", MARK)
    opened.close()
    save(tmp_path / "copies", [url])
    restore(tmp_path / "copies", [url])
    opened = open_database(url)
    assert load_mark("shop") == replace(MARK, in_order=False)
    opened.close()


# PostgreSQL


FUTURE = """
CREATE TABLE wabot_future (id SERIAL PRIMARY KEY);
ALTER TABLE wabot_facts RENAME COLUMN value TO meaning;
ALTER TABLE wabot_chats DROP COLUMN jid CASCADE;
INSERT INTO wabot_migrations (name, applied) VALUES ('9999_the_future', CURRENT_TIMESTAMP);
UPDATE whatsapp_connections SET status = 'CONNECTED'
"""


@pytest.fixture
def application(postgresql_url: str, tmp_path: Path) -> Iterator[Any]:
    """An application's database, with wabot's tables in it and a chat in those."""
    opened = open_database(postgresql_url)
    create_application(opened)
    add_user(opened, "shop")
    add_row(opened, "shop", NOON, status="DISCONNECTED")
    migrate(opened)
    Inbox("shop").store(arrival("before"), NOON)
    save_mark("shop", MARK)
    yield opened
    opened.close()


@pytest.fixture
def future(monkeypatch: pytest.MonkeyPatch) -> None:
    """The version that makes the copies knows one more migration."""
    known = known_migrations() | {"9999_the_future"}
    for module in ("upgrade", "postgresql"):
        monkeypatch.setattr(f"wabot.backup.{module}.known_migrations", lambda: known)


def texts() -> list[str]:
    return [row.text for row in Inbound.select().order_by(Inbound.id)]


@pytest.mark.postgresql
@pytest.mark.usefixtures("future")
def test_the_version_before_finds_its_tables_again(
    application: Any, postgresql_url: str, tmp_path: Path
) -> None:
    check([postgresql_url, postgresql_url])
    password = urlsplit(postgresql_url).password
    (copied,) = save(tmp_path / "copies", [postgresql_url, postgresql_url])
    assert password
    assert copied == postgresql_url.replace(password, "***")
    assert password not in (tmp_path / "copies" / "databases.json").read_text()
    for statement in FUTURE.split(";"):
        application.execute_sql(statement)
    with pytest.raises(OperatorNeeded, match="newer wabot"):
        migrate(application)
    application.close()

    assert restore(tmp_path / "copies", [postgresql_url]) == [copied]
    assert missing_migrations(application) == newer_migrations(application) == migrate(application) == []
    assert "wabot_future" not in application.get_tables()
    assert texts() == ["before"]
    Inbox("shop").store(arrival("after"), NOON)
    assert texts() == ["before", "after"]
    assert load_mark("shop") == replace(MARK, in_order=False)
    assert rows(application)["shop"]["status"] == "CONNECTED", "the application's own"
    kept = tmp_path / "copies" / "0.pgdump.replaced"
    modes = {stat.S_IMODE(path.stat().st_mode) for path in (kept, tmp_path / "copies" / "0.pgdump")}
    assert modes == {0o600}
    found = subprocess.run(["pg_restore", "--list", kept], capture_output=True, text=True, check=True)
    assert "wabot_future" in found.stdout
    application.close()
    assert restore(tmp_path / "copies", [postgresql_url]) == [], "a second time there is nothing to do"


@pytest.mark.postgresql
@pytest.mark.usefixtures("future")
def test_a_new_version_that_did_not_get_so_far_takes_nothing_back(
    application: Any, postgresql_url: str, tmp_path: Path
) -> None:
    save(tmp_path / "copies", [postgresql_url])
    Inbox("shop").store(arrival("meanwhile"), NOON)
    assert restore(tmp_path / "copies", [postgresql_url]) == []
    assert texts() == ["before", "meanwhile"]


@pytest.mark.postgresql
def test_tables_that_this_version_does_not_change_are_not_copied(
    application: Any, postgresql_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    check([postgresql_url])
    assert save(tmp_path / "copies", [postgresql_url]) == restore(tmp_path / "copies", [postgresql_url]) == []


@pytest.mark.postgresql
@pytest.mark.usefixtures("future")
def test_what_could_not_be_taken_back_is_said_beforehand(
    application: Any, postgresql_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(DatabaseAway):
        check([f"postgresql://bot:p4ss@127.0.0.1:{free_port()}/none"])
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(OperatorNeeded, match="sudo apt-get install postgresql-client"):
        check([postgresql_url])


@pytest.mark.postgresql
@pytest.mark.usefixtures("future")
def test_a_bot_on_another_machine_keeps_its_tables(
    application: Any, postgresql_url: str, tmp_path: Path
) -> None:
    Session.create(user_id="north", state="connected", updated_at=NOON, since=NOON)
    save(tmp_path / "copies", [postgresql_url])
    application.execute_sql(
        "INSERT INTO wabot_migrations (name, applied) VALUES ('9999_the_future', CURRENT_TIMESTAMP)"
    )
    lock = HostLock("north", tmp_path).acquire(0)
    try:
        with pytest.raises(OperatorNeeded, match=r"in use by PID .*, for user north; stop that bot first"):
            restore(tmp_path / "copies", [postgresql_url])
    finally:
        lock.release()
    assert newer_migrations(application) == ["9999_the_future"]
    assert restore(tmp_path / "copies", [postgresql_url])
    assert newer_migrations(application) == []
