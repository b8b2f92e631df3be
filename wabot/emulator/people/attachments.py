"""Files that people send and receive: sealed and put on the media hosts, fetched from there and checked."""

from __future__ import annotations

import mimetypes
from dataclasses import dataclass, field
from pathlib import Path

from wabot.emulator.people.sample_files import SAMPLES, picture_size, voice_seconds
from wabot.emulator.signal.file_messages import Attachment, media_type
from wabot.emulator.signal.media_keys import MediaError, seal
from wabot.emulator.world.media import Media

_WAVEFORM = bytes(50 + (index * 37) % 50 for index in range(64))
_VIDEO_KINDS = ("video", "gif", "video_note")
_VOICE_TYPE = "audio/ogg; codecs=opus"


@dataclass(frozen=True, slots=True)
class File:
    """A file as it lies on a phone: its content, its type, and the name it goes by."""

    content: bytes = field(repr=False)
    mimetype: str
    name: str = ""


def sample(kind: str) -> File:
    """A small file of one of FILE_KINDS; raises ValueError for others."""
    media_type(kind)
    content, mimetype = SAMPLES[kind]
    return File(content, mimetype, "document.pdf" if kind == "document" else "")


def read_file(path: Path, kind: str) -> File:
    """The file at `path`, to be sent as `kind`; raises OSError."""
    guessed = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    return File(path.read_bytes(), _VOICE_TYPE if kind == "voice" else guessed, path.name)


def put_up(media: Media, kind: str, file: File, caption: str = "") -> Attachment:
    """Seal a file and put it on the media hosts; what a message then says of it."""
    blob, file_seal = seal(file.content, media_type(kind))
    address = media.publish(blob)
    width, height = (640, 480) if kind in _VIDEO_KINDS else picture_size(file.content)
    seconds = 8 if kind in _VIDEO_KINDS or kind == "audio" else 0
    return Attachment(
        kind,
        address.url,
        address.direct_path,
        file_seal,
        mimetype=file.mimetype,
        caption=caption,
        file_name=file.name if kind == "document" else "",
        seconds=voice_seconds(file.content) if kind == "voice" else seconds,
        width=width,
        height=height,
        page_count=int(file.mimetype == "application/pdf"),
        waveform=_WAVEFORM if kind == "voice" else b"",
        thumbnail=SAMPLES["image"][0] if kind in ("image", "video") else b"",
    )


@dataclass(frozen=True, slots=True)
class ReceivedFile:
    """A file that the bot sent: what the message said of it, and the blob that lay there when it came."""

    said: Attachment
    blob: bytes | None = field(repr=False)

    def open(self) -> bytes:
        """The file itself; raises MediaError when it is not there, or not what the message said."""
        if not self.said.direct_path.startswith("/"):
            raise MediaError("the message does not say where its file is")
        if self.blob is None:
            raise MediaError("there is no file where the message says")
        return self.said.seal.open(self.blob, self.said.media_type)

    def __str__(self) -> str:
        """In a few words, for who watches."""
        name = f" {self.said.file_name}" if self.said.file_name else ""
        try:
            state = f"{len(self.open()):,} bytes"
        except MediaError as error:
            state = f"not readable: {error}"
        caption = f" {self.said.caption}" if self.said.caption else ""
        return f"[{self.said.kind}{name}, {state}]{caption}"


def fetch(media: Media, said: Attachment) -> ReceivedFile:
    """The file that a message of the bot tells of, as it lies there now."""
    return ReceivedFile(said, media.blob(said.direct_path))
