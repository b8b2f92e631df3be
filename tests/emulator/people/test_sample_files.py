"""The small files that customers send when nobody cares which."""

from __future__ import annotations

import struct

import pytest

from wabot.emulator.people.sample_files import (
    JPEG,
    SAMPLES,
    picture_size,
    silent_voice,
    voice_seconds,
    words_of,
)
from wabot.emulator.signal.file_messages import FILE_KINDS


def test_there_is_one_of_each_kind() -> None:
    assert set(SAMPLES) == set(FILE_KINDS)
    starts = {"image": b"\xff\xd8\xff", "voice": b"OggS", "document": b"%PDF-", "sticker": b"RIFF"}
    assert {kind: SAMPLES[kind][0][: len(start)] for kind, start in starts.items()} == starts


def test_a_voice_note_tells_its_length() -> None:
    for seconds in (1, 7, 61):
        assert voice_seconds(silent_voice(seconds)) == seconds
    assert voice_seconds(b"no voice") == voice_seconds(b"OggS") == 0


def test_a_voice_note_has_words_for_who_is_made_to_hear_them() -> None:
    note = silent_voice(3, "¿Tienen R1-7 en azul?")
    assert (words_of(note), voice_seconds(note)) == ("¿Tienen R1-7 en azul?", 3)
    assert words_of(silent_voice()) == words_of(b"WORDS=hola") == words_of(b"") == ""


@pytest.mark.parametrize(
    ("content", "size"),
    [
        (JPEG, (1, 1)),
        (b"\xff\xd8\xff\xe0\x00\x04ab\xff\xc2\x00\x0b\x08" + struct.pack(">HH", 480, 640), (640, 480)),
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + struct.pack(">II", 1200, 900), (1200, 900)),
        (b"\xff\xd8\xff\xe0\xff\xff", (0, 0)),
        (b"\x89PNG\r\n\x1a\n", (0, 0)),
        (b"", (0, 0)),
        (b"%PDF-1.4", (0, 0)),
    ],
)
def test_a_picture_tells_its_size(content: bytes, size: tuple[int, int]) -> None:
    assert picture_size(content) == size
