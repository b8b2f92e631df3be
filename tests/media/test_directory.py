"""Where received files lie: private, few, and swept."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from wabot.media.directory import MediaDirectory, NoRoom


@pytest.fixture
def directory(tmp_path: Path) -> MediaDirectory:
    return MediaDirectory(tmp_path / "media", most_bytes=100, least_free_bytes=0)


def write(directory: MediaDirectory, number: int, content: bytes) -> Path:
    with directory.begin(number) as file:
        file.write(content)
    return directory.keep(number)


def test_files_are_private_and_named_by_their_rows(directory: MediaDirectory, tmp_path: Path) -> None:
    os.umask(0o022)
    path = write(directory, 7, b"sound")
    assert path == tmp_path / "media" / "7" == directory.path_of(7)
    assert path.read_bytes() == b"sound"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    with directory.unnamed() as file:
        file.write(b"blob")
        assert stat.S_IMODE(os.fstat(file.fileno()).st_mode) == 0o600
        assert list(path.parent.iterdir()) == [path]
    directory.drop(7)
    directory.drop(7)
    assert list(path.parent.iterdir()) == []


def test_nothing_is_written_through_a_link(directory: MediaDirectory, tmp_path: Path) -> None:
    write(directory, 1, b"")
    secret = tmp_path / "secret"
    secret.write_text("keep")
    for name in ("7", "7.part"):
        (tmp_path / "media" / name).symlink_to(secret)
    write(directory, 7, b"sound")
    assert secret.read_text() == "keep" and directory.path_of(7).read_bytes() == b"sound"


def test_the_sweep_leaves_what_is_whole_and_wanted(directory: MediaDirectory, tmp_path: Path) -> None:
    assert directory.sweep({1}) == 0
    for number in (1, 2):
        write(directory, number, b"x")
    directory.begin(3).close()
    directory.begin(1).close()
    (tmp_path / "media" / "core").symlink_to("/etc/passwd")
    assert directory.sweep({1, 3}) == 4
    assert [path.name for path in (tmp_path / "media").iterdir()] == ["1"]


def test_room_is_bounded_by_what_lies_there_and_by_the_disk(
    directory: MediaDirectory, tmp_path: Path
) -> None:
    write(directory, 1, bytes(60))
    directory.require_room(40)
    with pytest.raises(NoRoom, match="as much as it may"):
        directory.require_room(41)
    with pytest.raises(NoRoom, match="nearly full"):
        MediaDirectory(tmp_path / "media", least_free_bytes=2**60).require_room(1)
