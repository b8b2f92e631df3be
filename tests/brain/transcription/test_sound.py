"""How long a file of sound plays, and as what it goes to a transcriber."""

from __future__ import annotations

from pathlib import Path

import pytest

from wabot.brain.transcription.sound import UnknownSound, read_sound
from wabot.emulator.people.sample_files import JPEG, MP3, MP4, PDF, silent_voice


def kept(tmp_path: Path, content: bytes) -> Path:
    file = tmp_path / "1"
    file.write_bytes(content)
    return file


@pytest.mark.parametrize("seconds", [1, 7, 61])
def test_a_voice_note_plays_as_long_as_its_packets(tmp_path: Path, seconds: int) -> None:
    sound = read_sound(kept(tmp_path, silent_voice(seconds)), said_seconds=9999)
    assert sound.seconds == pytest.approx(seconds)
    assert (sound.name, sound.mimetype) == ("voice.ogg", "audio/ogg")


def test_what_the_pages_say_of_the_time_is_not_believed(tmp_path: Path) -> None:
    note = bytearray(silent_voice(30))
    at = note.rindex(b"OggS")
    note[at + 6 : at + 14] = (48_000).to_bytes(8, "little")
    assert read_sound(kept(tmp_path, bytes(note)), 1).seconds == pytest.approx(30)


def test_packets_with_many_frames_count_each(tmp_path: Path) -> None:
    # Three frames of 20 ms in each, instead of one.
    note = silent_voice(2).replace(b"\xf8\xff\xfe", b"\xfb\x03\xfe")
    assert read_sound(kept(tmp_path, note), 1).seconds == pytest.approx(6)


@pytest.mark.parametrize(
    ("content", "said_seconds", "name", "seconds"),
    [
        (MP3 + bytes(160_000), 3, "voice.mp3", 10),
        (b"ID3" + bytes(100), 60, "voice.mp3", 60),
        (MP4, 5, "voice.m4a", 5),
        (b"RIFF\0\0\0\0WAVEfmt ", 5, "voice.wav", 5),
        (b"fLaC" + bytes(20), 5, "voice.flac", 5),
    ],
)
def test_other_sound_counts_at_least_as_long_as_its_size(
    tmp_path: Path, content: bytes, said_seconds: int, name: str, seconds: float
) -> None:
    sound = read_sound(kept(tmp_path, content), said_seconds)
    assert (sound.name, round(sound.seconds)) == (name, seconds)


NOTE = silent_voice(3)


@pytest.mark.parametrize(
    "content",
    [
        *(b"", b"\xff", b"O", b"OggS", JPEG, PDF, b"#!AMR\n" + bytes(30), b"<html>"),
        NOTE[: NOTE.index(b"OpusTags") - 28],
        NOTE[:-1][: NOTE.rindex(b"OggS") + 20],
        NOTE + b"something else",
        NOTE.replace(b"OpusHead", b"OpusHand"),
        NOTE[:30] + bytes(40),
    ],
)
def test_what_cannot_be_listened_to(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(UnknownSound):
        read_sound(kept(tmp_path, content), 5)


def test_a_file_of_millions_of_empty_packets_is_not_looked_through(tmp_path: Path) -> None:
    opening = NOTE[: NOTE.index(b"OggS", NOTE.index(b"OpusTags"))]
    page = opening[:26] + b"\xff" + bytes(255)
    with pytest.raises(UnknownSound, match="pieces"):
        read_sound(kept(tmp_path, opening + page * 2500), 7)
