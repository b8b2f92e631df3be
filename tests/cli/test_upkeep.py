from __future__ import annotations

from pathlib import Path

import pytest

from wabot.cli.parser import main
from wabot.errors import ExitCode


def test_a_good_configuration(config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check-config", "--config", str(config)]) == ExitCode.OK
    assert capsys.readouterr().out == f"{config}: good (user default, state in {tmp_path}/state)\n"
    assert not (tmp_path / "state").exists()


def test_two_configurations_for_one_user_are_noted(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config.with_name("north.toml").write_text(config.read_text())
    assert main(["check-config", "--config", str(config)]) == ExitCode.OK
    assert capsys.readouterr().out.splitlines()[1:] == [
        "note: north.toml is for user default, too; give it a user_id of its own"
    ]


def test_a_configuration_without_texts_is_good_and_told_so(
    config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "none").mkdir()
    config.write_text(f'[ai]\nknowledge = "{tmp_path / "none"}"\n')
    assert main(["check-config", "--config", str(config)]) == ExitCode.OK
    assert capsys.readouterr().out.splitlines()[-1].startswith("note: The bot knows nothing of your shop: ")


def test_a_bad_configuration_says_everything_at_once(
    config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config.write_text('account.user_id = "a b"\nreplies.workers = 0\n', encoding="utf-8")
    assert main(["check-config", "--config", str(config)]) == 78
    shown = capsys.readouterr().err
    first, second = shown.splitlines()
    assert first.startswith(f"wabot: {config}: account.user_id = 'a b': ")
    assert second.startswith(f"wabot: {config}: replies.workers = 0: ")


def test_a_configuration_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for command in ("check-config", "status", "janitor"):
        assert main([command, "--config", str(tmp_path / "none.toml")]) == 78
        assert capsys.readouterr().err.startswith(f"wabot: {tmp_path}/none.toml: no such file")
