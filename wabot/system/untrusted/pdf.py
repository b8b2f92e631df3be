"""The text of a PDF. What reads it is a process with limits: such files are made to take all of a machine."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from wabot.system.files import read_json
from wabot.system.untrusted.confined import CPU_SECONDS, Unreadable, read_confined

# JSON writes a character as up to twelve.
_BYTES_PER_CHARACTER, _OTHER_BYTES = 12, 1000


@dataclass(frozen=True, slots=True)
class PdfText:
    """The text of a PDF.

    Attributes:
        text: never blank.
        is_whole: whether it is all of it.
    """

    text: str = field(repr=False)
    is_whole: bool


def read_pdf(
    file: Path,
    most_pages: int,
    most_characters: int,
    *,
    through_links: bool = False,
    cpu_seconds: int = CPU_SECONDS,
) -> PdfText:
    """The text of a PDF's first pages.

    Args:
        file: a regular one.
        most_pages, most_characters: how much of it.
        through_links: whether it may be a link.
        cpu_seconds: how long it may be worked on; twice as long, it may take.

    Raises:
        Unreadable: it is none, holds no text, or takes too much.
        OSError: it cannot be opened.
    """
    written = read_confined(
        "wabot.system.untrusted.pdf_child",
        file,
        most_pages,
        most_characters,
        most_bytes=most_characters * _BYTES_PER_CHARACTER + _OTHER_BYTES,
        through_links=through_links,
        cpu_seconds=cpu_seconds,
    )
    try:
        return read_json(written, _as_text)
    except ValueError:
        raise Unreadable("it is damaged") from None


def _as_text(document: Any) -> PdfText:
    if document["is_locked"]:
        raise Unreadable("it is locked with a password")
    text = str(document["text"])
    if not text.strip():
        raise Unreadable("it holds no text: a scanned page is a picture")
    return PdfText(text, document["is_whole"] is True)
