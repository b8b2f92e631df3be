from __future__ import annotations

import dataclasses
import os
import subprocess
from datetime import timedelta
from pathlib import Path
from typing import Any

import peewee
import pytest

from tests.support.existing_schema import add_row, add_user, create_application, rows
from tests.support.janitor_runs import NOW, OLD, PHANTOM, run, told
from tests.support.session_directories import make_session
from wabot.config.load import load_settings
from wabot.config.settings import Settings
from wabot.database.engine import migrate, open_database
from wabot.database.models import Session
from wabot.janitor import rows as row_sweeps
from wabot.janitor.run import clean
from wabot.janitor.sweep import ActionKind, Cleanup
from wabot.session.host_lock import HostLock
from wabot.session.lock import SessionLock
from wabot.session.quarantine import Quarantine


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
