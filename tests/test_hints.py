"""The commands that people are told to type."""

from __future__ import annotations

from pathlib import Path

import pytest

from wabot import hints

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
    assert hints.command("pair", file) == typed


def test_the_bot_is_started_by_what_reads_its_configuration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wabot.hints._BOOTED_BY_SYSTEMD", tmp_path)
    assert hints.start(NORTH) == "sudo systemctl start wabot@north.service"
    assert hints.start(USUAL, for_good=True) == "sudo systemctl enable --now wabot.service"
    assert hints.start(OWN) == "wabot run --config bots/wabot.toml"
    assert hints.start(OWN, USUAL, NORTH) == (
        "sudo systemctl start wabot.service wabot@north.service, and wabot run --config bots/wabot.toml"
    )
    monkeypatch.setattr("wabot.hints._BOOTED_BY_SYSTEMD", tmp_path / "none")
    assert hints.start(NORTH) == "sudo wabot run --config /etc/wabot/north.toml"
