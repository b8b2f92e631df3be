from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.backed_up_bot import Bot
from tests.support.session_directories import tree
from wabot.backup.manifest import MANIFEST


def damage(path: Path, name: str, change: str) -> None:
    if change == "gone":
        (path / name).unlink()
    elif change == "more":
        (path / name).write_text("more")
    else:
        with (path / name).open("r+b") as file:
            file.seek(10)
            file.write(b"\x00damaged\x00")


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("wabot.db", "changed"),
        ("wabot.db", "gone"),
        ("knowledge/prices.md", "changed"),
        ("knowledge/new.md", "more"),
        ("configuration.toml", "gone"),
        (MANIFEST, "changed"),
        (MANIFEST, "gone"),
    ],
)
def test_a_damaged_backup_is_refused_before_anything_is_touched(
    small_bot: Bot, name: str, change: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = small_bot.backup()
    damage(path, name, change)
    before = tree(small_bot.home)
    assert small_bot.run("restore", str(path), "--yes") == 78
    assert tree(small_bot.home) == before
    told = capsys.readouterr().err
    assert ("damaged" in told or "no backup" in told) and told.count("\n") == 1


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        ("wabot", "99.0.0", "made by wabot 99.0.0"),
        ("format", 2, "install that version"),
        ("migrations", ["0001_initial", "9999_from_the_future"], "9999_from_the_future"),
        ("user_id", "ben", "is of user ben"),
        ("engine", "postgresql", "of another kind"),
        ("engine", "oracle", "damaged"),
        ("files", {"../../etc/passwd": "0"}, "damaged"),
        ("files", ["wabot.db"], "damaged"),
        ("places", {"configuration.toml": 7}, "damaged"),
    ],
)
def test_a_backup_that_does_not_fit_is_refused(
    small_bot: Bot, key: str, value: Any, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = small_bot.backup()
    manifest = json.loads((path / MANIFEST).read_text())
    (path / MANIFEST).write_text(json.dumps(manifest | {key: value}))
    assert small_bot.run("restore", str(path), "--yes") == 78
    assert says in capsys.readouterr().err
    assert not list(small_bot.home.glob("*.replaced-*"))
