from __future__ import annotations

import os
import signal
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from wabot.errors import ExitCode, OperatorNeeded
from wabot.whatsapp import store as session_store
from wabot.whatsapp.store import COPY, Device, find_message_ids, prepare, read_device

Start = Callable[[str], subprocess.Popen[str]]
Look = Callable[[Path], Device | None]
JID, LID = "34600111222:15@s.whatsapp.net", "299000111222:15@lid"
DEVICE = Device(JID, LID)
TABLES = """
    CREATE TABLE whatsmeow_device (jid TEXT PRIMARY KEY, lid TEXT, push_name TEXT NOT NULL DEFAULT '');
    CREATE TABLE whatsmeow_message_secrets (
        our_jid TEXT, chat_jid TEXT, sender_jid TEXT, message_id TEXT, key BLOB NOT NULL
    );
"""
# Locks the store and waits to be killed.
LOCK = """
import sqlite3, sys
store = sqlite3.connect(sys.argv[1], isolation_level=None)
store.execute("BEGIN EXCLUSIVE")
print("locked", flush=True)
sys.stdin.read()
"""
# Leaves a half-written transaction in the file and its journal beside it; the small cache makes it spill.
WRITE = """
import sqlite3, sys
store = sqlite3.connect(sys.argv[1], isolation_level=None)
store.execute("PRAGMA cache_size = 1")
store.execute("BEGIN")
store.execute("UPDATE whatsmeow_device SET jid = 'half written', lid = ''")
rows = [(str(number), b"x" * 100) for number in range(2000)]
store.executemany("INSERT INTO whatsmeow_message_secrets (message_id, key) VALUES (?, ?)", rows)
print("written", flush=True)
sys.stdin.read()
"""
# Commits to the write-ahead log and never gets to moving it into the file.
COMMIT = """
import sqlite3, sys
store = sqlite3.connect(sys.argv[1], isolation_level=None)
store.execute("UPDATE whatsmeow_device SET jid = '34911:1@s.whatsapp.net'")
print("committed", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "session" / "whatsapp.db"


def make_store(path: Path, *, linked: bool = True) -> None:
    """A store as the client library makes it, in its own journal mode."""
    path.parent.mkdir(exist_ok=True)
    with closing(sqlite3.connect(path)) as store:
        store.executescript(TABLES)
        if linked:
            store.execute("INSERT INTO whatsmeow_device (jid, lid) VALUES (?, ?)", (JID, LID))
        store.commit()


@pytest.fixture
def start(path: Path) -> Iterator[Start]:
    """Starts programs that have the store open."""
    started: list[subprocess.Popen[str]] = []

    def start_program(program: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", program, str(path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        assert process.stdout is not None
        assert process.stdout.readline()
        return process

    yield start_program
    for process in started:
        process.kill()
        process.communicate()


def kill(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGKILL)
    process.wait(10)


def journal_mode(path: Path) -> str:
    with closing(sqlite3.connect(path)) as store:
        return str(store.execute("PRAGMA journal_mode").fetchone()[0])


@pytest.mark.parametrize(
    ("device", "phone", "user_ids"),
    [
        (DEVICE, "34600111222", {"34600111222", "299000111222"}),
        (Device("34600111222.0:15@s.whatsapp.net", ""), "34600111222", {"34600111222"}),
        (Device("34600111222@s.whatsapp.net", "299@lid"), "34600111222", {"34600111222", "299"}),
        (Device("", ""), "", set()),
    ],
)
def test_who_a_device_is(device: Device, phone: str, user_ids: set[str]) -> None:
    assert (device.phone, device.user_ids) == (phone, user_ids)


# Getting ready


def test_a_store_that_is_not_there_is_made_and_is_nobodys(path: Path) -> None:
    assert prepare(path) is None
    assert path.is_file()


def test_a_linked_store(path: Path) -> None:
    make_store(path)
    assert prepare(path) == DEVICE


def test_of_a_linked_store_a_copy_is_kept_that_outlives_a_log_out(path: Path) -> None:
    make_store(path)
    copy = path.with_name(COPY)
    with closing(sqlite3.connect(path)) as store, store:
        store.execute("INSERT INTO whatsmeow_message_secrets VALUES ('o', 'c', '299@lid', 'M1', x'00')")
    prepare(path)
    assert read_device(copy) == DEVICE
    assert b"299@lid" not in copy.read_bytes()
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    with closing(sqlite3.connect(path)) as store, store:
        store.execute("UPDATE whatsmeow_device SET lid = '2@lid'")
    prepare(path)
    assert read_device(copy) == Device(JID, "2@lid")
    with closing(sqlite3.connect(path)) as store, store:
        store.execute("DELETE FROM whatsmeow_device")
    assert prepare(path) is None
    assert read_device(copy) == Device(JID, "2@lid")
    assert sorted(each.name for each in path.parent.iterdir()) == [path.name, COPY]


def test_a_copy_that_cannot_be_made_keeps_nothing_from_starting(path: Path) -> None:
    make_store(path)
    path.with_name(f"{COPY}.new").mkdir()
    assert prepare(path) == DEVICE


def test_a_store_whose_account_was_logged_out(path: Path) -> None:
    make_store(path, linked=False)
    assert prepare(path) is None


def test_an_empty_file_is_nobodys(path: Path) -> None:
    path.parent.mkdir()
    path.touch()
    assert prepare(path) is None


def test_a_device_without_a_lid(path: Path) -> None:
    make_store(path)
    with closing(sqlite3.connect(path)) as store:
        store.execute("UPDATE whatsmeow_device SET lid = NULL")
        store.commit()
    assert prepare(path) == Device(JID, "")


def test_the_journal_that_survives_bursts_is_there_to_stay(path: Path) -> None:
    make_store(path)
    assert journal_mode(path) == "delete"
    prepare(path)
    assert journal_mode(path) == "wal"


def test_nobody_else_can_read_the_keys(path: Path) -> None:
    before = os.umask(0o022)
    try:
        make_store(path)
        path.chmod(0o644)
        prepare(path)
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


@pytest.mark.parametrize("look", [prepare, read_device])
def test_garbage_is_for_the_operator(path: Path, look: Look) -> None:
    path.parent.mkdir()
    path.write_bytes(b"this is no database " * 500)
    with pytest.raises(OperatorNeeded, match=f"the session store {path} cannot be ") as caught:
        look(path)
    assert caught.value.exit_code is ExitCode.OPERATOR_NEEDED
    assert "file is not a database" in str(caught.value)
    assert look is read_device or "sudo wabot doctor names the commands that help" in str(caught.value)


@pytest.mark.parametrize("look", [prepare, read_device])
def test_a_truncated_store_is_for_the_operator(path: Path, look: Look) -> None:
    make_store(path)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(OperatorNeeded, match=f"the session store {path} cannot be "):
        look(path)


def test_a_store_that_another_program_has_locked(
    path: Path, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session_store, "_BUSY_SECONDS", 0.1)
    make_store(path)
    process = start(LOCK)
    with pytest.raises(
        OperatorNeeded, match=r"cannot be used \(database is locked\): another program has it open"
    ):
        prepare(path)
    kill(process)
    assert prepare(path) == DEVICE


def test_a_place_where_no_store_can_be(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OperatorNeeded, match="must belong to the user that runs wabot"):
        prepare(tmp_path / "file" / "whatsapp.db")


@pytest.mark.parametrize("look", [prepare, read_device])
def test_a_transaction_that_was_killed_half_way_is_taken_back(path: Path, start: Start, look: Look) -> None:
    make_store(path)
    kill(start(WRITE))
    assert path.with_name("whatsapp.db-journal").stat().st_size > 0
    assert look(path) == DEVICE
    assert not path.with_name("whatsapp.db-journal").exists()


@pytest.mark.parametrize("look", [prepare, read_device])
def test_what_was_committed_before_a_kill_is_seen(path: Path, start: Start, look: Look) -> None:
    make_store(path)
    prepare(path)
    kill(start(COMMIT))
    assert path.with_name("whatsapp.db-wal").stat().st_size > 0
    assert look(path) == Device("34911:1@s.whatsapp.net", LID)


# A mere look


def test_a_look_changes_nothing(path: Path) -> None:
    assert read_device(path) is None
    assert not path.parent.exists()
    make_store(path)
    prepare(path)
    before = (path.read_bytes(), path.stat().st_mtime_ns, sorted(path.parent.iterdir()))
    assert read_device(path) == DEVICE
    assert (path.read_bytes(), path.stat().st_mtime_ns, sorted(path.parent.iterdir())) == before


def test_a_look_at_a_store_that_is_nobodys(path: Path) -> None:
    make_store(path, linked=False)
    assert read_device(path) is None
    path.write_bytes(b"")
    assert read_device(path) is None


def test_a_look_at_a_path_with_odd_characters(tmp_path: Path) -> None:
    path = tmp_path / "a?b#c%20d" / "whatsapp.db"
    make_store(path)
    assert read_device(path) == DEVICE


# Which messages left


def test_the_ids_of_what_left(path: Path) -> None:
    make_store(path)
    left, never_left = b"l" * 32, b"n" * 32
    with closing(sqlite3.connect(path)) as store:
        store.execute(
            "INSERT INTO whatsmeow_message_secrets (message_id, key) VALUES ('3EB0', ?), ('3EB1', ?)",
            (left, b"o" * 32),
        )
        store.commit()
    assert find_message_ids(path, [left, never_left]) == {left: "3EB0"}
    assert find_message_ids(path, []) == {}


def test_a_store_that_never_sent_anything(path: Path) -> None:
    assert find_message_ids(path, [b"x" * 32]) == {}
    assert not path.exists()
    prepare(path)
    assert find_message_ids(path, [b"x" * 32]) == {}


def test_what_left_is_found_after_a_kill_too(path: Path, start: Start) -> None:
    make_store(path)
    with closing(sqlite3.connect(path)) as store:
        store.execute(
            "INSERT INTO whatsmeow_message_secrets (message_id, key) VALUES ('3EB0', ?)", (b"l" * 32,)
        )
        store.commit()
    kill(start(WRITE))
    assert find_message_ids(path, [b"l" * 32]) == {b"l" * 32: "3EB0"}
