from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from tests.support.session_directories import make_session, tree
from wabot.cli.parser import main
from wabot.errors import ExitCode, OperatorNeeded
from wabot.session.lock import SessionInUse, SessionLock
from wabot.session.quarantine import Quarantine

NOW = datetime(2026, 11, 22, 10, 0, 0)


@pytest.fixture
def sessions(tmp_path: Path) -> Path:
    return tmp_path / "sessions"


@pytest.fixture
def quarantine(tmp_path: Path, sessions: Path) -> Quarantine:
    return Quarantine(tmp_path / "quarantine", sessions)


def test_what_is_moved_aside_is_whole_private_and_explained(
    tmp_path: Path, sessions: Path, quarantine: Quarantine
) -> None:
    make_session(sessions, "ana", linked=True, used_at=NOW)
    before = tree(sessions / "ana")
    entry = quarantine.take("ana", "because", NOW)
    assert not (sessions / "ana").exists()
    assert tree(entry.session) == before
    note = json.loads((entry.path / "note.json").read_text())
    assert note == {
        "user_id": "ana",
        "reason": "because",
        "moved_at": "2026-11-22T10:00:00Z",
        "restore": f"sudo wabot janitor --restore {entry.name}",
    }
    assert quarantine.entries() == [entry]
    for path in (tmp_path / "quarantine", entry.path):
        assert path.stat().st_mode & 0o777 == 0o700
    assert (entry.path / "note.json").stat().st_mode & 0o777 == 0o600


def test_what_is_moved_aside_survives_a_power_cut(
    tmp_path: Path, sessions: Path, quarantine: Quarantine, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[Path] = []
    monkeypatch.setattr("wabot.session.quarantine.sync", lambda *paths: synced.extend(paths))
    make_session(sessions, "ana", linked=True, used_at=NOW)
    entry = quarantine.take("ana", "because", NOW)
    assert synced == [entry.path, tmp_path / "quarantine", sessions], "each has a new name in it, or lost one"


def test_the_same_user_twice_in_a_second(sessions: Path, quarantine: Quarantine) -> None:
    for _ in range(2):
        make_session(sessions, "a.b-c", linked=True, used_at=NOW)
        quarantine.take("a.b-c", "because", NOW)
    assert [entry.user_id for entry in quarantine.entries()] == ["a.b-c", "a.b-c"]


def test_restore_brings_it_back_whole(sessions: Path, quarantine: Quarantine) -> None:
    make_session(sessions, "ana", linked=True, used_at=NOW)
    before = tree(sessions / "ana")
    entry = quarantine.take("ana", "because", NOW)
    assert quarantine.restore(entry.name, NOW) == sessions / "ana"
    assert tree(sessions / "ana") == before
    assert quarantine.entries() == []


def test_a_user_with_one_entry_may_be_named(sessions: Path, quarantine: Quarantine) -> None:
    for number in range(2):
        make_session(sessions, "ana", linked=True, used_at=NOW)
        quarantine.take("ana", "because", NOW + timedelta(days=number))
    with pytest.raises(
        OperatorNeeded, match=r"ana is not in .*; there is ana.20261122T100000Z, ana.20261123"
    ):
        quarantine.restore("ana", NOW)
    quarantine.delete(quarantine.entries()[0])
    assert quarantine.restore("ana", NOW) == sessions / "ana"


@pytest.mark.parametrize("name", ["nobody", "..", "../sessions/ana", "", ".deleting-x"])
def test_only_what_is_there_can_be_restored(sessions: Path, quarantine: Quarantine, name: str) -> None:
    make_session(sessions, "ana", linked=True, used_at=NOW)
    make_session(sessions, "ben", linked=True, used_at=NOW)
    entry = quarantine.take("ben", "because", NOW)
    with pytest.raises(OperatorNeeded, match=f"there is {entry.name}"):
        quarantine.restore(name, NOW)


def damage(session: Path) -> None:
    (session / "whatsapp.db").write_bytes(b"rubbish" * 1000)


@pytest.mark.parametrize("change", [damage, lambda session: (session / "spool").write_bytes(b"a message\n")])
def test_restore_never_covers_another_session(
    sessions: Path, quarantine: Quarantine, change: Callable[[Path], None]
) -> None:
    make_session(sessions, "ana", linked=True, used_at=NOW)
    entry = quarantine.take("ana", "because", NOW)
    change(make_session(sessions, "ana", linked=False, used_at=NOW))
    with pytest.raises(OperatorNeeded, match="wabot reset"):
        quarantine.restore(entry.name, NOW)
    assert quarantine.entries() == [entry]


def test_a_session_without_a_number_makes_way_for_one_with_a_number(
    sessions: Path, quarantine: Quarantine
) -> None:
    """A bot that was started meanwhile, and showed a code that nobody scanned, leaves one."""
    make_session(sessions, "ana", linked=True, used_at=NOW)
    before = tree(sessions / "ana")
    entry = quarantine.take("ana", "because", NOW)
    make_session(sessions, "ana", linked=False, used_at=NOW)
    assert quarantine.restore("ana", NOW + timedelta(hours=1)) == sessions / "ana"
    assert tree(sessions / "ana") == before
    (moved,) = quarantine.entries()
    assert moved.name != entry.name and moved.reason == "without a number, in the way of one with a number"


def test_restore_waits_for_no_living_bot(sessions: Path, quarantine: Quarantine) -> None:
    make_session(sessions, "ana", linked=True, used_at=NOW)
    entry = quarantine.take("ana", "because", NOW)
    with SessionLock(sessions / "ana.lock").acquire(0), pytest.raises(SessionInUse):
        quarantine.restore(entry.name, NOW)
    assert entry.session.is_dir()


def test_expiry_and_interrupted_deletion(tmp_path: Path, sessions: Path, quarantine: Quarantine) -> None:
    for user_id, days in (("old", 31), ("young", 29)):
        make_session(sessions, user_id, linked=True, used_at=NOW)
        quarantine.take(user_id, "because", NOW - timedelta(days=days))
    (expired,) = quarantine.expired(timedelta(days=30), NOW)
    assert expired.user_id == "old"
    expired.path.rename(tmp_path / "quarantine" / f".deleting-{expired.name}")
    quarantine.delete(expired)
    quarantine.finish_deleting()
    assert [path.name for path in (tmp_path / "quarantine").iterdir()] == ["young.20261024T100000Z"]


def test_an_entry_without_a_readable_note(tmp_path: Path, sessions: Path, quarantine: Quarantine) -> None:
    make_session(sessions, "ana", linked=True, used_at=NOW)
    entry = quarantine.take("ana", "because", NOW)
    (entry.path / "note.json").write_text("[" * 100_000)
    (found,) = quarantine.entries()
    assert (found.user_id, found.reason) == ("ana", "no note")
    assert quarantine.restore(found.name, NOW).is_dir()


def test_what_cannot_be_moved_is_said(tmp_path: Path, quarantine: Quarantine) -> None:
    with pytest.raises(OperatorNeeded, match="cannot be moved"):
        quarantine.take("nobody", "because", NOW)


def test_the_command(tmp_path: Path, sessions: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "wabot.toml"
    file.write_text(f'[paths]\nstate = "{tmp_path}"\n')
    make_session(sessions, "ana", linked=True, used_at=NOW)
    entry = Quarantine(tmp_path / "quarantine", sessions).take("ana", "because", NOW)
    assert main(["janitor", "--restore", "x", "--config", str(file)]) == ExitCode.OPERATOR_NEEDED
    assert f"there is {entry.name}" in capsys.readouterr().err
    assert main(["janitor", "--restore", entry.name, "--config", str(file)]) == ExitCode.OK
    assert "is back" in capsys.readouterr().out
    assert (sessions / "ana").is_dir()
