from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from wabot.system.files import read_json, replace_file, sync, why_unwritable


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


def test_a_file_is_replaced_whole_with_the_mode_it_is_to_have(tmp_path: Path) -> None:
    precious, file = tmp_path / "precious", tmp_path / "file"
    precious.write_text("mine")
    file.symlink_to(precious)
    replace_file(file, b"new", mode=0o644)
    assert precious.read_text() == "mine", "what lies in the way is not followed"
    assert (file.is_symlink(), file.read_bytes(), stat.S_IMODE(file.stat().st_mode)) == (False, b"new", 0o644)
    before = descriptors()
    with file.open("rb") as reader:
        replace_file(file, b"newer", durable=True)
        assert reader.read() == b"new", "a reader keeps what it opened"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert descriptors() == before
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["file", "precious"]


def test_what_cannot_be_replaced_stays_and_nothing_is_left_beside_it(tmp_path: Path) -> None:
    (tmp_path / "file").mkdir()
    with pytest.raises(IsADirectoryError):
        replace_file(tmp_path / "file", b"new")
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        b"\xff",
        "[" * 100_000,
        "[]",
        "{}",
        '{"at": 7}',
        '{"at": "x"}',
        '{"at": null}',
        '{"at": 1e999}',
    ],
)
def test_whatever_a_document_holds_it_is_read_or_refused_in_one_way(content: str | bytes) -> None:
    assert read_json(b'{"at": "7"}', lambda kept: int(kept["at"].strip())) == 7
    with pytest.raises(ValueError):
        read_json(content, lambda kept: int(kept["at"].strip()))


def test_a_number_without_end_is_refused_as_well() -> None:
    with pytest.raises(ValueError, match="OverflowError"):
        read_json('{"at": 1e999}', lambda kept: int(kept["at"]))


def test_why_a_file_cannot_be_written(tmp_path: Path) -> None:
    assert why_unwritable(tmp_path / "wabot.prom") == ""
    missing = tmp_path / "missing"
    assert why_unwritable(missing / "x") == f"{missing} does not exist, so x cannot be written there"
    (tmp_path / "taken").mkdir()
    assert why_unwritable(tmp_path / "taken") == f"{tmp_path / 'taken'} is a directory"
