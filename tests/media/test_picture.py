"""Pictures are made small and plain, documents are read, what is neither is given up; all when needed."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.support.pdf_files import HOSTILE, pages_of
from wabot.config.conversation_settings import MediaSettings
from wabot.conversation.files.received_files import ReceivedFiles
from wabot.database.models import ReceivedFile
from wabot.emulator.people.sample_files import JPEG, PDF, WEBP
from wabot.media.directory import MediaDirectory
from wabot.media.document import DocumentReader
from wabot.media.first_file import FirstFile
from wabot.media.picture import PictureReader
from wabot.media.worker import NotUnderstood, Understood
from wabot.system.untrusted.confined import CPU_SECONDS

ROW: Any = ReceivedFile()


def drawn(width: int, height: int, kind: str, mode: str = "RGB", **options: Any) -> bytes:
    written = io.BytesIO()
    Image.new(mode, (width, height), "red").save(written, kind, **options)
    return written.getvalue()


def turned() -> bytes:
    """A photo that was taken with the phone upright, and says so and where it was."""
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010E] = "at home"
    return drawn(3000, 1000, "JPEG", exif=exif)


PICTURES = {
    "a pixel": (JPEG, (1, 1)),
    "WebP": (WEBP, (1, 1)),
    "see-through": (drawn(40, 30, "PNG", "RGBA"), (40, 30)),
    "colours by number": (drawn(40, 30, "GIF", "P"), (40, 30)),
    "grey": (drawn(2000, 10, "PNG", "L"), (1600, 8)),
    "upright": (turned(), (533, 1600)),
}


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_is_made_small_and_plain(tmp_path: Path, name: str) -> None:
    content, size = PICTURES[name]
    file = tmp_path / "7"
    file.write_bytes(content)
    reader = PictureReader(MediaSettings())
    assert reader.read(ROW, file) is None
    with Image.open(file) as picture:
        assert (picture.format, picture.mode, picture.size) == ("JPEG", "RGB", size)
        assert dict(picture.getexif()) == {}
    assert [path.name for path in tmp_path.iterdir()] == ["7"] and file.stat().st_mode & 0o777 == 0o600
    assert (reader.most_bytes, reader.seconds(ROW)) == (10_000_000, 2 * CPU_SECONDS)


@pytest.mark.parametrize(
    "content",
    [b"", PDF, b"<svg onload='x'/>", turned()[:9000], b"\x89PNG\r\n\x1a\n", drawn(8000, 5001, "PNG", "1")],
)
def test_what_is_no_picture_is_given_up(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "7").write_bytes(content)
    with pytest.raises(NotUnderstood, match="no picture that can be shown") as raised:
        PictureReader(MediaSettings()).read(ROW, tmp_path / "7")
    assert not raised.value.worth_retry


def test_a_document_is_read(tmp_path: Path) -> None:
    reader = DocumentReader(MediaSettings())
    for content, text in ((PDF, "Invoice 4711"), (pages_of("año 1"), "año 1")):
        (tmp_path / "7").write_bytes(content)
        assert reader.read(ROW, tmp_path / "7") == Understood(text, "PDF")
    for name in ("garbage", "scanned", "locked"):
        (tmp_path / "7").write_bytes(HOSTILE[name]())
        with pytest.raises(NotUnderstood):
            reader.read(ROW, tmp_path / "7")
    assert (reader.most_bytes, reader.seconds(ROW)) == (20_000_000, 2 * CPU_SECONDS)


def test_nothing_begins_before_the_first_file_and_what_was_left_goes(
    sqlite_database: Any, tmp_path: Path
) -> None:
    (tmp_path / "9").write_bytes(b"left")
    begun: list[None] = []
    files = ReceivedFiles("shop")
    first = FirstFile(files, MediaDirectory(tmp_path), lambda: begun.append(None))
    assert first.work() is None
    assert (begun, first.is_stopping, list(tmp_path.iterdir())) == ([], False, [])
    files.has_waiting = lambda: True  # type: ignore[method-assign]
    first.work()
    assert (begun, first.is_stopping) == ([None], True)


def test_a_bot_without_files_loads_nothing_that_reads_them() -> None:
    heavy = {"requests", "cryptography", "pypdf"}
    code = f"import sys, wabot.service.pipeline; print(sys.modules.keys() & {heavy})"
    command = [sys.executable, "-P", "-c", code]
    assert subprocess.run(command, stdout=subprocess.PIPE, check=True, timeout=60).stdout == b"set()\n"
