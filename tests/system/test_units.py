"""The commands that people are told to type."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from wabot.system import units
from wabot.whatsapp import signals as link_signals

USUAL, NORTH, OWN = Path("/etc/wabot/wabot.toml"), Path("/etc/wabot/north.toml"), Path("bots/wabot.toml")


@pytest.mark.parametrize(
    ("file", "typed"),
    [
        (None, "wabot pair"),
        (USUAL, "sudo wabot pair"),
        (NORTH, "sudo wabot pair --config /etc/wabot/north.toml"),
        (OWN, "wabot pair --config bots/wabot.toml"),
    ],
)
def test_a_command_can_be_typed_as_it_stands(file: Path | None, typed: str) -> None:
    assert units.command("pair", file) == typed


def test_a_program_that_the_shell_does_not_find_is_named_by_its_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As from a virtual environment; the installer's is found, by a link."""
    installed, own = tmp_path / "opt" / "wabot", tmp_path / "my venv" / "wabot"
    for program in (installed, own):
        program.parent.mkdir()
        program.touch(mode=0o755)
    command = tmp_path / "wabot"
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "argv", [str(own), "status"])
    assert units.command("pair", None) == f"'{own}' pair"
    command.symlink_to(installed)
    assert units.command("pair", None) == f"'{own}' pair"
    for typed in (installed, command):
        monkeypatch.setattr(sys, "argv", [str(typed), "status"])
        assert units.command("pair", USUAL) == "sudo wabot pair"
    monkeypatch.setattr(sys, "argv", [str(tmp_path / "wabot" / "__main__.py"), "status"])
    assert units.command("pair", None) == "wabot pair"


def test_what_only_knows_of_its_process_names_its_configuration() -> None:
    assert units.own_command("doctor") == "sudo wabot doctor"
    units.configure_hints(NORTH)
    assert units.own_command("doctor") == "sudo wabot doctor --config /etc/wabot/north.toml"
    assert link_signals.ended("database disk image is malformed", dict).reason.endswith(
        "sudo wabot doctor --config /etc/wabot/north.toml names the commands that help"
    )


@pytest.mark.parametrize("typed", [True, False])
def test_a_refused_start_names_the_configuration_it_was_given(tmp_path: Path, typed: bool) -> None:
    file = tmp_path / "north.toml"
    file.write_text(f'[account]\nuser_id = "north"\n[paths]\nstate = "{tmp_path}"\n')
    with closing(sqlite3.connect(tmp_path / "wabot.db")) as database:
        database.execute("CREATE TABLE users (id text PRIMARY KEY)")
    answer = subprocess.run(
        [sys.executable, "-m", "wabot", "run", *(["--config", str(file)] if typed else [])],
        env={**os.environ, **({} if typed else {"WABOT_CONFIG": str(file)})},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert answer.returncode == 78
    assert f"(`wabot doctor --config {file}` lists them)" in answer.stderr


def test_the_bot_is_started_by_what_reads_its_configuration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wabot.system.units._BOOTED_BY_SYSTEMD", tmp_path)
    assert units.start(NORTH) == "sudo systemctl start wabot@north.service"
    assert units.start(None) == "sudo systemctl start wabot.service"
    assert units.start(USUAL, for_good=True) == "sudo systemctl enable --now wabot.service"
    assert units.start(OWN) == "wabot run --config bots/wabot.toml"
    assert units.start(OWN, USUAL, NORTH) == (
        "sudo systemctl start wabot.service wabot@north.service, and wabot run --config bots/wabot.toml"
    )
    monkeypatch.setattr("wabot.system.units._BOOTED_BY_SYSTEMD", tmp_path / "none")
    assert units.start(NORTH) == "sudo wabot run --config /etc/wabot/north.toml"
