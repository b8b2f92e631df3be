from __future__ import annotations

from pathlib import Path

import pytest

from wabot.config import machine as module
from wabot.config.load import load_settings
from wabot.config.machine import unit_environment


def test_an_operators_shell_gets_what_the_unit_has(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    etc, store, state = tmp_path / "etc", tmp_path / "credstore", tmp_path / "state"
    for directory in (etc, store, state):
        directory.mkdir()
    monkeypatch.setattr(module, "CONFIGURATIONS", etc)
    monkeypatch.setattr(module, "STATE", state)
    (store / "shop.database-url").write_text("postgresql://shop@localhost/app\n")
    (store / "other.database-url").write_text("postgresql://other@localhost/app\n")
    (etc / "shop.env").write_text('# comment\nKEY="a=b"\nEMPTY=\nPATH=/nowhere\nnot a line\n')
    file = etc / "shop.toml"
    file.write_text('[database]\nurl = "credential:database-url"\n')

    environ = unit_environment(file, {"PATH": "/bin"}, (store, tmp_path / "missing"))

    assert environ == {
        "PATH": "/bin",
        "KEY": "a=b",
        "EMPTY": "",
        "DATABASE_URL": "postgresql://shop@localhost/app",
        "STATE_DIRECTORY": str(state),
    }
    settings = load_settings(file, environ)
    assert settings.database.url == "postgresql://shop@localhost/app"
    assert settings.paths.state == state


@pytest.mark.parametrize("name", ["CREDENTIALS_DIRECTORY", "STATE_DIRECTORY"])
def test_inside_a_unit_nothing_is_added(tmp_path: Path, name: str) -> None:
    (tmp_path / "shop.env").write_text("KEY=1\n")
    (tmp_path / "shop.secret").write_text("x")
    assert unit_environment(tmp_path / "shop.toml", {name: "x"}, (tmp_path,)) == {name: "x"}
    assert unit_environment(None, {"A": "b"}, (tmp_path,)) == {"A": "b"}


def test_what_cannot_be_read_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "shop.env").write_bytes(b"KEY=\xff\n")
    (tmp_path / "shop.secret").mkdir()
    assert unit_environment(tmp_path / "shop.toml", {}, (tmp_path,)) == {}
