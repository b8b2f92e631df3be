"""Pictures that a customer sent, as a model is shown them: read when it is asked, few at once, never kept."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from wabot.system.files import read_plain

MOST_PICTURES = 4
"""How many a model is shown at once: the newest."""
_MOST_BYTES = 3_000_000
# What a server counts for one differs by the factor of ten; this is what most take for one as phones send it.
TOKENS = 1000
# Of what every server takes.
_TYPES = {b"\xff\xd8\xff": "image/jpeg", b"\x89PNG\r\n\x1a\n": "image/png", b"GIF8": "image/gif"}


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture in a file of this machine."""

    path: Path

    def read(self) -> tuple[str, bytes] | None:
        """Its type, which its first bytes say, and its content; None where it is gone, or nothing to show."""
        try:
            content = read_plain(self.path, _MOST_BYTES + 1)
        except OSError:
            return None
        type_ = next((type_ for first, type_ in _TYPES.items() if content.startswith(first)), "")
        if content.startswith(b"RIFF") and content[8:12] == b"WEBP":
            type_ = "image/webp"
        return (type_, content) if type_ and len(content) <= _MOST_BYTES else None


def data_urls(pictures: Sequence[Picture], most: int) -> list[str | None]:
    """Each picture as a data: URL; None for one that is not shown: the newest are, as many as have room."""
    urls: list[str | None] = []
    shown, left_bytes = 0, _MOST_BYTES
    for picture in reversed(pictures):
        read = picture.read() if shown < most else None
        if read is None or len(read[1]) > left_bytes:
            urls.append(None)
            continue
        type_, content = read
        shown += 1
        left_bytes -= len(content)
        urls.append(f"data:{type_};base64,{b64encode(content).decode('ascii')}")
    return urls[::-1]
