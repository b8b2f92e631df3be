"""Placeholders for media: messages that describe a file which can be had nowhere.

Field numbers are those of waE2E.proto as neonize 0.5.2 carries it.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass

from wabot.emulator.wire import protobuf
from wabot.emulator.wire.protobuf import Fields

_PATH = "/v/emulated.enc"
_URL = "https://mmg.whatsapp.net" + _PATH
_FILE_BYTES = 4096
_DOCUMENT_WITH_CAPTION = 53  # a message around the document


@dataclass(frozen=True, slots=True)
class _Layout:
    """Which fields a kind of media has, and what a placeholder of it claims to be."""

    number: int
    mimetype: str
    url_field: int
    mimetype_field: int
    file_sha256_field: int
    file_length_field: int
    media_key_field: int
    file_enc_sha256_field: int
    direct_path_field: int
    caption_field: int | None
    more: tuple[tuple[int, int | str], ...]


_LAYOUTS: Mapping[str, _Layout] = {
    # more: height and width
    "image": _Layout(3, "image/jpeg", 1, 2, 4, 5, 8, 9, 11, 3, ((6, 480), (7, 640))),
    # more: seconds, height and width
    "video": _Layout(9, "video/mp4", 1, 2, 3, 4, 6, 11, 13, 7, ((5, 8), (9, 480), (10, 640))),
    # more: seconds, and that it is a voice message
    "audio": _Layout(8, "audio/ogg; codecs=opus", 1, 2, 3, 4, 7, 8, 9, None, ((5, 7), (6, 1))),
    # more: height and width
    "sticker": _Layout(26, "image/webp", 1, 5, 2, 9, 4, 3, 8, None, ((6, 64), (7, 64))),
    # more: file name
    "document": _Layout(7, "application/pdf", 1, 2, 4, 5, 7, 9, 10, 20, ((8, "document.pdf"),)),
}
MEDIA_KINDS = tuple(_LAYOUTS)


def placeholder(kind: str, caption: str = "") -> bytes:
    """A waE2E.Message with media of one of MEDIA_KINDS; its hashes and keys are random, its address is dead.

    Raises ValueError for another kind, or for a caption on a kind that has none (audio, sticker).
    """
    layout = _LAYOUTS.get(kind)
    if layout is None:
        raise ValueError(f"{kind!r} is no kind of media: one of {', '.join(MEDIA_KINDS)}")
    fields: list[tuple[int, int | bytes | str]] = [
        (layout.url_field, _URL),
        (layout.mimetype_field, layout.mimetype),
        (layout.file_sha256_field, secrets.token_bytes(32)),
        (layout.file_length_field, _FILE_BYTES),
        (layout.media_key_field, secrets.token_bytes(32)),
        (layout.file_enc_sha256_field, secrets.token_bytes(32)),
        (layout.direct_path_field, _PATH),
        *layout.more,
    ]
    if caption:
        if layout.caption_field is None:
            raise ValueError(f"a message of kind {kind} has no caption")
        fields.append((layout.caption_field, caption))
    message = protobuf.encode([(layout.number, protobuf.encode(fields))])
    if kind == "document" and caption:
        return protobuf.encode([(_DOCUMENT_WITH_CAPTION, protobuf.encode([(1, message)]))])
    return message


def kind_and_caption(message: Fields) -> tuple[str, str] | None:
    """The kind of media in a decoded waE2E.Message and its caption, or None when there is no media in it."""
    for kind, layout in _LAYOUTS.items():
        if layout.number in message:
            described = protobuf.decode(protobuf.first_bytes(message, layout.number))
            if layout.caption_field is None or layout.caption_field not in described:
                return kind, ""
            return kind, protobuf.first_bytes(described, layout.caption_field).decode(errors="replace")
    return None
