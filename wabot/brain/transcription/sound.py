"""What kind of sound a file is, and how long it plays: read from the file, which may be made to deceive."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

_PAGE_HEADER_BYTES = 27
# By the two high bits, and the two or one below, of a packet's first byte (RFC 6716, 3.1).
_SILK_SECONDS = (0.01, 0.02, 0.04, 0.06)
_HYBRID_SECONDS = (0.01, 0.02)
_CELT_SECONDS = (0.0025, 0.005, 0.01, 0.02)
_MOST_PACKETS = 500_000
"""Speech of an hour has not half as many; to look at the millions that fit into a file takes seconds."""
_BYTES_PER_SECOND = 16_000
"""Of what is no Opus: 128 kbit/s, so that a file of speech counts with no less than it plays."""


class UnknownSound(Exception):
    """It is no sound that transcribers take, or broken. The message is for the operator."""


@dataclass(frozen=True, slots=True)
class Sound:
    """A file of sound.

    Attributes:
        path: where it lies.
        name: what it is called on the wire; servers go by its ending.
        mimetype: its type.
        seconds: how long it plays; rather more where that cannot be known.
    """

    path: Path
    name: str
    mimetype: str
    seconds: float


def read_sound(path: Path, said_seconds: float) -> Sound:
    """What a file is.

    Args:
        path: the file.
        said_seconds: how long its sender says it plays.

    Raises:
        UnknownSound: it is none that can be listened to.
    """
    with path.open("rb") as file:
        start = file.read(16)
        file.seek(0)
        if start[:4] == b"OggS":
            # OpenAI refuses the same bytes as `.opus` or `.oga`.
            return Sound(path, "voice.ogg", "audio/ogg", _opus_seconds(file))
    ending, mimetype = _kind_of(start)
    seconds = max(said_seconds, path.stat().st_size / _BYTES_PER_SECOND)
    return Sound(path, f"voice.{ending}", mimetype, seconds)


def _kind_of(start: bytes) -> tuple[str, str]:
    if start[:3] == b"ID3" or (start[:1] == b"\xff" and start[1:2] and start[1] & 0xE6 == 0xE2):
        return "mp3", "audio/mpeg"
    if start[4:8] == b"ftyp":
        return "m4a", "audio/mp4"
    if start[:4] == b"RIFF" and start[8:12] == b"WAVE":
        return "wav", "audio/wav"
    if start[:4] == b"fLaC":
        return "flac", "audio/flac"
    raise UnknownSound("it is no kind of sound that transcribers take")


def _opus_seconds(file: BinaryIO) -> float:
    """How long the packets of an Ogg file play: what its pages say of the time may be made up.

    Raises:
        UnknownSound: it is not Opus in Ogg, as phones make it, from beginning to end.
    """
    seconds, has_head, has_sound = 0.0, False, False
    for number, packet in enumerate(_packets(file)):
        if number > _MOST_PACKETS:
            raise UnknownSound("it is cut into more pieces than speech is")
        if packet.startswith(b"OpusHead"):
            has_head = True
        elif not packet.startswith(b"OpusTags"):
            if not has_head:
                break
            seconds += _packet_seconds(packet)
            has_sound = True
    if not has_sound:
        raise UnknownSound("it is no voice note as phones make them")
    return seconds


def _packets(file: BinaryIO) -> Iterator[bytes]:
    """The first bytes of each packet (RFC 3533)."""
    start, is_begun = b"", False
    while header := file.read(_PAGE_HEADER_BYTES):
        if len(header) < _PAGE_HEADER_BYTES or header[:4] != b"OggS":
            raise UnknownSound("it is damaged, or was made in no ordinary way")
        lengths = file.read(header[-1])
        for length in lengths:
            piece = file.read(length)
            if not is_begun:
                start, is_begun = piece[:8], True
            if length < 255:
                yield start
                is_begun = False


def _packet_seconds(packet: bytes) -> float:
    if not packet:
        return 0.0
    mode, frames = packet[0] >> 3, packet[0] & 3
    if mode < 12:
        frame_seconds = _SILK_SECONDS[mode & 3]
    elif mode < 16:
        frame_seconds = _HYBRID_SECONDS[mode & 1]
    else:
        frame_seconds = _CELT_SECONDS[mode & 3]
    count = (1, 2, 2, packet[1] & 0x3F if len(packet) > 1 else 0)[frames]
    return count * frame_seconds
