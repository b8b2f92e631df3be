"""Says in the library's message what a reply says. Works on its fields alone, and imports nothing of it."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from typing import Any, Literal

from wabot.whatsapp.uploads import Place, UploadedFile

FileKind = Literal["image", "video", "voice", "document"]

_QUOTED_URL = re.compile(r".*\": ", re.DOTALL)
_SECRETIVE = re.compile(r"://|auth|token=|/mms/", re.IGNORECASE)


class UploadFailed(Exception):
    """A file was not taken by a media host; the text says why, without address or key.

    Attributes:
        is_refused: the host takes nothing from this login (401), which a fresh one mends.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.is_refused = "status code 401" in reason


@dataclass(frozen=True, slots=True)
class Outgoing:
    """What one message says.

    Attributes:
        text: its words; of a file its caption, of a place its name.
        kind: "text", "location", or one of `FileKind`.
        what: the file, or the place; None for a text.
    """

    text: str = field(repr=False)
    kind: str = "text"
    what: UploadedFile | Place | None = None


def fill(message: Any, outgoing: Outgoing, expiration_seconds: int) -> None:
    """Make an empty message say it.

    Args:
        message: the library's.
        outgoing: what it says.
        expiration_seconds: after what time it disappears, 0 for never.

    Raises:
        ValueError: a file or a place is wanted, and there is none.
    """
    what = outgoing.what
    if outgoing.kind == "text":
        if not expiration_seconds:
            message.conversation = outgoing.text
            return
        said = message.extendedTextMessage
        said.text = outgoing.text
    elif outgoing.kind == "location" and isinstance(what, Place):
        said = message.locationMessage
        said.degreesLatitude, said.degreesLongitude = what.latitude, what.longitude
        said.name = outgoing.text
    elif isinstance(what, UploadedFile):
        said = _say_file(message, outgoing, what)
    else:
        raise ValueError(f"nothing is known of the {outgoing.kind} to send")
    if expiration_seconds:
        said.contextInfo.expiration = expiration_seconds


def _say_file(message: Any, outgoing: Outgoing, file: UploadedFile) -> Any:
    caption = outgoing.text
    match outgoing.kind:
        case "image":
            said = message.imageMessage
            said.width, said.height = file.width, file.height
        case "video":
            said = message.videoMessage
            said.seconds = file.seconds
        case "voice":
            # There is no room for words below one.
            said, caption = message.audioMessage, ""
            said.PTT, said.seconds, said.waveform = True, file.seconds, bytes.fromhex(file.waveform)
        case "document":
            # As phones send one with words below it.
            inside = message.documentWithCaptionMessage.message if caption else message
            said = inside.documentMessage
            said.fileName = said.title = file.file_name
        case _:
            raise ValueError(f"nothing is sent as {outgoing.kind}")
    said.URL, said.directPath, said.mimetype = file.url, file.path, file.mimetype
    said.mediaKey = bytes.fromhex(file.key)
    said.fileSHA256 = bytes.fromhex(file.file_sha256)
    said.fileEncSHA256 = bytes.fromhex(file.encrypted_sha256)
    said.fileLength = file.size_bytes
    if caption:
        said.caption = caption
    if file.thumbnail and outgoing.kind in ("image", "video"):
        said.JPEGThumbnail = bytes.fromhex(file.thumbnail)
    return said


def taken_file(answer: Any, content: bytes, mimetype: str) -> UploadedFile:
    """What a media host made of an upload.

    Args:
        answer: the library's; it may be empty although it speaks of success (measured with neonize 0.5.2).
        content: what was uploaded.
        mimetype: its type.

    Raises:
        UploadFailed: the host does not say where the file is, or the library took it for another.
    """
    if answer.FileSHA256 != hashlib.sha256(content).digest() or answer.FileLength != len(content):
        raise UploadFailed("the client library uploaded something else")
    try:
        return UploadedFile(
            url=answer.url,
            path=answer.DirectPath,
            key=answer.MediaKey.hex(),
            file_sha256=answer.FileSHA256.hex(),
            encrypted_sha256=answer.FileEncSHA256.hex(),
            size_bytes=len(content),
            mimetype=mimetype,
        )
    except ValueError as error:
        raise UploadFailed(str(error)) from None


def harmless_reason(error: str) -> str:
    """Why an upload failed, by the library's error; without the address in it, which holds the login."""
    reason = _QUOTED_URL.sub("", error[:2000])[:200].strip()
    return "the media host cannot be reached" if not reason or _SECRETIVE.search(reason) else reason
