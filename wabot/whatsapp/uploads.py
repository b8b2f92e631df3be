"""What goes out besides text, as it stands in a row of the outbox: a file that WhatsApp keeps, or a place."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from wabot.whatsapp.messages import Attachment

_HASH_BYTES = 32


@dataclass(frozen=True, slots=True)
class UploadedFile:
    """A file that WhatsApp's media hosts keep: all that a message says of it. Nothing is uploaded again.

    Attributes:
        url: its address on the host that took it; "" where only the path is known.
        path: its path on any media host, with the query.
        key: what it is encrypted with, in hexadecimal.
        file_sha256: of the file, in hexadecimal.
        encrypted_sha256: of what the hosts serve, in hexadecimal.
        size_bytes: how long the file is.
        mimetype: its type.
        file_name: what a document is called.
        seconds: how long it plays.
        width, height: of a picture, 0 where unknown.
        waveform: of a voice note, 64 values from 0 to 99, in hexadecimal.
        thumbnail: a small JPEG, in hexadecimal.

    Raises:
        ValueError: it is not where media hosts keep files, or a key or hash is none.
    """

    url: str = field(repr=False)
    path: str = field(repr=False)
    key: str = field(repr=False)
    file_sha256: str
    encrypted_sha256: str
    size_bytes: int
    mimetype: str
    file_name: str = ""
    seconds: int = 0
    width: int = 0
    height: int = 0
    waveform: str = field(default="", repr=False)
    thumbnail: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        if not self.path.startswith("/") or (self.url and not self.url.startswith("https://")):
            raise ValueError("the media host did not say where it keeps the file")
        for value in (self.key, self.file_sha256, self.encrypted_sha256):
            if len(bytes.fromhex(value)) != _HASH_BYTES:
                raise ValueError("a key or a hash of the file is missing")
        bytes.fromhex(self.waveform)
        bytes.fromhex(self.thumbnail)

    @classmethod
    def of(cls, attachment: Attachment) -> Self:
        """A file that came with a message, to be passed on as it is; raises ValueError as the class does."""
        return cls(
            url=attachment.address if attachment.address.startswith("https://") else "",
            path=attachment.path,
            key=attachment.key,
            file_sha256=attachment.file_sha256,
            encrypted_sha256=attachment.encrypted_sha256,
            size_bytes=attachment.size_bytes,
            mimetype=attachment.mimetype,
            file_name=attachment.file_name,
            seconds=attachment.seconds,
        )

    @classmethod
    def from_json(cls, text: str) -> Self:
        """What `to_json` made; raises ValueError for anything else."""
        try:
            return cls(**json.loads(text))
        except (TypeError, AttributeError) as error:
            raise ValueError(f"a row does not say what to send: {error}") from None

    def to_json(self) -> str:
        """As it stands in `Outbound.upload`."""
        return _to_json(self)


@dataclass(frozen=True, slots=True)
class Place:
    """A pin on the map; raises ValueError where there is no such place on Earth."""

    latitude: float
    longitude: float

    def __post_init__(self) -> None:
        if not (-90 <= self.latitude <= 90 and -180 <= self.longitude <= 180):
            raise ValueError("a latitude is between -90 and 90, a longitude between -180 and 180")

    @classmethod
    def from_json(cls, text: str) -> Self:
        """What `to_json` made; raises ValueError for anything else."""
        try:
            return cls(**json.loads(text))
        except (TypeError, AttributeError) as error:
            raise ValueError(f"a row does not say what to send: {error}") from None

    def to_json(self) -> str:
        """As it stands in `Outbound.upload`."""
        return _to_json(self)


def _to_json(value: Any) -> str:
    return json.dumps(asdict(value), separators=(",", ":"))
