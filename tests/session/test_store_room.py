"""Whether the store has room, by what the file system says."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from wabot.session.store_room import StoreRoom


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A file system of 100 GB in blocks of 1 kB, half of it free."""
    found = SimpleNamespace(f_frsize=1000, f_blocks=100_000_000, f_bavail=50_000_000, f_files=10, f_favail=16)
    monkeypatch.setattr(os, "statvfs", lambda path: found)
    return found


def test_there_is_room_until_little_is_left_and_again_when_there_is_twice_as_much(
    disk: Any, tmp_path: Path
) -> None:
    room = StoreRoom(tmp_path)
    assert room.shortage() == ""
    for free, is_short in ((8_389, False), (8_388, True), (16_777, True), (16_778, False), (8_389, False)):
        disk.f_bavail = free
        assert bool(room.shortage()) is is_short, free


def test_of_a_small_disk_a_small_part_is_enough(disk: Any, tmp_path: Path) -> None:
    disk.f_blocks, disk.f_bavail = 6_000, 375
    room = StoreRoom(tmp_path)
    assert room.shortage() == ""
    disk.f_bavail = 374
    assert room.shortage() == (
        f"no room in {tmp_path}: 374 kB are free; WhatsApp keeps the messages until there is"
    )


def test_files_may_be_what_is_missing(disk: Any, tmp_path: Path) -> None:
    disk.f_favail = 15
    assert "no more files fit" in StoreRoom(tmp_path).shortage()
    disk.f_files = disk.f_favail = 0  # as of btrfs, which does not count them
    assert StoreRoom(tmp_path).shortage() == ""


def test_a_disk_that_cannot_be_looked_at_is_not_full(tmp_path: Path) -> None:
    assert StoreRoom(tmp_path / "gone").shortage() == ""
