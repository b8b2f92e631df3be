from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from wabot.session.wake_file import WakeFile, ring


def test_a_bot_hears_each_ring_once(tmp_path: Path) -> None:
    file = tmp_path / "wake"
    bell = WakeFile(file)
    assert not bell.has_rung()
    ring(file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [bell.has_rung(), bell.has_rung()] == [True, False]
    os.utime(file, ns=(1, 1))
    ring(file)
    assert bell.has_rung()
    assert not WakeFile(file).has_rung(), "who starts looks anyway"


def test_a_session_that_never_ran_hears_nothing(tmp_path: Path) -> None:
    ring(tmp_path / "session" / "wake")
    assert not (tmp_path / "session").exists()


def test_no_link_is_followed(tmp_path: Path) -> None:
    (tmp_path / "wake").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError):
        ring(tmp_path / "wake")
    assert not (tmp_path / "elsewhere").exists()
