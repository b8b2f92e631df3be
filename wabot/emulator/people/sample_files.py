"""A small real file of each kind, for who sends one and does not care which, and what such files say."""

from __future__ import annotations

import struct
from base64 import b64decode
from collections.abc import Mapping

VOICE_SECONDS = 7
WORDS = "WORDS="
"""What stands before the words of a voice note, in its comments."""
_SAMPLES_PER_SECOND = 48_000
_FRAME_SAMPLES = 960  # 20 ms
_SILENT_FRAME = bytes.fromhex("f8fffe")
_FRAMES_PER_PAGE = 50
_FIRST_PAGE, _LAST_PAGE = 2, 4
_PNG_HEADER = struct.Struct(">16xII")
_JPEG_SEGMENT = struct.Struct(">HHxHH")
# The segments that tell the size: all of C0 to CF but those of tables and extensions.
_JPEG_FRAMES = {0xFF00 | code for code in range(0xC0, 0xD0)} - {0xFFC4, 0xFFC8, 0xFFCC}

JPEG = b64decode(
    "/9j/4AAQSkZJRgABAQEASABIAAD/2wBDAAMCAgICAgMCAgIDAwMDBAYEBAQEBAgGBgUGCQgKCgkICQkKDA8MCgsOCwkJDRENDg8Q"
    "EBEQCgwSExIQEw8QEBD/wAALCAABAAEBAREA/8QAFAABAAAAAAAAAAAAAAAAAAAACf/EABQQAQAAAAAAAAAAAAAAAAAAAAD/2gAI"
    "AQEAAD8AVN//2Q=="
)
WEBP = b64decode("UklGRiIAAABXRUJQVlA4IBYAAAAwAQCdASoBAAEADsD+JaQAA3AAAAAA")
MP4 = bytes.fromhex("000000186674797069736f6d0000020069736f6d6d70343200000008") + b"free"
MP3 = bytes.fromhex("fffb9064") + bytes(413)
_PDF = """%PDF-1.4
1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj
2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj
3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 100]/Contents 4 0 R/Resources<</Font<</F 5 0 R>>>>>>endobj
4 0 obj<</Length {length}>>stream
{text}
endstream endobj
5 0 obj<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>endobj
trailer<</Root 1 0 R>>
startxref
0
%%EOF
"""
LOTTIE = b'{"v":"5.7.4","fr":30,"ip":0,"op":30,"w":512,"h":512,"layers":[]}'


def silent_voice(seconds: int = VOICE_SECONDS, words: str = "") -> bytes:
    """A voice note of silence: Opus in Ogg (RFC 7845).

    `words` stand in a comment: what a transcriber that is made for that hears, of 200 bytes at most.
    """
    header = b"OpusHead" + struct.pack("<BBHIhB", 1, 1, 0, _SAMPLES_PER_SECOND, 0, 0)
    comment = f"{WORDS}{words}".encode()
    tags = b"OpusTags" + struct.pack("<I", 5) + b"wabot" + struct.pack("<II", 1, len(comment)) + comment
    frames = seconds * _SAMPLES_PER_SECOND // _FRAME_SAMPLES
    pages = [_page(0, _FIRST_PAGE, 0, [header]), _page(1, 0, 0, [tags])]
    for first in range(0, frames, _FRAMES_PER_PAGE):
        end = min(first + _FRAMES_PER_PAGE, frames)
        flags = _LAST_PAGE if end == frames else 0
        pages.append(_page(len(pages), flags, end * _FRAME_SAMPLES, [_SILENT_FRAME] * (end - first)))
    return b"".join(pages)


def words_of(ogg: bytes) -> str:
    """The words that `silent_voice` wrote into a voice note, "" where there are none."""
    begins = ogg.find(WORDS.encode())
    if begins < 4:
        return ""
    end = begins + int.from_bytes(ogg[begins - 4 : begins], "little")
    return ogg[begins + len(WORDS) : end].decode(errors="replace")


def voice_seconds(ogg: bytes) -> int:
    """How long a voice note is, 0 for what is none: by the granule position of its last page."""
    at = ogg.rfind(b"OggS")
    if at < 0 or len(ogg) < at + 14:
        return 0
    samples = int.from_bytes(ogg[at + 6 : at + 14], "little", signed=True)
    return max(0, round(samples / _SAMPLES_PER_SECOND))


def picture_size(content: bytes) -> tuple[int, int]:
    """Width and height of a JPEG or a PNG in pixels, zeros for what is neither."""
    if content[:8] == b"\x89PNG\r\n\x1a\n" and len(content) >= _PNG_HEADER.size:
        width, height = _PNG_HEADER.unpack_from(content)
        return width, height
    at = 2 if content[:2] == b"\xff\xd8" else len(content)
    while at + _JPEG_SEGMENT.size <= len(content):
        marker, length, height, width = _JPEG_SEGMENT.unpack_from(content, at)
        if marker in _JPEG_FRAMES:
            return width, height
        at += 2 + length
    return 0, 0


def _page(number: int, flags: int, granule: int, packets: list[bytes]) -> bytes:
    """One page of an Ogg stream (RFC 3533) with packets shorter than 255 bytes."""
    lengths = bytes(len(packet) for packet in packets)
    start = b"OggS" + struct.pack("<BBqII", 0, flags, granule, 1, number)
    rest = bytes([len(lengths)]) + lengths + b"".join(packets)
    return start + struct.pack("<I", _checksum(start + bytes(4) + rest)) + rest


def _checksum(data: bytes) -> int:
    checksum = 0
    for byte in data:
        checksum ^= byte << 24
        for _ in range(8):
            checksum = (checksum << 1 ^ (0x04C11DB7 if checksum & 0x80000000 else 0)) & 0xFFFFFFFF
    return checksum


def pdf(words: str) -> bytes:
    """A PDF of one page that says this; in ASCII, without brackets."""
    text = f"BT /F 12 Tf 10 50 Td ({words}) Tj ET"
    return _PDF.format(length=len(text), text=text).encode("ascii")


PDF = pdf("Invoice 4711")

SAMPLES: Mapping[str, tuple[bytes, str]] = {
    "image": (JPEG, "image/jpeg"),
    "gif": (MP4, "video/mp4"),
    "video": (MP4, "video/mp4"),
    "video_note": (MP4, "video/mp4"),
    "voice": (silent_voice(), "audio/ogg; codecs=opus"),
    "audio": (MP3, "audio/mpeg"),
    "sticker": (WEBP, "image/webp"),
    "lottie": (LOTTIE, "application/was"),
    "document": (PDF, "application/pdf"),
}
"""By FILE_KINDS: a file and its type."""
