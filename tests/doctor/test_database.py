from __future__ import annotations

import contextlib
import json
import os
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.examined_bot import database, illnesses
from tests.support.existing_schema import add_user, create_application
from tests.support.session_directories import make_session
from wabot.backup.manifest import MANIFEST
from wabot.cli.parser import main
from wabot.clock import utc_now
from wabot.errors import ExitCode
from wabot.session.host_lock import HostLock


def test_a_database_that_is_away(file: Path) -> None:
    with file.open("a") as text:
        text.write('[database]\nurl = "postgresql://a@127.0.0.1:1/x"\n')
    ill = illnesses(file)["database"]
    assert ill.text.startswith("postgresql://a@127.0.0.1:1/x cannot be opened")
    assert ill.cure.startswith("pg_isready -h 127.0.0.1 -p 1;")


def test_a_damaged_database(file: Path, state: Path) -> None:
    path = state / "wabot.db"
    size = path.stat().st_size
    with path.open("r+b") as raw:
        raw.seek(4096)
        raw.write(b"\xff" * (size - 4096))
    cure = illnesses(file)["database"].cure
    assert cure.startswith(f"where there is a backup: wabot restore DIRECTORY --config {file}; ")


def test_a_damaged_database_of_which_there_is_a_backup(file: Path, state: Path) -> None:
    """What several numbers share is in the backups of each."""
    north, own = file.with_name("north.toml"), file.with_name("own.toml")
    north.write_text(file.read_text().replace('"ana"', '"north"'))
    own.write_text(
        file.read_text().replace('"ana"', '"own"') + f'[database]\nurl = "sqlite:///{state}/own.db"\n'
    )
    nightly = state / "backups" / "nightly"
    assert main(["backup", str(nightly), "--config", str(file)]) == ExitCode.OK
    (backup,) = nightly.iterdir()
    for database_file in ("wabot.db", "own.db"):
        (state / database_file).write_bytes(b"rubbish" * 1000)
    file.with_name("broken.toml").write_text("[account]\nuser_id = 7\n")
    restore = f"wabot restore {backup} --config {file}"
    assert illnesses(file)["database"].cure.startswith(f"{restore}; ")
    assert illnesses(north)["database"].cure.startswith(f"{restore}; ")
    assert "restore DIRECTORY" in illnesses(own)["database"].cure
    assert main([*restore.split()[1:], "--yes"]) == ExitCode.OK
    (state / "wabot.db").write_bytes(b"rubbish" * 1000)
    of_north = shutil.copytree(backup, nightly / "north-20200101T000000Z")
    assert illnesses(north)["database"].cure.startswith(f"{restore}; "), "that is of another user"
    manifest = json.loads((of_north / MANIFEST).read_text())
    (of_north / MANIFEST).write_text(json.dumps({**manifest, "user_id": "north"}))
    assert illnesses(north)["database"].cure.startswith(f"wabot restore {of_north} --config {north}; ")


def test_a_database_of_a_newer_wabot(file: Path, state: Path) -> None:
    with database(f"sqlite:///{state}/wabot.db") as opened:
        opened.execute_sql("UPDATE wabot_migrations SET name = '9999_future' WHERE name LIKE '0001%'")
    assert "newer wabot" in illnesses(file)["database"].text


def test_own_tables_that_are_gone(file: Path, state: Path) -> None:
    with database(f"sqlite:///{state / 'wabot.db'}") as opened:
        opened.execute_sql("DROP TABLE wabot_outbox")
    found = illnesses(file)["own tables"]
    assert found.text == "wabot_outbox are gone"
    assert found.cure.startswith("sudo systemctl restart ")


def with_users_of_an_application(state: Path) -> None:
    with database(f"sqlite:///{state}/wabot.db") as opened:
        opened.execute_sql("DELETE FROM wabot_facts")


def test_a_user_that_does_not_exist_and_those_that_do(file: Path, state: Path) -> None:
    file.write_text(file.read_text().replace('"ana"', '"phantom"'))
    with_users_of_an_application(state)
    ill = illnesses(file)["user"]
    assert ill.text == "phantom is not in users; there are ana"
    assert ill.cure == f"set account.user_id to the one whose number it is in {file}"


def test_a_further_number_that_has_not_run_yet(file: Path, state: Path) -> None:
    """In wabot's own database it needs no user, and nowhere is it told to take another number's."""
    north = file.with_name("north.toml")
    north.write_text(file.read_text().replace('"ana"', '"north"'))
    assert illnesses(north).keys() == {"session store"}
    with_users_of_an_application(state)
    ill = illnesses(north)["user"]
    assert ill.text == "north is not in users, nor is any other without a configuration"
    assert ill.cure.startswith("register the user in the application")
    with database(f"sqlite:///{state}/wabot.db") as opened:
        opened.execute_sql("INSERT INTO users VALUES ('zoe')")
    assert illnesses(north)["user"].text == "north is not in users; there are zoe"
    free = [f"a{number}" for number in range(9)] + ["zoe"]
    with database(f"sqlite:///{state}/wabot.db") as opened:
        for user_id in free[:-1]:
            opened.execute_sql("INSERT INTO users VALUES (?)", (user_id,))
    assert illnesses(north)["user"].text == f"north is not in users; there are {', '.join(free)}"
    with database(f"sqlite:///{state}/wabot.db") as opened:
        opened.execute_sql("INSERT INTO users VALUES ('zoe2')")
    assert illnesses(north)["user"].text == f"north is not in users; there are {', '.join(free)}, …"


def test_an_applications_database_that_wabot_has_not_seen_yet(file: Path, state: Path) -> None:
    (state / "wabot.db").unlink()
    with contextlib.closing(sqlite3.connect(state / "wabot.db")) as opened:
        opened.execute("CREATE TABLE users (id TEXT PRIMARY KEY)")
    assert illnesses(file)["user"].text == "the table users is empty"


def test_each_configuration_is_read_with_its_own_secrets(
    file: Path, state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    text = file.read_text() + '[database]\nurl = "env:DATABASE_URL"\n'
    for name, user_id, file_name in (("shop", "ana", "wabot"), ("north", "north", "north")):
        file.with_name(f"{name}.toml").write_text(text.replace('"ana"', f'"{user_id}"'))
        file.with_name(f"{name}.env").write_text(f"DATABASE_URL=sqlite:///{state}/{file_name}.db\n")
    make_session(state / "sessions", "north", linked=False, used_at=utc_now())
    assert illnesses(file) == {}, "the other database decides about this directory"


def test_no_users_at_all(file: Path, state: Path) -> None:
    with database(f"sqlite:///{state}/wabot.db") as opened:
        opened.execute_sql("DELETE FROM users")
    with_users_of_an_application(state)
    assert "users is empty" in illnesses(file)["user"].text


def test_a_table_of_users_with_another_name(file: Path, state: Path) -> None:
    with database(f"sqlite:///{state}/wabot.db") as opened:
        opened.execute_sql('ALTER TABLE users RENAME TO "User"')
    assert 'set database.tables.users = "User"' in illnesses(file)["user"].text


@pytest.fixture
def application(postgresql_url: str, file: Path) -> Iterator[Any]:
    """An existing application's database, and the configuration points at it."""
    with file.open("a") as text:
        text.write(f'[database]\nurl = "{postgresql_url}"\n')
    with database(postgresql_url) as opened:
        yield opened


@pytest.mark.postgresql
def test_the_foreign_key(application: Any, file: Path) -> None:
    create_application(application, foreign_key=False)
    add_user(application, "ana")
    ill = illnesses(file)["foreign key"]
    assert ill.text.startswith("absent")
    assert ill.cure.startswith(f"wabot janitor --apply --config {file}, then ")
    application.execute_sql(ill.cure.partition("database: ")[2])
    assert "foreign key" not in illnesses(file)
    application.execute_sql("ALTER TABLE whatsapp_connections DISABLE TRIGGER ALL")
    ill = illnesses(file)["foreign key"]
    assert ill.text.startswith("switched off")
    application.execute_sql(ill.cure.partition("database: ")[2])
    assert "foreign key" not in illnesses(file)


@pytest.mark.postgresql
def test_the_camel_case_trap(application: Any, file: Path) -> None:
    create_application(application)
    add_user(application, "ana")
    assert "names" not in illnesses(file)
    application.execute_sql("ALTER TABLE whatsapp_connections ADD COLUMN userId TEXT")
    ill = illnesses(file)["names"]
    assert '"userId" and userid' in ill.text
    application.execute_sql(ill.cure.partition("then: ")[2])
    assert "names" not in illnesses(file)


@pytest.mark.postgresql
def test_another_machine_on_the_same_database(application: Any, file: Path, tmp_path: Path) -> None:
    create_application(application)
    add_user(application, "ana")
    assert "second holder" not in illnesses(file)
    there = HostLock("ana", tmp_path / "vps2").acquire(0)
    ill = illnesses(file)["second holder"]
    assert ill.text.startswith(f"another machine has this session: PID {os.getpid()} on ")
    assert ill.cure.endswith("sudo systemctl disable --now wabot@shop.service")
    there.release()
    assert "second holder" not in illnesses(file)


@pytest.mark.postgresql
def test_a_database_that_takes_no_writes(application: Any, file: Path, postgresql_url: str) -> None:
    create_application(application)
    add_user(application, "ana")
    name = postgresql_url.rpartition("/")[2]
    application.execute_sql(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    assert "takes no writes" in illnesses(file)["database"].text
