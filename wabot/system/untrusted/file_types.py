"""What a file is by its content, never by its name: its type, how large it is, how long it plays. Pure."""

from __future__ import annotations

from dataclasses import dataclass

HEAD_BYTES = 4096
"""So much of a file is enough to tell its type."""

_MP4_BRANDS = frozenset(
    (*(b"isom", b"iso2", b"iso3", b"iso4", b"iso5", b"iso6"), b"mp41", b"mp42", b"avc1", b"MSNV", b"M4V ")
)
# Segments that hold the size of a JPEG; those that have no length.
_START_OF_FRAME = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})
_WITHOUT_LENGTH = frozenset({0x01, 0xFF, *range(0xD0, 0xD8)})
_OPUS_SAMPLES_PER_SECOND = 48_000


@dataclass(frozen=True, slots=True)
class FileType:
    """What a file is; 0 where its content does not say how large it is, or how long it plays."""

    mimetype: str
    width: int = 0
    height: int = 0
    seconds: int = 0


JPEG, PNG, PDF = "image/jpeg", "image/png", "application/pdf"
MP4, OPUS = "video/mp4", "audio/ogg; codecs=opus"


def type_of(content: bytes) -> FileType | None:
    """What it is, of what WhatsApp shows as it is; None for anything else.

    Args:
        content: the file, or its first `HEAD_BYTES`; then its size may be unknown.
    """
    if content.startswith(b"\xff\xd8\xff"):
        return FileType(JPEG, *_jpeg_size(content))
    if content.startswith(b"\x89PNG\r\n\x1a\n") and content[12:16] == b"IHDR":
        return FileType(PNG, int.from_bytes(content[16:20]), int.from_bytes(content[20:24]))
    if b"%PDF-" in content[:1024]:
        return FileType(PDF)
    if content[4:8] == b"ftyp" and content[8:12] in _MP4_BRANDS:
        return FileType(MP4, seconds=_mp4_seconds(content))
    if content.startswith(b"OggS") and content[28:36] == b"OpusHead":
        return FileType(OPUS, seconds=_opus_seconds(content))
    return None


def _jpeg_size(content: bytes) -> tuple[int, int]:
    """Width and height, from the first frame."""
    at = 2
    while at + 9 <= len(content) and content[at] == 0xFF:
        marker = content[at + 1]
        if marker in _WITHOUT_LENGTH:
            at += 1 if marker == 0xFF else 2
        elif marker in _START_OF_FRAME:
            return int.from_bytes(content[at + 7 : at + 9]), int.from_bytes(content[at + 5 : at + 7])
        else:
            at += 2 + max(2, int.from_bytes(content[at + 2 : at + 4]))
    return 0, 0


def _mp4_seconds(content: bytes) -> int:
    """How long a film plays, by its movie header (ISO 14496-12)."""
    at = content.find(b"mvhd") + 4
    wide = 8 if content[at : at + 1] == b"\x01" else 4
    scale_at = at + 4 + 2 * wide
    scale = int.from_bytes(content[scale_at : scale_at + 4])
    length = int.from_bytes(content[scale_at + 4 : scale_at + 4 + wide])
    return round(length / scale) if at > 3 and scale and length < scale * 86_400 else 0


def _opus_seconds(content: bytes) -> int:
    """How long speech lasts, by the position at the end of its last page (RFC 7845)."""
    at = content.rfind(b"OggS")
    skipped = int.from_bytes(content[38:40], "little")
    samples = int.from_bytes(content[at + 6 : at + 14], "little", signed=True) - skipped
    return round(samples / _OPUS_SAMPLES_PER_SECOND) if 0 < samples < 2**40 else 0
