"""The small files that customers send when nobody cares which."""

from __future__ import annotations

from wabot.emulator.people.sample_files import SAMPLES, silent_voice, voice_seconds
from wabot.emulator.signal.file_messages import FILE_KINDS


def test_there_is_one_of_each_kind() -> None:
    assert set(SAMPLES) == set(FILE_KINDS)
    starts = {"image": b"\xff\xd8\xff", "voice": b"OggS", "document": b"%PDF-", "sticker": b"RIFF"}
    assert {kind: SAMPLES[kind][0][: len(start)] for kind, start in starts.items()} == starts


def test_a_voice_note_tells_its_length() -> None:
    for seconds in (1, 7, 61):
        assert voice_seconds(silent_voice(seconds)) == seconds
    assert voice_seconds(b"no voice") == voice_seconds(b"OggS") == 0
