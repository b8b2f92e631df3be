from __future__ import annotations

import json
import os
import socket
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.support.arrivals import arrival
from tests.support.session_directories import hold
from tests.support.shown_sessions import KEYS, configure, record, status
from wabot.cli.parser import main
from wabot.clock import utc_now
from wabot.conversation.inbox import Inbox
from wabot.conversation.notices import Notice
from wabot.conversation.outbox import Outbox
from wabot.database.models import Inbound, Outbound, Session
from wabot.errors import ExitCode
from wabot.inbound.spool import Spool, Spooled
from wabot.whatsapp.messages import MessageKind

LONG_AGO = datetime(2026, 1, 2, 3, 4, 5, 678)


def test_a_session_that_never_ran_is_listed_and_nothing_is_created(
    tmp_path: Path, state: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, sessions = status(configure(tmp_path, "shop"), capsys)
    assert code == ExitCode.FINDINGS
    assert list(sessions["shop"]) == KEYS
    assert (sessions["shop"]["state"], sessions["shop"]["reason"]) == ("stopped", "it never ran")
    assert not state.exists()


def test_every_configuration_beside_it_is_listed(
    tmp_path: Path, database_of_state: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    record("b", state="replaced", reason="by another", since=LONG_AGO)
    for name in ("c", "b", "a"):
        configure(tmp_path, name)
    configure(tmp_path, "d", '[database]\nurl = "postgresql://x@127.0.0.1:1/x"\n')
    configure(tmp_path, "e", "[chats]\ngroups = 7\n")
    (tmp_path / "f.toml").write_text("[account\n")
    (tmp_path / "pyproject.toml").write_text("[project]\nname = 'x'\n")
    code, sessions = status(tmp_path / "c.toml", capsys)
    assert code == ExitCode.FINDINGS
    assert list(sessions) == ["c", "a", "b", "d", "e", "f"]
    assert [session["state"] for session in sessions.values()] == [*["stopped"] * 4, "unknown", "unknown"]
    assert (sessions["b"]["reason"], sessions["b"]["since"]) == ("by another", "2026-01-02T03:04:05Z")
    assert "127.0.0.1:1" in sessions["d"]["reason"]
    assert "chats.groups = 7" in sessions["e"]["reason"]
    assert (sessions["e"]["user_id"], sessions["f"]["user_id"]) == ("e", None)


def test_one_process_is_not_shown_for_two_configurations(
    tmp_path: Path, state: Path, database_of_state: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    file = configure(tmp_path, "a")
    (tmp_path / "copy.toml").write_text(file.read_text())
    record("a", state="connected", phone="34600111222", since=LONG_AGO)
    bot = hold(state / "sessions" / "a.lock")
    code, sessions = status(file, capsys)
    assert code == ExitCode.FINDINGS
    assert [sessions[name]["state"] for name in ("a", "copy")] == ["connected", "unknown"]
    assert sessions["copy"]["reason"] == "a.toml is for user a, too; give this one a user_id of its own"
    bot.communicate(timeout=10)


def test_a_neighbour_that_is_no_file_takes_nobody_along(
    tmp_path: Path, database_of_state: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    file = configure(tmp_path, "a")
    record("a")
    (tmp_path / "b.toml").symlink_to("/nowhere/at/all")
    (tmp_path / "c.toml").write_text(f"[chats]\nloop_ceiling = {'9' * 5000}\n")
    (tmp_path / "d.toml").write_bytes(b'\xef\xbb\xbf[account]\nuser_id = "d"\n')
    _, sessions = status(file, capsys)
    assert [sessions[name]["state"] for name in "abcd"] == ["stopped", "unknown", "unknown", "stopped"]


def test_lost_messages_are_counted(
    tmp_path: Path, database_of_state: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    for user_id, kinds in (
        ("a", [MessageKind.LOST, MessageKind.TEXT, MessageKind.LOST]),
        ("b", [MessageKind.TEXT]),
    ):
        configure(tmp_path, user_id)
        record(user_id, state="connected")
        for number, kind in enumerate(kinds):
            Inbox(user_id).store(arrival("", kind=kind, message_id=f"M{number}"), utc_now())
    for number, kind in enumerate((MessageKind.SPOILT, MessageKind.WITHHELD, MessageKind.HIDDEN)):
        Inbox("a").store(arrival("", kind=kind, message_id=f"S{number}"), utc_now())
    main(["status", "--config", str(tmp_path / "a.toml")])
    told = capsys.readouterr().out
    assert "customers asked to repeat: 2" in told
    assert told.count("asked to repeat") == 1
    assert "could not be decrypted, or kept from linked devices: 3" in told
    _, sessions = status(tmp_path / "a.toml", capsys)
    assert [sessions[name]["undecryptable"] for name in "ab"] == [3, 0]


def test_good_only_when_every_session_is_connected(
    tmp_path: Path, state: Path, database_of_state: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("a", "b"):
        configure(tmp_path, name)
        record(name, state="connected", phone="34600111222", since=LONG_AGO)
    bots = [hold(state / "sessions" / f"{name}.lock") for name in ("a", "b")]
    code, sessions = status(tmp_path / "a.toml", capsys)
    assert code == ExitCode.OK
    assert [sessions[name]["pid"] for name in ("a", "b")] == [bot.pid for bot in bots]
    assert (sessions["a"]["phone"], sessions["a"]["host"]) == ("34600111222", socket.gethostname())
    bots.pop().communicate(timeout=10)
    code, sessions = status(tmp_path / "a.toml", capsys)
    assert code == ExitCode.FINDINGS
    assert (sessions["b"]["state"], sessions["b"]["pid"]) == ("stopped", None)
    assert sessions["b"]["reason"] == "the process ended without a word; it was connected"
    assert main(["status", "--config", str(tmp_path / "a.toml")]) == ExitCode.FINDINGS
    lines = capsys.readouterr().out.splitlines()
    assert lines[:2] == [
        "2 numbers: 1 connected, 1 stopped; to answer: 0, to send: 0, not delivered: 0",
        "b: stopped",
    ]
    working = next(line for line in lines if line.startswith("a: "))
    assert working.startswith("a: connected as +34600111222 since 2026-01-02 03:04:05 UTC (pid ")
    bots.pop().communicate(timeout=10)


def test_a_bot_without_its_database_is_told_from_one_that_is_down(
    tmp_path: Path, state: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = configure(tmp_path, "a", '[database]\nurl = "postgresql://wabot@127.0.0.1:1/x"\n')
    lock = state / "sessions" / "a.lock"
    bot = hold(lock)
    code, sessions = status(file, capsys)
    assert (code, sessions["a"]["state"], sessions["a"]["pid"]) == (ExitCode.FINDINGS, "unknown", bot.pid)
    assert "127.0.0.1:1" in sessions["a"]["reason"]
    doctor = f"; what to do: wabot doctor --config {file}"
    assert sessions["a"]["reason"].endswith(f"; the bot runs{doctor}")
    stamp = json.loads(lock.read_bytes())
    lock.write_text(json.dumps({**stamp, "unit": "wabot@a.service"}))
    reason = status(file, capsys)[1]["a"]["reason"]
    assert reason.endswith(f"; the bot runs: systemctl status wabot@a.service shows its state{doctor}")
    bot.communicate(timeout=10)
    session = status(file, capsys)[1]["a"]
    assert session["state"] == "stopped"
    assert "the bot runs" not in session["reason"]
    assert session["reason"].endswith(doctor)


@pytest.fixture
def systemctl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """A systemd that runs the bots of this directory: takes what it is to show of each unit."""
    programs = tmp_path / "bin"
    programs.mkdir()
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    monkeypatch.setattr("wabot.system.units._BOOTED_BY_SYSTEMD", tmp_path)
    monkeypatch.setattr("wabot.system.units.CONFIGURATIONS", tmp_path)

    def shows(lines: str) -> None:
        program = programs / "systemctl"
        program.write_text(
            f"#!/bin/sh\n[ \"$2 $5\" = '--timestamp=us+utc wabot@a.service' ] && cat <<'END'\n{lines}\nEND\n"
        )
        program.chmod(0o755)

    return shows


def at(moment: datetime) -> str:
    return f"{moment:%a %Y-%m-%d %H:%M:%S.%f} UTC"


def test_a_start_that_ended_before_it_could_say_why_is_told(
    tmp_path: Path,
    database_of_state: Any,
    capsys: pytest.CaptureFixture[str],
    systemctl: Callable[[str], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    record("a", state="logged_out", reason="the phone removed it (401)", updated_at=LONG_AGO)
    file = configure(tmp_path, "a")
    started, ended = (at(LONG_AGO + timedelta(minutes=minutes)) for minutes in (5, 6))

    def reason(started: str, ended: str) -> str:
        systemctl(f"ExecMainStartTimestamp={started}\nExecMainExitTimestamp={ended}")
        return str(status(file, capsys)[1]["a"]["reason"])

    later = (
        "a start ended on 2026-01-02 03:10:05 UTC before it could say here why: "
        "sudo journalctl -u wabot@a.service -n 20"
    )
    assert reason(started, ended) == f"the phone removed it (401); {later}"
    assert reason(at(LONG_AGO + timedelta(milliseconds=1)), ended).endswith(later)
    # The end that is recorded; one that has begun and not ended; a unit that never ran.
    assert reason(at(LONG_AGO - timedelta(minutes=5)), ended) == "the phone removed it (401)"
    assert reason(started, "") == "the phone removed it (401)"
    assert reason("", "") == reason("", ended) == "the phone removed it (401)"
    assert reason(started, f"{ended}\nExecMainStatus=0") == "the phone removed it (401)", "it ended in order"
    assert reason(started, f"{ended}\nExecMainStatus=78").endswith(later)
    bot = hold(tmp_path / "state" / "sessions" / "a.lock")
    assert later not in reason(started, ended), "another one runs now"
    bot.communicate(timeout=10)
    assert reason(f"{started}\nno property", ended).endswith(later)
    database_of_state.execute_sql("DROP TABLE wabot_sessions")
    assert reason(started, ended) == f"it never ran; {later}"
    with monkeypatch.context() as without:
        without.setenv("PATH", str(tmp_path / "nothing"))
        assert status(file, capsys)[1]["a"]["reason"] == "it never ran"
    (tmp_path / "state" / "wabot.db").unlink()
    assert reason(started, ended) == f"it never ran; {later}"
    (tmp_path / "bin" / "systemctl").write_text("#!/bin/sh\nexit 1\n")
    assert status(file, capsys)[1]["a"]["reason"] == "it never ran"
    # Nobody else's configuration is a unit's.
    systemctl(f"ExecMainStartTimestamp={started}\nExecMainExitTimestamp={ended}")
    monkeypatch.setattr("wabot.system.units.CONFIGURATIONS", Path("/etc/wabot"))
    assert status(file, capsys)[1]["a"]["reason"] == "it never ran"


def test_messages_that_wait_on_the_disk_are_told(
    tmp_path: Path, state: Path, database_of_state: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    file = configure(tmp_path, "a")
    directory = state / "sessions" / "a"
    directory.mkdir(parents=True)
    spool = Spool(directory / "spool")
    spool.append(Spooled(arrival("hello"), LONG_AGO))
    assert status(file, capsys)[1]["a"]["reason"] == "1 message kept on disk"
    spool.append(Spooled(arrival("hello"), LONG_AGO))
    file.write_text(file.read_text() + '[database]\nurl = "postgresql://wabot@127.0.0.1:1/x"\n')
    reason = status(file, capsys)[1]["a"]["reason"]
    assert "cannot be opened" in reason
    assert reason.endswith("; 2 messages kept on disk")


def test_what_an_earlier_process_wrote_does_not_count(
    tmp_path: Path, state: Path, database_of_state: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    record("a", state="banned", reason="for a while", updated_at=LONG_AGO)
    bot = hold(state / "sessions" / "a.lock")
    code, sessions = status(configure(tmp_path, "a"), capsys)
    assert (code, sessions["a"]["state"], sessions["a"]["reason"]) == (ExitCode.FINDINGS, "starting", "")
    bot.communicate(timeout=10)


def test_that_no_model_answers_is_told_while_the_bot_runs(
    tmp_path: Path, state: Path, database_of_state: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    record("a", state="connected", updated_at=utc_now() + timedelta(minutes=1))
    Session.update(models_trouble="no model answers since 30 Nov 11:05 (\x1b[31mgpt)").execute()
    file = configure(tmp_path, "a")
    bot = hold(state / "sessions" / "a.lock")
    main(["status", "--config", str(file)])
    assert "\n  no model answers since 30 Nov 11:05 (�[31mgpt)\n" in capsys.readouterr().out
    bot.communicate(timeout=10)
    main(["status", "--config", str(file)])
    assert "no model" not in capsys.readouterr().out


def test_the_code_is_told_only_while_it_can_be_scanned(
    tmp_path: Path, state: Path, database_of_state: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    record("a", state="pairing", qr="2@abc", qr_expires_at=LONG_AGO, pair_code="ABCD-EFGH")
    file = configure(tmp_path, "a")
    bot = hold(state / "sessions" / "a.lock")
    session = status(file, capsys)[1]["a"]
    assert (session["qr"], session["pair_code"]) == ("2@abc", "ABCD-EFGH")
    assert session["qr_expires_at"] == "2026-01-02T03:04:05Z"
    bot.communicate(timeout=10)
    session = status(file, capsys)[1]["a"]
    assert (session["qr"], session["qr_expires_at"], session["pair_code"]) == (None, None, None)


def test_secrets_of_the_service_need_not_be_at_hand(
    tmp_path: Path, database_of_state: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    more = (
        '[[ai.providers]]\nbase_url = "http://localhost/v1"\nmodel = "m"\napi_key = "credential:ai-api-key"\n'
    )
    code, sessions = status(configure(tmp_path, "a", more), capsys)
    assert (code, sessions["a"]["state"]) == (ExitCode.FINDINGS, "stopped")


def test_the_history_tells_of_the_last_message_where_the_session_does_not(
    tmp_path: Path, database_of_state: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    """As after a reset, which empties the session's row, or a restore without one."""
    file = configure(tmp_path, "a")

    def last() -> tuple[Any, Any]:
        session = status(file, capsys)[1]["a"]
        return session["last_inbound_at"], session["last_reply_at"]

    assert last() == (None, None)
    for number, (minutes, change) in enumerate(
        ((1, {}), (0, {}), (2, {"state": "owner"}), (3, {"kind": MessageKind.LOST}), (4, {"user_id": "b"}))
    ):
        name = f"M{number}"
        chat_id = Inbox("a").store(arrival("hola", message_id=name), LONG_AGO + timedelta(minutes=minutes))
        Inbound.update(change or {"state": "answered"}).where(Inbound.message_id == name).execute()
    assert last() == ("2026-01-02T03:05:05Z", None)
    Outbox("a").notify(chat_id, "hola", Notice.AWAY, LONG_AGO)
    Outbox("b").notify(chat_id, "hola", Notice.AWAY, LONG_AGO)
    for user_id, minutes in (("a", 5), ("b", 6)):
        at = LONG_AGO + timedelta(minutes=minutes)
        sent = Outbound.update(state="sent", sending_at=at, sent_at=at)
        sent.where(Outbound.user_id == user_id).execute()
    assert last() == ("2026-01-02T03:05:05Z", "2026-01-02T03:09:05Z")
    # What was on the disk when the process ended comes into the database at the next start.
    record("a", last_inbound_at=LONG_AGO, last_reply_at=LONG_AGO)
    assert last() == ("2026-01-02T03:05:05Z", "2026-01-02T03:09:05Z")
    later = LONG_AGO + timedelta(hours=1)
    Session.update(last_inbound_at=later, last_reply_at=later).execute()
    assert last() == ("2026-01-02T04:04:05Z", "2026-01-02T04:04:05Z")
