"""Messages with files: what they say of a voice note, picture, video, sticker or document.

Field numbers are those of waE2E.proto as neonize 0.5.2 carries it.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass

from wabot.emulator.signal.media_keys import FileSeal, MediaType
from wabot.emulator.wire import protobuf
from wabot.emulator.wire.protobuf import Fields

_Value = int | bytes | str

ENVELOPES: Mapping[str, int] = {
    "view_once": 37,
    "view_once_v2": 55,
    "view_once_voice": 59,
    "ephemeral": 40,
    "document_with_caption": 53,
    "lottie": 74,
    "associated_child": 91,
}
"""Messages around another one, by their fields."""

_PICTURE_FIELDS = {
    "url": 1,
    "mimetype": 2,
    "caption": 3,
    "sha256": 4,
    "length": 5,
    "height": 6,
    "width": 7,
    "media_key": 8,
    "enc_sha256": 9,
    "direct_path": 11,
    "sealed_at": 12,
    "thumbnail": 16,
    "context": 17,
    "view_once": 25,
}
_VIDEO_FIELDS = {
    "url": 1,
    "mimetype": 2,
    "sha256": 3,
    "length": 4,
    "seconds": 5,
    "media_key": 6,
    "caption": 7,
    "gif": 8,
    "height": 9,
    "width": 10,
    "enc_sha256": 11,
    "direct_path": 13,
    "sealed_at": 14,
    "thumbnail": 16,
    "context": 17,
    "sidecar": 18,
    "view_once": 20,
}
_AUDIO_FIELDS = {
    "url": 1,
    "mimetype": 2,
    "sha256": 3,
    "length": 4,
    "seconds": 5,
    "voice": 6,
    "media_key": 7,
    "enc_sha256": 8,
    "direct_path": 9,
    "sealed_at": 10,
    "context": 17,
    "sidecar": 18,
    "waveform": 19,
    "view_once": 21,
}
_STICKER_FIELDS = {
    "url": 1,
    "sha256": 2,
    "enc_sha256": 3,
    "media_key": 4,
    "mimetype": 5,
    "height": 6,
    "width": 7,
    "direct_path": 8,
    "length": 9,
    "sealed_at": 10,
    "animated": 13,
    "context": 17,
    "lottie": 21,
}
_DOCUMENT_FIELDS = {
    "url": 1,
    "mimetype": 2,
    "title": 3,
    "sha256": 4,
    "length": 5,
    "page_count": 6,
    "media_key": 7,
    "file_name": 8,
    "enc_sha256": 9,
    "direct_path": 10,
    "sealed_at": 11,
    "thumbnail": 16,
    "context": 17,
    "caption": 20,
}


@dataclass(frozen=True, slots=True)
class _Kind:
    """How a kind of file is sent.

    Attributes:
        number: the field of the message.
        fields: the numbers of what stands inside, by name.
        media_type: as what it is sealed.
        told_as: what the stanza calls it.
        mark: the field that tells it from others in the same field of the message.
        envelope: what it comes in.
    """

    number: int
    fields: Mapping[str, int]
    media_type: MediaType
    told_as: str
    mark: str = ""
    envelope: str = ""


# In the order in which a message is looked through: what has a mark before what is known by its absence.
_KINDS: Mapping[str, _Kind] = {
    "image": _Kind(3, _PICTURE_FIELDS, MediaType.IMAGE, "image"),
    "gif": _Kind(9, _VIDEO_FIELDS, MediaType.VIDEO, "gif", mark="gif"),
    "video": _Kind(9, _VIDEO_FIELDS, MediaType.VIDEO, "video"),
    "video_note": _Kind(66, _VIDEO_FIELDS, MediaType.VIDEO, "ptv"),
    "voice": _Kind(8, _AUDIO_FIELDS, MediaType.AUDIO, "ptt", mark="voice"),
    "audio": _Kind(8, _AUDIO_FIELDS, MediaType.AUDIO, "audio"),
    "lottie": _Kind(26, _STICKER_FIELDS, MediaType.IMAGE, "sticker", mark="lottie", envelope="lottie"),
    "sticker": _Kind(26, _STICKER_FIELDS, MediaType.IMAGE, "sticker"),
    "document": _Kind(7, _DOCUMENT_FIELDS, MediaType.DOCUMENT, "document"),
}
FILE_KINDS = tuple(_KINDS)
"""What a message can bring as a file."""


@dataclass(frozen=True, slots=True)
class Attachment:
    """What a message says of its file; `kind` is one of FILE_KINDS.

    Attributes:
        url: where it is, and `direct_path` the same without the host.
        seal: what opens it.
        waveform: of a voice note: 64 bytes from 0 to 99.
        quoted_id: the message that is answered with it, "" if none.
    """

    kind: str
    url: str
    direct_path: str
    seal: FileSeal
    mimetype: str = ""
    caption: str = ""
    file_name: str = ""
    seconds: int = 0
    width: int = 0
    height: int = 0
    page_count: int = 0
    waveform: bytes = b""
    thumbnail: bytes = b""
    quoted_id: str = ""

    @property
    def media_type(self) -> MediaType:
        """As what the file is sealed."""
        return media_type(self.kind)

    @property
    def told_as(self) -> str:
        """What the stanza calls it."""
        return _KINDS[self.kind].told_as


def media_type(kind: str) -> MediaType:
    """As what a file of a kind is sealed; raises ValueError for what is none of FILE_KINDS."""
    if kind not in _KINDS:
        raise ValueError(f"{kind!r} is no kind of file: one of {', '.join(FILE_KINDS)}")
    return _KINDS[kind].media_type


def lost(kind: str, caption: str = "") -> Attachment:
    """A file that no media host has any more."""
    direct_path = "/v/t62.0/lost.enc?ccb=11-4"
    return Attachment(
        kind, f"https://mmg.whatsapp.net{direct_path}", direct_path, FileSeal.of_nothing(), caption=caption
    )


def file_message(
    attachment: Attachment,
    *,
    context: bytes = b"",
    envelope: str = "",
    lies: Mapping[str, _Value | None] | None = None,
) -> bytes:
    """A waE2E.Message with a file.

    Args:
        attachment: what it says.
        context: the ContextInfo: what it quotes, that it is forwarded.
        envelope: one of ENVELOPES, around it.
        lies: fields, by name, that say something else than is true; None leaves one out.

    Raises:
        ValueError: a caption on a kind that has none.
    """
    kind = _KINDS[attachment.kind]
    if attachment.caption and "caption" not in kind.fields:
        raise ValueError(f"a message of kind {attachment.kind} has no caption")
    values: dict[str, _Value | None] = {
        "url": attachment.url,
        "direct_path": attachment.direct_path,
        "mimetype": attachment.mimetype,
        "caption": attachment.caption,
        "file_name": attachment.file_name,
        "seconds": attachment.seconds,
        "width": attachment.width,
        "height": attachment.height,
        "page_count": attachment.page_count,
        "media_key": attachment.seal.media_key,
        "sha256": attachment.seal.sha256,
        "enc_sha256": attachment.seal.enc_sha256,
        "title": attachment.file_name.rpartition(".")[0],
        "sealed_at": int(time.time()),
        "waveform": attachment.waveform,
        "thumbnail": attachment.thumbnail,
        "context": context,
        "view_once": int(envelope.startswith("view_once")),
    }
    if kind.mark:
        values[kind.mark] = 1
    present = {name: value for name, value in values.items() if value}
    told = {**present, "length": attachment.seal.length, **(lies or {})}
    fields = [
        (number, value) for name, number in kind.fields.items() if (value := told.get(name)) is not None
    ]
    message = protobuf.encode([(kind.number, protobuf.encode(fields))])
    if kind.envelope:
        message = enveloped(kind.envelope, message)
    return enveloped(envelope, message) if envelope else message


def enveloped(envelope: str, message: bytes) -> bytes:
    """A message inside one of ENVELOPES."""
    return protobuf.encode([(ENVELOPES[envelope], protobuf.encode([(1, message)]))])


def attachment_in(message: Fields) -> Attachment | None:
    """The file of a decoded waE2E.Message out of its envelopes, or None when it has none."""
    for name, kind in _KINDS.items():
        if kind.number not in message:
            continue
        fields = protobuf.decode(protobuf.first_bytes(message, kind.number))
        numbers = kind.fields
        if kind.mark and not protobuf.first_int(fields, numbers[kind.mark], default=0):
            continue
        raw = {key: _bytes(protobuf.first(fields, number)) for key, number in numbers.items()}
        counts = {key: _int(protobuf.first(fields, number)) for key, number in numbers.items()}
        words = {key: value.decode(errors="replace") for key, value in raw.items()}
        quoted_id = protobuf.first(protobuf.decode(raw["context"]), 1)
        return Attachment(
            kind=name,
            url=words["url"],
            direct_path=words["direct_path"],
            seal=FileSeal(raw["media_key"], raw["sha256"], raw["enc_sha256"], counts["length"]),
            mimetype=words["mimetype"],
            caption=words.get("caption", ""),
            file_name=words.get("file_name", ""),
            seconds=counts.get("seconds", 0),
            width=counts.get("width", 0),
            height=counts.get("height", 0),
            page_count=counts.get("page_count", 0),
            waveform=raw.get("waveform", b""),
            thumbnail=raw.get("thumbnail", b""),
            quoted_id=_bytes(quoted_id).decode(errors="replace"),
        )
    return None


def _bytes(value: int | bytes | None) -> bytes:
    return value if isinstance(value, bytes) else b""


def _int(value: int | bytes | None) -> int:
    return value if isinstance(value, int) else 0
