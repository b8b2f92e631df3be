from __future__ import annotations

import contextlib
import sqlite3
import subprocess
import sys
from datetime import datetime
from pathlib import Path

from tests.support.arrivals import arrival
from tests.support.examined_bot import database, illnesses
from tests.support.existing_schema import add_row
from tests.support.session_directories import hold, make_session
from wabot.cli.parser import main
from wabot.clock import utc_now
from wabot.database.models import Session
from wabot.doctor.examination import examine
from wabot.errors import ExitCode
from wabot.inbound.spool import Spool, Spooled
from wabot.session.quarantine import Quarantine


def test_a_process_on_the_session_without_its_lock(file: Path, state: Path) -> None:
    store = state / "sessions" / "ana" / "whatsapp.db"
    command = [
        sys.executable,
        "-c",
        "import sys; f = open(sys.argv[1]); print('open', flush=True); input()",
        store,
    ]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as intruder:
        assert intruder.stdout is not None
        intruder.stdout.readline()
        ill = illnesses(file)["second holder"]
        assert f"process {intruder.pid}" in ill.text
        assert f"kill {intruder.pid}" in ill.cure
        intruder.communicate(b"\n")
    assert "second holder" not in illnesses(file)


def test_the_bot_itself_is_no_second_holder(file: Path, state: Path) -> None:
    bot = hold(state / "sessions" / "ana.lock")
    found = {finding.name: finding for finding in examine(file, {}, utc_now(), online=False)}
    assert found["session lock"].ok
    assert str(bot.pid) in found["session lock"].text
    assert found["session store"].text == "in use by the bot that runs"
    bot.communicate(timeout=10)


def test_a_lock_that_cannot_be_looked_at_is_told_once(file: Path, state: Path) -> None:
    (state / "sessions" / "ana.lock").symlink_to("/dev/null")
    with database(f"sqlite:///{state}/wabot.db"):
        Session.insert(user_id="ana", state="connected", updated_at=utc_now()).execute()
    found = [finding.name for finding in examine(file, {}, utc_now(), online=False) if not finding.ok]
    assert "session lock" in found and "link" not in found


def test_a_link_that_was_moved_aside(file: Path, state: Path) -> None:
    entry = Quarantine(state / "quarantine", state / "sessions").take("ana", "wabot reset", utc_now())
    ill = illnesses(file)
    assert ill["session store"].text == "no number is linked"
    restore = f"wabot janitor --restore {entry.name} --config {file}"
    assert ill["other session"].cure == f"to use that one: {restore}"
    assert ill["other session"].text.endswith(" UTC: wabot reset")
    assert main(restore.split()[1:]) == 0
    assert illnesses(file) == {}


def test_a_damaged_session(file: Path, state: Path) -> None:
    (state / "sessions" / "ana" / "whatsapp.db").write_bytes(b"rubbish" * 1000)
    ill = illnesses(file)["session store"]
    assert "file is not a database" in ill.text
    assert ill.cure.startswith(f"wabot reset --config {file}")


def test_a_session_of_a_newer_library(file: Path, state: Path) -> None:
    with contextlib.closing(sqlite3.connect(state / "sessions/ana/whatsapp.db")) as store, store:
        store.execute("UPDATE whatsmeow_version SET version = 99, compat = 99")
    assert "newer client library" in illnesses(file)["session store"].text


def test_messages_that_wait_on_the_disk(file: Path, state: Path) -> None:
    spool = Spool(state / "sessions" / "ana" / "spool")
    assert "kept messages" not in illnesses(file)
    for minute in (7, 3):
        spool.append(Spooled(arrival("hello"), datetime(2026, 11, 22, 10, minute)))
    ill = illnesses(file)["kept messages"]
    assert ill.text == "2 wait on disk since 2026-11-22 10:03 UTC, because the database took none"
    assert ill.cure == f"wabot run --config {file}"
    bot = hold(state / "sessions" / "ana.lock")
    assert illnesses(file)["kept messages"].cure.startswith("sudo journalctl -u wabot@shop.service")
    bot.communicate(timeout=10)


def test_messages_that_were_set_aside(file: Path, state: Path) -> None:
    damaged = state / "sessions" / "ana" / "spool.damaged"
    damaged.write_bytes(b"half a message\n")
    ill = illnesses(file)["kept messages"]
    assert str(damaged) in ill.text
    assert f"rm {damaged}" in ill.cure


def test_leftovers(file: Path, state: Path) -> None:
    make_session(state / "sessions", "phantom", linked=True, used_at=utc_now())
    with database(f"sqlite:///{state}/wabot.db") as opened:
        add_row(opened, "ana", utc_now(), status="CONNECTED", isConnected=True)
    ill = illnesses(file)["leftovers"]
    assert "phantom" in ill.text
    assert main(ill.cure.split()[1:]) == ExitCode.OK
    assert "leftovers" not in illnesses(file)
