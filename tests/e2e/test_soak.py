"""The long trial in short."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from wabot.trials.soak.command import main

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(400)]


@pytest.mark.parametrize(
    ("database", "seed", "minutes", "faults"),
    [
        ("sqlite", "7", "1", "all"),
        pytest.param(
            "postgresql",
            "8",
            "0.5",
            "database-restart,database-lock,kill,stop,cuts-at-send",
            marks=pytest.mark.postgresql,
        ),
    ],
)
def test_nothing_is_lost_silently(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    request: pytest.FixtureRequest,
    database: str,
    seed: str,
    minutes: str,
    faults: str,
) -> None:
    if database == "postgresql":
        # Skips where there is none.
        request.getfixturevalue("postgresql_server")
    options = ["--database", database, "--seed", seed, "--minutes", minutes, "--faults", faults]
    code = main([*options, "--keep", str(tmp_path / "soak")])
    said, told = capsys.readouterr()
    assert code == 0, f"{told}\n{said}\n{(tmp_path / 'soak' / 'bot.log').read_text()}"
    assert "PASSED: 0 lost silently" in said
    answered = re.search(r"(\d+)    answered$", said, re.MULTILINE)
    assert answered
    assert int(answered[1]) > 50
    assert len(re.findall(r"^ +\d+:\d\d\.\d  ", told, re.MULTILINE)) > 60 * float(minutes) / 5


def test_ctrl_c_ends_it_with_the_account_so_far(tmp_path: Path) -> None:
    options = ["--faults", "none", "--customers", "5", "--keep", str(tmp_path / "soak")]
    soak = subprocess.Popen(
        [sys.executable, "-m", "wabot.trials.soak.command", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert soak.stderr
    while " replies, " not in (line := soak.stderr.readline()) or ", 0 replies" in line:
        assert line, "it ended before a customer read a reply"
    soak.send_signal(signal.SIGINT)
    began = time.monotonic()
    said, told = soak.communicate(timeout=60)
    assert soak.returncode == 130, f"{told}\n{said}"
    assert re.search(r"INTERRUPTED after \d+ s: so far 0 lost silently, 0 doubled", said)
    assert re.search(r"[1-9]\d*    answered", said)
    assert time.monotonic() - began < 45
    assert "1    with exit code 0" in said
