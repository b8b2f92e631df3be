from __future__ import annotations

import dataclasses
import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import peewee
import pytest

from tests.support.arrivals import arrival
from tests.support.existing_schema import add_row, add_user, create_application, rows
from tests.support.session_directories import hold, make_session, tree
from wabot.cli import upkeep as upkeep_commands
from wabot.cli.parser import main
from wabot.config.load import load_settings
from wabot.config.settings import Settings
from wabot.database.engine import migrate, open_database
from wabot.database.models import Chat, Inbound, ModelUsage, Outbound, Session
from wabot.errors import DatabaseAway, ExitCode, OperatorNeeded
from wabot.inbound.spool import Spool, Spooled, read_spool
from wabot.janitor import rows as row_sweeps
from wabot.janitor.run import CleaningOutcome, clean
from wabot.janitor.sweep import ActionKind, Cleanup
from wabot.session.host_lock import HostLock
from wabot.session.lock import SessionLock
from wabot.session.quarantine import Quarantine

NOW = datetime(2026, 11, 22, 10, 0, 0)
OLD = NOW - timedelta(days=3)
PHANTOM = "cmhc22zw20000kmhgvx5ubazy"


@pytest.fixture
def settings(tmp_path: Path, database_url: str) -> Settings:
    file = tmp_path / "wabot.toml"
    file.write_text(
        f'[account]\nuser_id = "ana"\n[paths]\nstate = "{tmp_path}/state"\n'
        f'[database]\nurl = "{database_url}"\n'
    )
    return load_settings(file, {})


@pytest.fixture
def database(database_url: str) -> Iterator[Any]:
    """An open database of its own for each test, with wabot's tables: the application's are added."""
    opened = open_database(database_url)
    migrate(opened)
    yield opened
    opened.close()


@pytest.fixture
def application(database: Any) -> Any:
    create_application(database, foreign_key=False)
    return database


def run(
    settings: Settings, database: Any, *, apply: bool = True, now: datetime = NOW
) -> tuple[CleaningOutcome, list[Cleanup]]:
    actions: list[Cleanup] = []
    return clean(settings, {}, database, now, apply=apply, tell=actions.append), actions


def told(actions: list[Cleanup]) -> set[tuple[ActionKind, str]]:
    return {(action.kind, action.user_id) for action in actions}


@pytest.fixture
def live_bot(settings: Settings) -> Iterator[subprocess.Popen[str]]:
    """A process that holds the session of user `live`."""
    settings.sessions.mkdir(parents=True, exist_ok=True)
    process = hold(settings.sessions / "live.lock")
    yield process
    process.communicate(timeout=10)


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


def test_rows_of_users_that_another_bot_may_serve(settings: Settings, application: Any) -> None:
    """A bot that takes no lock and touches its row seldom: it stays in the table, whatever the row says."""
    for user_id in ("elsewhere", "quiet", "gone"):
        add_user(application, user_id)
    claim = {"status": "CONNECTED", "isConnected": True}
    add_row(application, "elsewhere", NOW, **claim)
    add_row(application, "quiet", OLD, **claim)
    add_row(application, "gone", OLD, status="DISCONNECTED")
    _, did = run(settings, application)
    assert told(did) == {(ActionKind.ROW_CORRECTED, "quiet"), (ActionKind.ROW_DELETED, "gone")}
    assert rows(application)["elsewhere"]["isConnected"]
    # A day later, and ten: what the janitor itself took for disconnected is not deleted for it.
    for days in (2, 10):
        run(settings, application, now=NOW + timedelta(days=days))
        assert rows(application)["quiet"]["status"] == "DISCONNECTED"


def test_rows_of_others_are_left_alone_where_that_is_wanted(settings: Settings, application: Any) -> None:
    janitor = dataclasses.replace(settings.janitor, other_users="leave")
    for user_id in ("quiet", "gone"):
        add_user(application, user_id)
    add_row(application, "quiet", OLD, status="CONNECTED", isConnected=True)
    add_row(application, "gone", OLD, status="DISCONNECTED")
    add_row(application, PHANTOM, OLD)
    _, did = run(dataclasses.replace(settings, janitor=janitor), application)
    assert told(did) == {(ActionKind.ROW_DELETED, PHANTOM)}


def test_users_that_had_a_session_here_are_not_others(settings: Settings, application: Any) -> None:
    own = {"configured": settings.account.user_id, "moved": "moved", "bot": "bot"}
    for user_id in own.values():
        add_user(application, user_id)
        add_row(application, user_id, NOW, status="CONNECTED", isConnected=True)
    make_session(settings.sessions, "moved", linked=False, used_at=OLD)
    Quarantine(settings.quarantine, settings.sessions).take("moved", "a test", NOW)
    Session.create(user_id="bot", updated_at=OLD)
    _, did = run(settings, application)
    assert told(did) >= {(ActionKind.ROW_CORRECTED, user_id) for user_id in own.values()}


@pytest.mark.parametrize("foreign_key", [True, False])
def test_the_foreign_key_is_told(settings: Settings, database: Any, foreign_key: bool) -> None:
    create_application(database, foreign_key=foreign_key)
    add_user(database, "ana")
    outcome, _ = run(settings, database)
    assert outcome.summary().endswith(f"foreign key to users {'present' if foreign_key else 'absent'}")


@pytest.mark.postgresql
def test_the_old_documents_statement_fails_where_the_janitor_succeeds(
    postgresql_url: str, tmp_path: Path
) -> None:
    database = open_database(postgresql_url)
    migrate(database)
    create_application(database, foreign_key=False)
    add_user(database, "ana")
    add_row(database, PHANTOM, NOW)
    with pytest.raises(peewee.ProgrammingError, match='column "userid" does not exist'):
        database.execute_sql("DELETE FROM whatsapp_connections WHERE userId NOT IN (SELECT id FROM users)")
    file = tmp_path / "wabot.toml"
    file.write_text(f'[paths]\nstate = "{tmp_path}/state"\n[database]\nurl = "{postgresql_url}"\n')
    run(load_settings(file, {}), database)
    assert rows(database) == {}
    database.close()


@pytest.mark.postgresql
def test_a_bot_on_another_machine_keeps_its_row(postgresql_url: str, tmp_path: Path) -> None:
    database = open_database(postgresql_url)
    migrate(database)
    create_application(database)
    for user_id in ("ana", "ben"):
        add_user(database, user_id)
        add_row(database, user_id, OLD, status="CONNECTED", isConnected=True)
    file = tmp_path / "wabot.toml"
    file.write_text(f'[paths]\nstate = "{tmp_path}/state"\n[database]\nurl = "{postgresql_url}"\n')
    there = HostLock("ana", tmp_path / "vps2").acquire(0)
    _, actions = run(load_settings(file, {}), database)
    there.release()
    assert told(actions) == {(ActionKind.ROW_CORRECTED, "ben")}
    database.close()


@pytest.mark.parametrize("rows_in_window", [1, 3, 10, 11])
def test_a_table_larger_than_what_is_looked_at_at_once(
    settings: Settings, application: Any, monkeypatch: pytest.MonkeyPatch, rows_in_window: int
) -> None:
    monkeypatch.setattr(row_sweeps, "_WINDOW_ROWS", rows_in_window)
    add_user(application, "ana")
    phantoms = [f"phantom{number}" for number in range(10)]
    for user_id in phantoms:
        add_row(application, user_id, NOW)
    _, would = run(settings, application, apply=False)
    assert sorted(action.user_id for action in would) == phantoms, "each once"
    _, did = run(settings, application)
    assert sorted(action.user_id for action in did) == phantoms
    assert rows(application) == {}


def test_log_ins_of_the_dashboard_are_never_touched(settings: Settings, application: Any) -> None:
    add_user(application, "ana")
    application.execute_sql(
        """INSERT INTO sessions (id, "userId", token, "expiresAt") VALUES ('s', 'ana', 't', '2020-01-01')"""
    )
    run(settings, application)
    assert application.execute_sql("SELECT id FROM sessions").fetchall() == [("s",)]


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


def test_disconnected_rows_go_when_old_and_not_linked(settings: Settings, application: Any) -> None:
    cases = {
        "fresh": NOW - timedelta(hours=23),
        "old": NOW - timedelta(hours=25),
        "linked": OLD,
        "unlinked": OLD,
        "unreadable": OLD,
        "../../etc/x": OLD,
    }
    for user_id, updated_at in cases.items():
        add_user(application, user_id)
        add_row(application, user_id, updated_at, status="DISCONNECTED")
    add_user(application, "failed")
    add_row(application, "failed", OLD, status="ERROR")
    make_session(settings.sessions, "linked", linked=True, used_at=NOW)
    make_session(settings.sessions, "unlinked", linked=False, used_at=NOW)
    make_session(settings.sessions, "unreadable", linked=True, used_at=OLD)
    store = settings.sessions / "unreadable" / "whatsapp.db"
    store.write_bytes(b"rubbish" * 1000)
    os.utime(store, (0, 0))
    _, actions = run(settings, application)
    assert rows(application).keys() == {"fresh", "linked", "unreadable", "failed"}
    assert (ActionKind.LEFT_ALONE, "unreadable") in told(actions)
    assert (settings.sessions / "unreadable").is_dir()


def test_a_held_session_keeps_row_and_directory(
    settings: Settings, application: Any, live_bot: subprocess.Popen[str]
) -> None:
    add_user(application, "live")
    add_user(application, "ana")
    add_row(application, "live", OLD, status="DISCONNECTED")
    make_session(settings.sessions, "live", linked=False, used_at=OLD)
    for apply in (False, True):
        assert run(settings, application, apply=apply)[1] == []
    application.execute_sql("DELETE FROM users WHERE id = 'live'")
    lock = (settings.sessions / "live.lock").read_bytes()
    _, actions = run(settings, application)
    assert told(actions) == {(ActionKind.ROW_DELETED, "live")}
    assert (settings.sessions / "live").is_dir()
    assert (settings.sessions / "live.lock").read_bytes() == lock


def test_an_unlinked_directory_goes_when_it_is_old(settings: Settings, application: Any) -> None:
    for user_id in ("fresh", "old", "linked", "empty"):
        add_user(application, user_id)
    make_session(settings.sessions, "fresh", linked=False, used_at=NOW - timedelta(hours=23))
    make_session(settings.sessions, "old", linked=False, used_at=NOW - timedelta(hours=25))
    make_session(settings.sessions, "linked", linked=True, used_at=OLD)
    (settings.sessions / "not a session").mkdir()
    (settings.sessions / "link").symlink_to(settings.sessions / "linked")
    _, actions = run(settings, application)
    assert told(actions) == {(ActionKind.DIRECTORY_MOVED, "old")}
    assert "no number is linked, and unused since 2026-11-21 09:00 UTC" in str(actions[0])
    assert run(settings, application)[1] == []


def test_messages_on_the_disk_go_with_a_phantom_and_keep_everybody_elses_directory(
    settings: Settings, application: Any
) -> None:
    add_user(application, "ana")
    for user_id in ("ana", PHANTOM):
        directory = make_session(settings.sessions, user_id, linked=False, used_at=OLD)
        Spool(directory / "spool").append(Spooled(arrival("hello"), OLD))
        os.utime(directory / "spool", (0, 0))
    _, actions = run(settings, application)
    assert told(actions) == {(ActionKind.DIRECTORY_MOVED, PHANTOM)}
    assert "this user does not exist; 1 message(s) on disk go with it" in str(actions[0])
    (entry,) = Quarantine(settings.quarantine, settings.sessions).entries()
    assert len(read_spool(entry.session / "spool")) == 1


def test_a_slip_in_the_configuration_does_not_cost_the_linked_number(
    settings: Settings, application: Any
) -> None:
    """The user that is configured here is unknown: most likely `database.url` names another database."""
    add_user(application, "eva")
    make_session(settings.sessions, "ana", linked=True, used_at=OLD)
    _, actions = run(settings, application)
    assert told(actions) == {(ActionKind.LEFT_ALONE, "ana")}
    assert "a configuration is for this user: correct that" in str(actions[0])
    # That of another configuration beside it as little.
    file = Path(settings.source)
    file.with_name("ben.toml").write_text(file.read_text().replace('"ana"', '"ben"'))
    make_session(settings.sessions, "ben", linked=True, used_at=OLD)
    assert told(run(settings, application)[1]) == {
        (ActionKind.LEFT_ALONE, "ana"),
        (ActionKind.LEFT_ALONE, "ben"),
    }
    shutil.rmtree(settings.sessions / "ben")
    shutil.rmtree(settings.sessions / "ana")
    make_session(settings.sessions, "ana", linked=False, used_at=NOW)
    assert told(run(settings, application)[1]) == {(ActionKind.DIRECTORY_MOVED, "ana")}


def test_a_dry_run_leaves_no_trace_on_the_disk(settings: Settings, application: Any) -> None:
    add_user(application, "ana")
    make_session(settings.sessions, "ana", linked=False, used_at=OLD)
    make_session(settings.sessions, PHANTOM, linked=True, used_at=OLD)
    before = tree(settings.paths.state)
    _, actions = run(settings, application, apply=False)
    assert told(actions) == {(ActionKind.DIRECTORY_MOVED, "ana"), (ActionKind.DIRECTORY_MOVED, PHANTOM)}
    assert [str(action).split()[:4] for action in actions] == [["would", "move", "to", "quarantine"]] * 2
    assert tree(settings.paths.state) == before


def test_quarantine_is_emptied_after_its_days(settings: Settings, application: Any) -> None:
    add_user(application, "ana")
    make_session(settings.sessions, PHANTOM, linked=True, used_at=OLD)
    run(settings, application)
    _, actions = run(settings, application, now=NOW + timedelta(days=29))
    assert actions == []
    half_deleted = settings.quarantine / ".deleting-half"
    half_deleted.mkdir()
    before = tree(settings.quarantine)
    _, actions = run(settings, application, apply=False, now=NOW + timedelta(days=31))
    assert told(actions) == {(ActionKind.DIRECTORY_DELETED, PHANTOM)}
    assert tree(settings.quarantine) == before and half_deleted.exists()
    _, actions = run(settings, application, now=NOW + timedelta(days=31))
    assert told(actions) == {(ActionKind.DIRECTORY_DELETED, PHANTOM)}
    assert tree(settings.quarantine) == {}


def test_another_configurations_sessions_are_not_ours_to_judge(
    settings: Settings, application: Any, tmp_path: Path
) -> None:
    add_user(application, "ana")
    make_session(settings.sessions, "shop", linked=True, used_at=OLD)
    make_session(settings.sessions, PHANTOM, linked=True, used_at=OLD)
    other = tmp_path / "shop.toml"
    other.write_text(
        f'[account]\nuser_id = "shop"\n[paths]\nstate = "{tmp_path}/state"\n'
        f'[database]\nurl = "sqlite:///{tmp_path}/shop.db"\n'
    )
    (tmp_path / "pyproject.toml").write_text("[project]\nname = 'x'\n")
    assert told(run(settings, application, apply=False)[1]) == {(ActionKind.DIRECTORY_MOVED, PHANTOM)}
    other.write_text("[account\n")
    assert run(settings, application, apply=False)[1] == []


def test_a_configuration_with_another_state_directory_keeps_its_row(
    settings: Settings, application: Any, tmp_path: Path
) -> None:
    for user_id in ("shop", "shop2"):
        add_user(application, user_id)
        add_row(application, user_id, OLD, status="DISCONNECTED")
        state = tmp_path / f"state-{user_id}"
        (tmp_path / f"{user_id}.toml").write_text(
            f'[account]\nuser_id = "{user_id}"\n[paths]\nstate = "{state}"\n'
            f'[database]\nurl = "{settings.database.url}"\n'
        )
    make_session(tmp_path / "state-shop" / "sessions", "shop", linked=True, used_at=OLD)
    _, actions = run(settings, application)
    assert told(actions) == {(ActionKind.ROW_DELETED, "shop2")}


def test_old_history_goes_in_batches(settings: Settings, application: Any) -> None:
    add_user(application, "ana")
    long_ago = NOW - timedelta(days=91)
    chats = [_chat(f"{number}", long_ago) for number in range(3)]
    for number in range(1200):
        _message(chats[0], f"old{number}", long_ago, "answered")
    _message(chats[1], "new", NOW - timedelta(days=89), "answered")
    _reply(chats[0], long_ago, "sent")
    _reply(chats[1], long_ago, "dead")
    _reply(chats[1], NOW, "pending")
    outcome, actions = run(settings, application)
    lines = sorted(str(action) for action in actions if action.kind is ActionKind.HISTORY_DELETED)
    assert lines == [
        "deleted history 1200 rows of wabot_inbox: older than 90 days",
        "deleted history 2 rows of wabot_chats: older than 90 days, and without messages",
        "deleted history 2 rows of wabot_outbox: older than 90 days",
    ]
    assert (outcome.after["inbox"], outcome.after["outbox"], outcome.after["chats"]) == (1, 1, 1)
    assert [
        action for action in run(settings, application)[1] if action.kind is ActionKind.HISTORY_DELETED
    ] == []


def test_old_counts_of_the_models_go(settings: Settings, application: Any) -> None:
    add_user(application, "ana")
    for days in (0, 89, 91, 400):
        day = (NOW - timedelta(days=days)).date().isoformat()
        ModelUsage.create(user_id="ana", day=day, provider="gpt")
    run(settings, application, apply=False)
    assert ModelUsage.select().count() == 4
    run(settings, application)
    kept = [usage.day for usage in ModelUsage.select().order_by(ModelUsage.day)]
    assert kept == ["2026-08-25", "2026-11-22"]


def test_open_messages_are_kept_for_a_bot_that_may_come_back(settings: Settings, application: Any) -> None:
    add_user(application, "ana")
    short = dataclasses.replace(settings, janitor=dataclasses.replace(settings.janitor, history_days=1))
    chat = _chat("1", OLD)
    _message(chat, "open", OLD, "pending")
    _reply(chat, OLD, "sending")
    run(short, application)
    assert (Inbound.select().count(), Outbound.select().count()) == (1, 1)
    run(short, application, now=NOW + timedelta(days=28))
    assert (Inbound.select().count(), Outbound.select().count(), Chat.select().count()) == (0, 0, 0)


def test_wishes_of_customers_outlive_their_messages(settings: Settings, application: Any) -> None:
    add_user(application, "ana")
    long_ago = NOW - timedelta(days=400)
    wishes: dict[str, dict[str, Any]] = {
        "opted out": {"opted_out_at": long_ago},
        "paused": {"pause_reason": "owner"},
        "paused for long": {"pause_reason": "owner", "paused_until": NOW + timedelta(days=1)},
        "was paused": {"pause_reason": "owner", "paused_until": NOW - timedelta(days=1)},
        "was told": {"away_at": long_ago},
    }
    for contact, wish in wishes.items():
        Chat.create(user_id="ana", contact=contact, jid=contact, created_at=long_ago, **wish)
    run(settings, application)
    assert {chat.contact for chat in Chat.select()} == {"opted out", "paused", "paused for long"}


def test_the_record_of_a_user_that_is_gone_goes(settings: Settings, application: Any) -> None:
    add_user(application, "ana")
    for user_id in ("ana", PHANTOM):
        Session.insert(user_id=user_id, updated_at=NOW).execute()
    _, actions = run(settings, application)
    assert told(actions) == {(ActionKind.ROW_DELETED, PHANTOM)}
    assert [row.user_id for row in Session.select()] == ["ana"]


def test_free_pages_go_back_to_the_file_system(sqlite_url: str, tmp_path: Path) -> None:
    database = open_database(sqlite_url)
    migrate(database)
    create_application(database)
    add_user(database, "ana")
    chat = _chat("1", NOW)
    for number in range(500):
        _message(chat, str(number), NOW - timedelta(days=91), "answered", text="x" * 3000)
    file = tmp_path / "wabot.toml"
    file.write_text(f'[paths]\nstate = "{tmp_path}/state"\n[database]\nurl = "{sqlite_url}"\n')
    _, actions = run(load_settings(file, {}), database)
    assert ActionKind.SPACE_FREED in {action.kind for action in actions}
    assert database.execute_sql("PRAGMA freelist_count").fetchone() == (0,)
    assert run(load_settings(file, {}), database)[1] == []
    database.close()


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


def _chat(contact: str, created_at: datetime) -> Chat:
    return Chat.create(user_id="ana", contact=contact, jid=f"{contact}@s.whatsapp.net", created_at=created_at)


def _message(chat: Chat, message_id: str, at: datetime, state: str, text: str = "hello") -> None:
    Inbound.insert(
        user_id="ana",
        chat=chat,
        jid=chat.jid,
        message_id=message_id,
        sender="1",
        kind="text",
        text=text,
        sent_at=at,
        received_at=at,
        state=state,
    ).execute()


def _reply(chat: Chat, at: datetime, state: str) -> None:
    Outbound.insert(
        user_id="ana", chat=chat, text="hi", state=state, secret=b"x" * 32, created_at=at, not_before=at
    ).execute()


def test_a_bot_that_starts_meanwhile_keeps_its_row(settings: Settings, application: Any) -> None:
    everyone = {f"user{number}" for number in range(600)}
    for user_id in everyone:
        add_user(application, user_id)
        add_row(application, user_id, OLD, status="CONNECTED", isConnected=True)
    corrected: list[str] = []
    started: list[SessionLock] = []

    def start_a_bot(action: Cleanup) -> None:
        corrected.append(action.user_id)
        if len(corrected) == 250:
            latecomer = min(everyone.difference(corrected))
            started.append(SessionLock(settings.sessions / f"{latecomer}.lock").acquire(0))

    clean(settings, {}, application, NOW, apply=True, tell=start_a_bot)
    (lock,) = started
    assert everyone.difference(corrected) == {lock.path.stem}
    assert rows(application)[lock.path.stem]["status"] == "CONNECTED"
    lock.release()


def test_by_a_clock_that_is_far_ahead_nothing_is_cleaned(settings: Settings, application: Any) -> None:
    add_user(application, "ana")
    add_user(application, "gone")
    add_row(application, "gone", OLD, status="DISCONNECTED")
    make_session(settings.sessions, PHANTOM, linked=True, used_at=NOW)
    chat = Chat.create(user_id="ana", contact="1@lid", jid="1@lid", created_at=NOW)
    store = {
        "user_id": "ana",
        "chat": chat,
        "jid": "1@lid",
        "sender": "1@lid",
        "kind": "text",
        "text": "hola",
    }
    Inbound.create(**store, message_id="A", sent_at=NOW, received_at=NOW, state="answered")
    # What was stored by such a clock says nothing.
    ahead = NOW + timedelta(days=400)
    Session.create(user_id="ana", updated_at=ahead)
    lost = {**store, "kind": "lost"}
    Inbound.create(**lost, message_id="B", sent_at=ahead, received_at=ahead, state="answered")
    before, files = rows(application), tree(settings.paths.state)
    for apply in (True, False, True):
        with pytest.raises(OperatorNeeded, match=r"400 days after all that is known .* --clock-is-right"):
            run(settings, application, now=ahead, apply=apply)
    assert rows(application) == before
    assert tree(settings.paths.state) == files
    assert Inbound.select().count() == 2
    _, did = run(settings, application, now=NOW + timedelta(days=29))
    assert did
    # A quiet shop: each run vouches for the next.
    run(settings, application, now=NOW + timedelta(days=58))
    with pytest.raises(OperatorNeeded):
        run(settings, application, now=NOW + timedelta(days=89))
    clean(settings, {}, application, ahead, apply=True, tell=lambda _: None, clock_is_right=True)
    run(settings, application, now=ahead + timedelta(hours=1))
    assert Inbound.select().count() == 1
