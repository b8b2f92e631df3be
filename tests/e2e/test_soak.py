"""The long trial in short."""

from __future__ import annotations

from pathlib import Path

import pytest

from wabot.emulator.soak import main

pytestmark = pytest.mark.e2e


def test_half_a_minute_of_everything(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    faults = "cuts at send,kill,database,freeze,stop,unknown receipt,latency,model,unreadable"
    directory = tmp_path / "soak"
    code = main(["--minutes", "0.5", "--seed", "7", "--faults", faults, "--keep", str(directory)])
    said = capsys.readouterr().out
    assert code == 0, f"{said}\n{(directory / 'bot.log').read_text()}"
    assert "PASSED: 0 lost silently" in said
    assert "answered" in said
