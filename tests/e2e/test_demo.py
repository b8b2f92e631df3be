"""The demonstration, as scripts/demo starts it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.support import REPOSITORY

pytestmark = pytest.mark.e2e

_TIMEOUT_SECONDS = 60


@pytest.fixture
def demo_directory(tmp_path: Path) -> Iterator[Path]:
    """Where the demonstration keeps what it writes; it has to leave nothing."""
    directory = tmp_path / "tmp"
    directory.mkdir()
    yield directory
    assert list(directory.iterdir()) == []


def _start_demo(directory: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "wabot.trials.demo.demo", *arguments],
        env={**os.environ, "TMPDIR": str(directory), "COLUMNS": "100", "PYTHONPATH": str(REPOSITORY)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def _read_bot_pid(demo: subprocess.Popen[str]) -> int:
    assert demo.stdout is not None
    for line in demo.stdout:
        if found := re.search(r"PID (\d+):", line):
            return int(found[1])
    raise AssertionError("it never told the bot's PID")


def test_demonstration_shows_the_main_job(demo_directory: Path, tmp_path: Path) -> None:
    picture = tmp_path / "demo.svg"
    began = time.monotonic()
    demo = _start_demo(demo_directory, "--svg", str(picture))
    shown, _ = demo.communicate(timeout=_TIMEOUT_SECONDS)
    assert demo.returncode == 0, shown
    assert time.monotonic() - began < 40
    assert "\x1b" not in shown
    assert "6 messages, 6 replies: 0 lost, 0 duplicated; 3 cuts, 3 reconnects" in shown
    assert "with exit code 78" in shown
    for answer in (
        "calle de la Luna",
        "gift cards of €20",
        "24 a 48 horas",
        "France",
        "una foto",
        "sábados de 10:00",
    ):
        assert answer in shown
    drawn = "\n".join(ElementTree.parse(picture).getroot().itertext())
    assert "0 lost, 0 duplicated" in drawn


@pytest.mark.parametrize("stop_signal", [signal.SIGINT, signal.SIGTERM])
def test_demonstration_cleans_up_when_interrupted(demo_directory: Path, stop_signal: signal.Signals) -> None:
    demo = _start_demo(demo_directory)
    bot_pid = _read_bot_pid(demo)
    assert Path(f"/proc/{bot_pid}").exists()
    demo.send_signal(stop_signal)
    shown, _ = demo.communicate(timeout=_TIMEOUT_SECONDS)
    assert demo.returncode == 130, shown
    assert "Interrupted" in shown
    assert not Path(f"/proc/{bot_pid}").exists()


def test_demonstration_fails_when_the_bot_dies(tmp_path: Path) -> None:
    demo = _start_demo(tmp_path)
    bot_pid = _read_bot_pid(demo)
    os.kill(bot_pid, signal.SIGKILL)
    shown, _ = demo.communicate(timeout=_TIMEOUT_SECONDS)
    assert demo.returncode == 1
    assert "ended by itself with exit code -9" in shown
    log = Path(shown.rpartition("The bot's log is ")[2].strip().replace("\n", ""))
    assert log.exists()
