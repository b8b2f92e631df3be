"""What a file is by its content, and how large it is or how long it plays."""

from __future__ import annotations

import struct

import pytest

from wabot.emulator.people import sample_files as samples
from wabot.system.untrusted.file_types import HEAD_BYTES, FileType, type_of

MOVIE_HEADER = struct.pack(">4sIIIII", b"mvhd", 0, 0, 0, 1000, 12_400)
LONG_MOVIE_HEADER = struct.pack(">4sIQQIQ", b"mvhd", 1 << 24, 0, 0, 1000, 12_400)
EXIF = b"\xff\xd8\xff\xe1" + struct.pack(">H", 6000) + bytes(5998)
FRAME = b"\xff\xc2" + struct.pack(">HBHH", 11, 8, 480, 640)


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (samples.JPEG, FileType("image/jpeg", 1, 1)),
        (EXIF + FRAME + bytes(9), FileType("image/jpeg", 640, 480)),
        ((EXIF + FRAME)[:HEAD_BYTES], FileType("image/jpeg")),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + struct.pack(">II", 3, 4), FileType("image/png", 3, 4)),
        (samples.PDF, FileType("application/pdf")),
        (samples.MP4, FileType("video/mp4")),
        (samples.MP4 + MOVIE_HEADER, FileType("video/mp4", seconds=12)),
        (samples.MP4 + LONG_MOVIE_HEADER, FileType("video/mp4", seconds=12)),
        (samples.MP4 + MOVIE_HEADER.replace(b"\0\0\x03\xe8", bytes(4)), FileType("video/mp4")),
        (samples.silent_voice(7), FileType("audio/ogg; codecs=opus", seconds=7)),
        (samples.WEBP, None),
        (samples.MP3, None),
        (samples.MP4.replace(b"isom", b"heic", 1), None),
        (b"OggS" + bytes(24) + b"\x01vorbis", None),
        (b"<html>", None),
        (b"", None),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_types(content: bytes, found: FileType | None) -> None:
    assert type_of(content) == found


@pytest.mark.parametrize("whole", [samples.JPEG, samples.silent_voice(1), samples.MP4 + MOVIE_HEADER, EXIF])
def test_broken_files_break_nothing(whole: bytes) -> None:
    for end in range(0, len(whole), 7):
        type_of(whole[:end])
    type_of(b"\xff\xd8\xff" + b"\xff" * 5000)
