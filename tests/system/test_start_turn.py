from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from wabot.system.start_turn import start_turn

STARTER = """
import pathlib, sys
from wabot.system.start_turn import start_turn
with start_turn(pathlib.Path(sys.argv[1]), 60, 2) as is_turn:
    print(is_turn, flush=True)
    sys.stdin.readline()
"""


def starter(state: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", STARTER, str(state)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def test_only_so_many_start_at_once_and_the_next_when_one_is_done(tmp_path: Path) -> None:
    first, second = starter(tmp_path), starter(tmp_path)
    for each in (first, second):
        assert each.stdout is not None
        assert each.stdout.readline() == "True\n"
    with start_turn(tmp_path, 0, 2) as is_turn:
        assert not is_turn
    third = starter(tmp_path)
    # However it ends.
    first.kill()
    first.communicate()
    assert third.stdout is not None
    assert third.stdout.readline() == "True\n"
    with start_turn(tmp_path, 0, 2) as is_turn:
        assert not is_turn
    for each in (second, third):
        each.communicate("\n", timeout=30)
    with start_turn(tmp_path, 0, 2) as is_turn:
        assert is_turn


def test_without_a_place_to_wait_nobody_waits(tmp_path: Path) -> None:
    with start_turn(tmp_path / "missing") as is_turn:
        assert not is_turn
    (tmp_path / "starting.lock").symlink_to(tmp_path / "elsewhere")
    with start_turn(tmp_path) as is_turn:
        assert not is_turn
    assert not (tmp_path / "elsewhere").exists()


def test_an_error_of_the_start_stays_what_it_is(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="something else"), start_turn(tmp_path):
        raise FileNotFoundError("something else")
    with (
        pytest.raises(FileNotFoundError, match="something else"),
        start_turn(tmp_path / "missing"),
    ):
        raise FileNotFoundError("something else")
