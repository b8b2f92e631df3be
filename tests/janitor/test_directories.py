from __future__ import annotations

import os
import shutil
from datetime import timedelta
from pathlib import Path
from typing import Any

from tests.support.arrivals import arrival
from tests.support.existing_schema import add_user
from tests.support.janitor_runs import NOW, OLD, PHANTOM, run, told
from tests.support.session_directories import make_session, tree
from wabot.config.settings import Settings
from wabot.inbound.spool import Spool, Spooled, read_spool
from wabot.janitor.sweep import ActionKind
from wabot.session.quarantine import Quarantine


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
