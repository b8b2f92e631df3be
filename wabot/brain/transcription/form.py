"""A form with a file in it, as multipart/form-data (RFC 7578), that is read from the disk as it goes out."""

from __future__ import annotations

import os
from collections.abc import Mapping
from io import BytesIO
from typing import BinaryIO

from wabot.brain.transcription.sound import Sound


class SoundForm:
    """The body of one request; for a with block.

    Args:
        fields: what is said beside the file.
        sound: the file.
        boundary: between the parts; in none of them.
    """

    def __init__(self, fields: Mapping[str, str], sound: Sound, boundary: str) -> None:
        lines = [
            f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
            for name, value in fields.items()
        ]
        lines.append(
            f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{sound.name}"\r\n'
            f"Content-Type: {sound.mimetype}\r\n\r\n"
        )
        head, tail = "".join(lines).encode(), f"\r\n--{boundary}--\r\n".encode()
        self._file = sound.path.open("rb")
        self._parts: list[BinaryIO] = [BytesIO(head), self._file, BytesIO(tail)]
        self._size_bytes = len(head) + os.fstat(self._file.fileno()).st_size + len(tail)

    def __len__(self) -> int:
        return self._size_bytes

    def read(self, size: int, /) -> bytes:
        """The next bytes, at most so many; none at the end."""
        while self._parts:
            if piece := self._parts[0].read(size):
                return piece
            del self._parts[0]
        return b""

    def __enter__(self) -> SoundForm:
        return self

    def __exit__(self, *ended: object) -> None:
        self._file.close()
