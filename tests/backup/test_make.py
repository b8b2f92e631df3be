from __future__ import annotations

import fcntl
import os
import resource
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from tests.support import REPOSITORY
from tests.support.backed_up_bot import NOW, Bot, command
from wabot.backup.make import make_backup, newest_backup
from wabot.cli.parser import main
from wabot.config.load import load_settings
from wabot.errors import OperatorNeeded


def test_the_newest_of_a_directory(small_bot: Bot, capsys: pytest.CaptureFixture[str]) -> None:
    settings = load_settings(small_bot.configuration, {})
    assert small_bot.run("restore", str(small_bot.home / "nothing"), "--yes") == 78
    small_bot.backups.mkdir()
    assert small_bot.run("restore", str(small_bot.backups), "--yes") == 78
    make_backup(settings, small_bot.backups, NOW, keep=7, with_session=False)
    small_bot.write("second")
    make_backup(settings, small_bot.backups, NOW + timedelta(days=1), keep=7, with_session=False)
    small_bot.write("third")
    (small_bot.backups / "north-20261231T000000Z").mkdir()
    # As lies where a database was put back.
    (small_bot.backups / "wabot.db.replaced-20261231T000000Z").touch()
    assert small_bot.run("restore", str(small_bot.backups), "--yes") == 0, "the name is the configuration's"
    assert list(small_bot.texts()) == ["before", "second"]
    capsys.readouterr()
    assert main(["restore", str(small_bot.backups), "--yes"]) == 78
    assert "backups of north and wabot: name one" in capsys.readouterr().err


def test_a_clock_that_was_ahead_makes_no_old_backup_the_newest(small_bot: Bot) -> None:
    settings = load_settings(small_bot.configuration, {})
    times = (NOW, NOW + timedelta(days=400), NOW + timedelta(hours=1), NOW + timedelta(hours=1))
    made = [make_backup(settings, small_bot.backups, at, keep=2, with_session=False).path for at in times]
    assert sorted(small_bot.backups.glob("*-*Z")) == made[-2:]
    assert newest_backup(small_bot.backups, None) == made[-1]


def test_the_oldest_go(small_bot: Bot) -> None:
    settings = load_settings(small_bot.configuration, {})
    (small_bot.backups / "other-20200101T000000Z").mkdir(parents=True)
    (small_bot.backups / "wabot-of-mine").mkdir()
    for day in range(4):
        made = make_backup(settings, small_bot.backups, NOW + timedelta(days=day), keep=2, with_session=False)
    assert [path.name for path in made.removed] == ["wabot-20261123T100000Z"]
    assert sorted(path.name for path in small_bot.backups.iterdir()) == [
        "other-20200101T000000Z",
        "wabot-20261124T100000Z",
        "wabot-20261125T100000Z",
        "wabot-of-mine",
    ]


def test_two_backups_at_the_same_time(small_bot: Bot) -> None:
    small_bot.backup()
    settings = load_settings(small_bot.configuration, {})
    descriptor = os.open(small_bot.backups, os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    with pytest.raises(OperatorNeeded, match="another backup is being made"):
        make_backup(settings, small_bot.backups, NOW, keep=7, with_session=False)
    os.close(descriptor)


def test_no_room_leaves_nothing_behind(small_bot: Bot) -> None:
    for _ in range(200):
        small_bot.write("x" * 5000)

    def little_room() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))

    arguments = ("backup", str(small_bot.backups), "--config", str(small_bot.configuration))
    failed = command(*arguments, preexec_fn=little_room)
    assert failed.returncode == 78
    assert failed.stderr.startswith(f"wabot: there is no new backup in {small_bot.backups}: ")
    assert failed.stderr.count("\n") == 1
    assert list(small_bot.backups.iterdir()) == []
    assert command(*arguments).returncode == 0


def test_where_nothing_can_be_written(small_bot: Bot, capsys: pytest.CaptureFixture[str]) -> None:
    for place in (small_bot.configuration, "/proc/backups"):
        assert small_bot.run("backup", str(place)) == 78
        assert f"no backup can be made in {place}: " in capsys.readouterr().err


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
@pytest.mark.parametrize("what", ["backup", "restore"])
def test_who_may_not_is_told_so_in_one_line(small_bot: Bot, what: str) -> None:
    path = small_bot.backup()
    typed = {"backup": ["backup", "/var/tmp/never"], "restore": ["restore", str(path)]}[what]
    as_nobody = f"""
import os, pwd, sys
import wabot.backup.make, wabot.backup.manifest, wabot.backup.restore, wabot.cli.parser
nobody = pwd.getpwnam("nobody")
os.setgroups([]), os.setgid(nobody.pw_gid), os.setuid(nobody.pw_uid)
sys.exit(wabot.cli.parser.main({[*typed, "--config", str(small_bot.configuration)]!r}))
"""
    refused = subprocess.run(
        [sys.executable, "-c", as_nobody],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert refused.returncode == 78, refused.stderr
    assert "Permission denied" in refused.stderr and refused.stderr.count("\n") == 1
    assert refused.stdout == ""


def test_a_killed_backup_leaves_nothing_that_looks_like_one(small_bot: Bot) -> None:
    dying = f"""
import os, sys
from wabot.backup import make as backup
backup.Manifest.write = lambda self, path: os.kill(os.getpid(), 9)
from wabot.cli.parser import main
main(["backup", {str(small_bot.backups)!r}, "--config", {str(small_bot.configuration)!r}])
"""
    killed = subprocess.run([sys.executable, "-c", dying], cwd=REPOSITORY, timeout=60, check=False)
    assert killed.returncode == -9
    (left_over,) = small_bot.backups.iterdir()
    assert left_over.name.startswith(".unfinished-")
    assert small_bot.run("restore", str(small_bot.backups), "--yes") == 78
    path = small_bot.backup()
    assert list(small_bot.backups.iterdir()) == [path]


def test_a_backup_is_on_the_disk_before_it_takes_its_name(
    small_bot: Bot, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[set[str]] = []
    monkeypatch.setattr(
        "wabot.backup.make.sync", lambda *paths: synced.append({path.name for path in paths if path.exists()})
    )
    path = small_bot.backup()
    everything, directory = synced
    assert everything == {f".unfinished-{path.name}", *(each.name for each in path.rglob("*"))}
    assert directory == {small_bot.backups.name}


def test_a_bot_that_never_ran(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "new.toml"
    file.write_text(f'[paths]\nstate = "{tmp_path}/state"\n')
    assert main(["backup", str(tmp_path / "backups"), "--config", str(file)]) == 0
    assert "configuration.toml" in capsys.readouterr().out
    assert not (tmp_path / "state").exists(), "looking made nothing"
    file.unlink()
    assert main(["restore", str(tmp_path / "backups"), "--yes"]) == 0
    assert file.exists()


@pytest.mark.postgresql
def test_where_there_is_nothing_no_good_backup_is_pushed_out(tmp_path: Path) -> None:
    settings = load_settings(None, {"STATE_DIRECTORY": str(tmp_path / "state")})
    good = tmp_path / "backups" / "wabot-20260101T000000Z"
    good.mkdir(parents=True)
    with pytest.raises(OperatorNeeded, match="there is nothing to back up"):
        make_backup(settings, good.parent, NOW, keep=1, with_session=False)
    assert list(good.parent.iterdir()) == [good]
