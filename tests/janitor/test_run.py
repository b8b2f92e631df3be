from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import peewee
import pytest

from tests.support.existing_schema import add_row, add_user, create_application, rows
from tests.support.janitor_runs import NOW, OLD, PHANTOM, run, told
from tests.support.session_directories import make_session, tree
from wabot.cli import upkeep as upkeep_commands
from wabot.cli.parser import main
from wabot.config.settings import Settings
from wabot.database.engine import open_database
from wabot.errors import DatabaseAway, ExitCode, OperatorNeeded
from wabot.janitor.sweep import ActionKind
from wabot.session.quarantine import Quarantine


def test_the_incident(settings: Settings, application: Any, live_bot: subprocess.Popen[str]) -> None:
    for user_id in ("live", "claimant", "claimant2", "valid"):
        add_user(application, user_id)
    claim = {"status": "CONNECTED", "isConnected": True}
    add_row(application, PHANTOM, NOW, **claim)
    add_row(application, "claimant", OLD, **claim)
    add_row(application, "claimant2", NOW, status="DISCONNECTED", isConnected=True)
    add_row(application, "valid", OLD, status="DISCONNECTED", phoneNumber="34600111222")
    add_row(application, "live", OLD, **claim)
    make_session(settings.sessions, PHANTOM, linked=True, used_at=NOW)
    make_session(settings.sessions, "claimant2", linked=False, used_at=NOW)
    make_session(settings.sessions, "valid", linked=True, used_at=OLD)
    make_session(settings.sessions, "live", linked=True, used_at=OLD)
    before = rows(application)
    credentials = tree(settings.sessions / "valid")

    dry, would = run(settings, application, apply=False)
    assert rows(application) == before
    assert (settings.sessions / PHANTOM).is_dir()
    outcome, did = run(settings, application)

    assert told(did) == {
        (ActionKind.ROW_DELETED, PHANTOM),
        (ActionKind.DIRECTORY_MOVED, PHANTOM),
        (ActionKind.ROW_CORRECTED, "claimant"),
        (ActionKind.ROW_CORRECTED, "claimant2"),
    }
    assert told(would) == told(did)
    after = rows(application)
    assert after.keys() == before.keys() - {PHANTOM}
    for user_id in ("claimant", "claimant2"):
        assert (after[user_id]["status"], bool(after[user_id]["isConnected"])) == ("DISCONNECTED", False)
        assert "no process held the session" in after[user_id]["lastError"]
    assert (after["valid"], after["live"]) == (before["valid"], before["live"])
    assert tree(settings.sessions / "valid") == credentials
    assert live_bot.poll() is None
    assert not (settings.sessions / PHANTOM).exists()
    (entry,) = Quarantine(settings.quarantine, settings.sessions).entries()
    assert (entry.user_id, entry.reason) == (PHANTOM, "this user does not exist")
    assert outcome.before["connections"] == 5
    assert outcome.after["connections"] == 4
    assert "connections 5 -> 4, connected 4 -> 1" in outcome.summary()
    assert dry.before == dry.after == outcome.before

    _, again = run(settings, application)
    assert again == []


def test_refuses_when_there_are_no_users(settings: Settings, application: Any) -> None:
    add_row(application, PHANTOM, NOW)
    make_session(settings.sessions, PHANTOM, linked=True, used_at=NOW)
    with pytest.raises(OperatorNeeded, match="users is empty") as refusal:
        run(settings, application)
    assert refusal.value.exit_code == ExitCode.OPERATOR_NEEDED
    assert rows(application).keys() == {PHANTOM}
    assert (settings.sessions / PHANTOM).is_dir()


def test_refuses_when_there_is_no_table_of_users(settings: Settings, database: Any) -> None:
    make_session(settings.sessions, PHANTOM, linked=True, used_at=NOW)
    with pytest.raises(OperatorNeeded, match="nothing was cleaned: the database has no table users"):
        run(settings, database)
    assert (settings.sessions / PHANTOM).is_dir()


def test_users_that_vanish_meanwhile_are_no_reason_to_delete(
    settings: Settings, application: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_user(application, "ana")
    add_row(application, "ana", NOW)
    monkeypatch.setattr(
        "wabot.janitor.run.count_claims", lambda _: application.execute_sql("DELETE FROM users") and 0
    )
    make_session(settings.sessions, "ana", linked=True, used_at=OLD)
    _, actions = run(settings, application)
    assert actions == []
    assert rows(application).keys() == {"ana"}


def test_a_database_that_goes_away_is_69(settings: Settings, application: Any) -> None:
    add_user(application, "ana")
    add_row(application, PHANTOM, NOW)
    if isinstance(application, peewee.SqliteDatabase):
        application.execute_sql("PRAGMA busy_timeout = 50")
        other = sqlite3.connect(application.database, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
    else:
        with pytest.raises(peewee.OperationalError):
            application.execute_sql("SELECT pg_terminate_backend(pg_backend_pid())")
    with pytest.raises(DatabaseAway, match="what it did is whole"):
        run(settings, application)


def test_a_dry_run_leaves_no_trace_on_the_disk(settings: Settings, application: Any) -> None:
    add_user(application, "ana")
    make_session(settings.sessions, "ana", linked=False, used_at=OLD)
    make_session(settings.sessions, PHANTOM, linked=True, used_at=OLD)
    before = tree(settings.paths.state)
    _, actions = run(settings, application, apply=False)
    assert told(actions) == {(ActionKind.DIRECTORY_MOVED, "ana"), (ActionKind.DIRECTORY_MOVED, PHANTOM)}
    assert [str(action).split()[:4] for action in actions] == [["would", "move", "to", "quarantine"]] * 2
    assert tree(settings.paths.state) == before


def test_tables_of_an_older_or_newer_wabot_are_left_alone(settings: Settings, database_url: str) -> None:
    database = open_database(database_url)
    create_application(database)
    add_user(database, "ana")
    _, actions = run(settings, database)
    assert told(actions) == {(ActionKind.LEFT_ALONE, "")}
    database.close()


def test_two_at_once_do_each_thing_once(settings: Settings, application: Any, tmp_path: Path) -> None:
    add_user(application, "ana")
    for number in range(600):
        add_row(application, f"{PHANTOM}{number}", NOW)
    for number in range(20):
        make_session(settings.sessions, f"gone{number}", linked=True, used_at=OLD)
    command = [sys.executable, "-m", "wabot", "janitor", "--apply", "--json", "--config", settings.source]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    answers = [json.loads(each.communicate(timeout=60)[0]) for each in both]
    assert [each.returncode for each in both] == [0, 0]
    done = [
        (action["deed"], action["user_id"])
        for answer in answers
        for action in answer["actions"]
        if action["deed"] != ActionKind.SPACE_FREED
    ]
    assert len(done) == len(set(done)) == 620
    assert rows(application) == {}
    assert len(Quarantine(settings.quarantine, settings.sessions).entries()) == 20


@pytest.mark.parametrize("kill_after", [1, 7, 13])
def test_an_interrupted_run_leaves_nothing_half_done(
    settings: Settings, application: Any, kill_after: int
) -> None:
    add_user(application, "ana")
    for number in range(20):
        make_session(settings.sessions, f"gone{number}", linked=True, used_at=OLD)
    command = [sys.executable, "-m", "wabot", "janitor", "--apply", "--config", settings.source]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for _ in range(kill_after):
            process.stdout.readline()
        process.kill()
    quarantine = Quarantine(settings.quarantine, settings.sessions)
    whole = [entry for entry in quarantine.entries() if (entry.session / "whatsapp.db").is_file()]
    left = [path for path in settings.sessions.iterdir() if path.is_dir()]
    assert len(whole) >= kill_after
    assert len(whole) + len(left) == 20
    run(settings, application)
    assert len([entry for entry in quarantine.entries() if entry.session.is_dir()]) == 20


def test_the_command(settings: Settings, application: Any, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["janitor", "--config", settings.source]
    assert main(arguments) == ExitCode.OPERATOR_NEEDED
    assert "users is empty" in capsys.readouterr().err
    add_user(application, "ana")
    add_row(application, PHANTOM, NOW)
    assert main(arguments) == ExitCode.OK
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"would delete row row-{PHANTOM} of user {PHANTOM}: this user does not exist"
    assert lines[1].startswith(
        "janitor: 1 to do, nothing was changed; --apply does it; users 1 -> 1, connections 1 -> 1"
    )
    assert len(lines) == 2
    assert main([*arguments, "--apply", "--json"]) == ExitCode.OK
    answer = json.loads(capsys.readouterr().out)
    assert answer["actions"] == [
        {
            "deed": "deleted row",
            "target": f"row-{PHANTOM}",
            "user_id": PHANTOM,
            "reason": "this user does not exist",
            "done": True,
        }
    ]
    assert (answer["before"]["connections"], answer["after"]["connections"]) == (1, 0)


def test_a_long_list_is_cut_and_the_summary_counts_all(
    settings: Settings, application: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    add_user(application, "ana")
    for number in range(33):
        add_row(application, f"phantom{number}", NOW)
    assert main(["janitor", "--config", settings.source]) == ExitCode.OK
    lines = capsys.readouterr().out.splitlines()
    assert sum(line.startswith("would delete row") for line in lines) == 20
    assert lines[-2] == "... and 13 more: would delete row"
    assert lines[-1].startswith("janitor: 33 to do, ")
    monkeypatch.setattr(upkeep_commands, "_MOST_ACTIONS_AS_JSON", 30)
    assert main(["janitor", "--apply", "--json", "--config", settings.source]) == ExitCode.OK
    answer = json.loads(capsys.readouterr().out)
    assert (len(answer["actions"]), answer["counts"]) == (30, {"deleted row": 33})


def test_before_the_first_run_there_is_nothing_to_clean(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "wabot.toml"
    file.write_text(f'[paths]\nstate = "{tmp_path}/state"\n')
    assert main(["janitor", "--apply", "--config", str(file)]) == ExitCode.OK
    assert not (tmp_path / "state").exists()
    make_session(tmp_path / "state" / "sessions", "ana", linked=True, used_at=OLD)
    assert main(["janitor", "--apply", "--config", str(file)]) == ExitCode.OPERATOR_NEEDED
    assert "there is no database" in capsys.readouterr().err
