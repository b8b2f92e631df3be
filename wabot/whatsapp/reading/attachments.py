"""The file that a message carries, as its sender describes it: what its kind is, `content` says."""

from __future__ import annotations

from typing import Any

from wabot.whatsapp.messages import Attachment
from wabot.whatsapp.reading.content import carried_by
from wabot.whatsapp.reading.text_fields import clean, one_line

_FIELDS = frozenset(
    {"imageMessage", "videoMessage", "ptvMessage", "audioMessage", "documentMessage", "stickerMessage"}
)
_LONGEST_NAME_CHARACTERS = 120
_LONGEST_TYPE_CHARACTERS = 100
_LONGEST_ADDRESS_CHARACTERS = 2000
_LONGEST_KEY_BYTES = 64
_MOST_BYTES, _MOST_SECONDS = 2**62, 2**31 - 1


def attachment_of(message: Any) -> Attachment | None:
    """The file of an unwrapped message; None for one without."""
    name, carried = carried_by(message)
    if name not in _FIELDS:
        return None
    return Attachment(
        mimetype=clean(carried.mimetype, _LONGEST_TYPE_CHARACTERS).strip().lower(),
        file_name=_file_name(getattr(carried, "fileName", "") or getattr(carried, "title", "")),
        size_bytes=min(carried.fileLength, _MOST_BYTES),
        seconds=min(getattr(carried, "seconds", 0), _MOST_SECONDS),
        is_voice=bool(getattr(carried, "PTT", False)),
        address=clean(carried.URL, _LONGEST_ADDRESS_CHARACTERS),
        path=clean(carried.directPath, _LONGEST_ADDRESS_CHARACTERS),
        key=_hexadecimal(carried.mediaKey),
        file_sha256=_hexadecimal(carried.fileSHA256),
        encrypted_sha256=_hexadecimal(carried.fileEncSHA256),
    )


def _file_name(said: str | bytes) -> str:
    """One line without odd characters, and no path: of a folder, its sender's phone knows alone."""
    line = one_line(said, _LONGEST_ADDRESS_CHARACTERS)
    name = line.replace("\\", "/").rpartition("/")[2].lstrip(". ")
    # The end tells what it is.
    stem, dot, ending = name.rpartition(".")
    longest = _LONGEST_NAME_CHARACTERS - len(ending) - 1
    return stem[:longest] + dot + ending if stem and longest > 0 else name[:_LONGEST_NAME_CHARACTERS]


def _hexadecimal(key: bytes) -> str:
    return bytes(key[:_LONGEST_KEY_BYTES]).hex()
