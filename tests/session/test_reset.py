from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.support.arrivals import arrival
from tests.support.existing_schema import add_row, add_user, create_application, rows
from tests.support.session_directories import hold, make_session, tree
from wabot.cli.parser import main
from wabot.clock import utc_now
from wabot.database.engine import migrate, open_database
from wabot.database.models import Session
from wabot.errors import ExitCode
from wabot.inbound.spool import Spool, Spooled, read_spool
from wabot.session.host_lock import HostLock
from wabot.session.quarantine import Quarantine

NOW = datetime(2026, 11, 22, 10, 0, 0)


@pytest.fixture
def database(database_url: str) -> Iterator[Any]:
    """An open database of its own for each test, with wabot's tables and the application's."""
    opened = open_database(database_url)
    migrate(opened)
    create_application(opened)
    for user_id in ("ana", "ben"):
        add_user(opened, user_id)
    yield opened
    opened.close()


@pytest.fixture
def arguments(tmp_path: Path, database_url: str) -> list[str]:
    file = tmp_path / "wabot.toml"
    file.write_text(
        f'[account]\nuser_id = "ana"\n[paths]\nstate = "{tmp_path}/state"\n'
        f'[database]\nurl = "{database_url}"\n'
    )
    return ["reset", "--config", str(file)]


@pytest.fixture
def sessions(tmp_path: Path) -> Path:
    return tmp_path / "state" / "sessions"


def answer(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(text))


def test_moves_the_session_aside_and_takes_back_what_was_said(
    database: Any, arguments: list[str], sessions: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    add_row(
        database, "ana", NOW, status="CONNECTED", isConnected=True, phoneNumber="34600111222", qrCode="2@"
    )
    add_row(database, "ben", NOW, status="CONNECTED", isConnected=True)
    Session.insert(user_id="ana", state="connected", phone="34600111222", updated_at=NOW).execute()
    make_session(sessions, "ana", linked=True, used_at=NOW)
    make_session(sessions, "ben", linked=True, used_at=NOW)
    credentials, bens = tree(sessions / "ana"), rows(database)["ben"]

    assert main([*arguments, "--yes"]) == ExitCode.OK

    (entry,) = Quarantine(sessions.parent / "quarantine", sessions).entries()
    assert (entry.user_id, entry.reason) == ("ana", "wabot reset")
    assert tree(entry.session) == credentials
    assert (sessions / "ben").is_dir()
    row = rows(database)["ana"]
    assert (row["status"], bool(row["isConnected"]), row["qrCode"]) == ("DISCONNECTED", False, None)
    assert (row["phoneNumber"], rows(database)["ben"]) == ("pending", bens)
    said = Session.get()
    assert (said.user_id, said.state, said.reason, said.phone) == ("ana", "stopped", "wabot reset", "")
    # No end before this one is without a word: see `wabot.privileges.root_queries`.
    assert utc_now() - said.updated_at < timedelta(minutes=1)
    out = capsys.readouterr().out
    assert "(linked as +34…22)" in out
    assert "link the number: wabot pair" in out
    assert f"wabot janitor --restore {entry.name}" in out


def test_messages_that_wait_on_the_disk_stay(
    database: Any, arguments: list[str], sessions: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    directory = make_session(sessions, "ana", linked=True, used_at=NOW)
    Spool(directory / "spool").append(Spooled(arrival("hello"), NOW))
    (directory / "spool.damaged").write_bytes(b"half a message\n")
    assert main([*arguments, "--yes"]) == ExitCode.OK
    assert sorted(tree(directory)) == ["spool", "spool.damaged"]
    assert [spooled.message.text for spooled in read_spool(directory / "spool")] == ["hello"]
    assert directory.stat().st_mode & 0o777 == 0o700


@pytest.mark.postgresql
def test_what_a_bot_on_another_machine_says_stays(
    postgresql_url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    opened = open_database(postgresql_url)
    migrate(opened)
    create_application(opened)
    add_user(opened, "ana")
    add_row(opened, "ana", NOW, status="CONNECTED", isConnected=True)
    before = rows(opened)
    there = HostLock("ana", tmp_path / "vps2").acquire(0)
    make_session(tmp_path / "state" / "sessions", "ana", linked=True, used_at=NOW)
    file = tmp_path / "wabot.toml"
    file.write_text(
        f'[account]\nuser_id = "ana"\n[paths]\nstate = "{tmp_path}/state"\n'
        f'[database]\nurl = "{postgresql_url}"\n'
    )
    assert main(["reset", "--yes", "--config", str(file)]) == ExitCode.OK
    there.release()
    assert rows(opened) == before
    assert not (tmp_path / "state" / "sessions" / "ana").exists()
    assert (
        "leave the database as it is, because another machine has this session: PID"
        in capsys.readouterr().out
    )
    opened.close()


@pytest.mark.parametrize("text", ["", "n\n", "\n", "yesterday\n"])
def test_anything_but_yes_changes_nothing(
    database: Any,
    arguments: list[str],
    sessions: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    text: str,
) -> None:
    add_row(database, "ana", NOW, status="CONNECTED")
    make_session(sessions, "ana", linked=True, used_at=NOW)
    before = rows(database), tree(sessions / "ana")
    answer(monkeypatch, text)
    assert main(arguments) == ExitCode.FINDINGS
    assert (rows(database), tree(sessions / "ana")) == before
    out = capsys.readouterr().out
    assert f"move {sessions / 'ana'}" in out
    assert out.endswith("nothing was changed\n")


def test_yes_is_enough(
    database: Any, arguments: list[str], sessions: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_session(sessions, "ana", linked=True, used_at=NOW)
    answer(monkeypatch, "y\n")
    assert main(arguments) == ExitCode.OK
    assert not (sessions / "ana").exists()


def test_a_running_bot_refuses_it(
    database: Any, arguments: list[str], sessions: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    add_row(database, "ana", NOW, status="CONNECTED")
    make_session(sessions, "ana", linked=True, used_at=NOW)
    bot = hold(sessions / "ana.lock")
    before = rows(database)
    assert main([*arguments, "--yes"]) == ExitCode.OPERATOR_NEEDED
    assert f"PID {bot.pid}" in capsys.readouterr().err
    assert (sessions / "ana").is_dir()
    assert rows(database) == before
    bot.communicate(timeout=10)


def test_a_database_without_users_does_not_keep_the_session(tmp_path: Path, sessions: Path) -> None:
    url = f"sqlite:///{tmp_path}/empty.db"
    open_database(url).close()
    file = tmp_path / "wabot.toml"
    file.write_text(
        f'[account]\nuser_id = "ana"\n[paths]\nstate = "{tmp_path}/state"\n[database]\nurl = "{url}"\n'
    )
    make_session(sessions, "ana", linked=True, used_at=NOW)
    assert main(["reset", "--yes", "--config", str(file)]) == ExitCode.OK
    assert not (sessions / "ana").exists()


def test_says_of_a_session_without_a_number_or_without_sense_what_it_is(
    database: Any, arguments: list[str], sessions: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = make_session(sessions, "ana", linked=False, used_at=NOW) / "whatsapp.db"
    assert main([*arguments, "--yes"]) == ExitCode.OK
    assert "(not linked)" in capsys.readouterr().out
    store.parent.mkdir(mode=0o700)
    store.write_bytes(b"no database at all, and longer than its header " * 100)
    assert main([*arguments, "--yes"]) == ExitCode.OK
    assert "(damaged)" in capsys.readouterr().out
    assert not store.exists()


def test_nothing_to_reset(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "wabot.toml"
    file.write_text(f'[paths]\nstate = "{tmp_path}/state"\n')
    assert main(["reset", "--config", str(file)]) == ExitCode.OK
    assert "nothing to reset" in capsys.readouterr().out
    assert not (tmp_path / "state" / "wabot.db").exists()


def test_a_database_that_is_away_changes_nothing(tmp_path: Path, sessions: Path) -> None:
    file = tmp_path / "wabot.toml"
    file.write_text(
        f'[account]\nuser_id = "ana"\n[paths]\nstate = "{tmp_path}/state"\n'
        '[database]\nurl = "postgresql://x@127.0.0.1:1/x"\n'
    )
    make_session(sessions, "ana", linked=True, used_at=NOW)
    assert main(["reset", "--yes", "--config", str(file)]) == ExitCode.DATABASE_AWAY
    assert (sessions / "ana").is_dir()
