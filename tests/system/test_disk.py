from __future__ import annotations

import os
from pathlib import Path

import pytest

from wabot.system.files import sync


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def test_files_and_directories_are_brought_to_the_disk_and_let_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "file"
    file.write_text("hello")
    taken: list[str] = []
    monkeypatch.setattr(
        os, "fsync", lambda descriptor: taken.append(str(Path(f"/proc/self/fd/{descriptor}").readlink()))
    )
    before = descriptors()
    sync(file, tmp_path)
    assert taken == [str(file), str(tmp_path)]
    assert descriptors() == before


def test_a_disk_that_does_not_take_it_is_no_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(descriptor: int) -> None:
        raise OSError(5, "Input/output error")

    with pytest.raises(FileNotFoundError):
        sync(tmp_path / "nothing")
    monkeypatch.setattr(os, "fsync", fail)
    before = descriptors()
    with pytest.raises(OSError, match="Input/output"):
        sync(tmp_path)
    assert descriptors() == before
