"""The text of PDFs: what is read of honest files, and that hostile ones end inside their limits."""

from __future__ import annotations

import os
import resource
import time
from pathlib import Path

import pytest

from tests.support.pdf_files import HOSTILE, locked, pages_of
from wabot.system.untrusted import confined
from wabot.system.untrusted.confined import Unreadable, read_confined
from wabot.system.untrusted.pdf import read_pdf

PRICES = "Lista de precios (2026)\nMaceta 24 cm: 12,50 €"


def test_an_honest_file(tmp_path: Path) -> None:
    file = tmp_path / "prices.pdf"
    for content in (pages_of(PRICES, "Página 2"), locked(pages_of(PRICES, "Página 2"), "")):
        file.write_bytes(content)
        read = read_pdf(file, 50, 20_000)
        assert read.text.splitlines() == [*PRICES.splitlines(), "", "Página 2"]
        assert read.is_whole
    assert read_pdf(file, 1, 20_000).text.splitlines() == PRICES.splitlines()
    assert [read_pdf(file, *most).is_whole for most in ((1, 20_000), (2, 20_000), (2, 40))] == [
        False,
        True,
        False,
    ]
    assert len(read_pdf(file, 2, 30).text) == 30


DAMAGED = "it is damaged, or made to be read for ever"
REASONS = {
    "locked": "it is locked with a password",
    "scanned": (NO_TEXT := "it holds no text: a scanned page is a picture"),
    "draws itself": NO_TEXT,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_ends_in_time_and_with_a_reason(tmp_path: Path, name: str) -> None:
    file = tmp_path / "hostile.pdf"
    file.write_bytes(HOSTILE[name]())
    before = _children_seconds()
    with pytest.raises(Unreadable) as told:
        read_pdf(file, 50, 20_000, cpu_seconds=2)
    assert str(told.value) == REASONS.get(name, DAMAGED)
    assert _children_seconds() - before < 6
    assert [each for each in tmp_path.iterdir() if each != file] == []


def _children_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


_WRITER = """
import sys, time
from wabot.system.untrusted.confined import confine
confine(int(sys.argv[1]))
{}
"""


@pytest.mark.parametrize(
    ("does", "ends"),
    [
        ("print(sorted(__import__('os').environ), end='')", b"['LC_ALL', 'PYTHONPATH']"),
        ("bytes(600_000_000)", None),
        ("print('x', file=open(__file__ + '.new', 'w'), flush=True)", None),
        ("while True: sys.stdout.write('x' * 1000)", None),
        ("sys.stdout.write('x' * 101)", None),
        ("while True: pass", None),
        ("time.sleep(60)", None),
    ],
)
def test_what_such_a_process_may_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, does: str, ends: bytes | None
) -> None:
    (tmp_path / "reader_of_the_test.py").write_text(_WRITER.format(does), encoding="utf-8")
    monkeypatch.setattr(confined, "_MODULES", f"{confined._MODULES}:{tmp_path}")
    monkeypatch.setenv("API_KEY", "sk-secret")
    file = tmp_path / "file"
    file.touch()
    began = time.monotonic()
    if ends is None:
        with pytest.raises(Unreadable):
            read_confined("reader_of_the_test", file, most_bytes=100, cpu_seconds=1)
    else:
        assert read_confined("reader_of_the_test", file, most_bytes=100, cpu_seconds=1) == ends
    assert time.monotonic() - began < 10


def test_only_a_regular_file_is_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "link.pdf").symlink_to(tmp_path / "prices.pdf")
    (tmp_path / "prices.pdf").write_bytes(pages_of(PRICES))
    for name in ("fifo", "link.pdf", "missing.pdf"):
        with pytest.raises(OSError):
            read_pdf(tmp_path / name, 1, 100)
    assert read_pdf(tmp_path / "link.pdf", 1, 100, through_links=True).is_whole
