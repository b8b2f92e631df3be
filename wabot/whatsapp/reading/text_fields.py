"""Texts as they stand in the library's messages, made fit to be kept."""

from __future__ import annotations

from wabot.brain.output.cleaning import drop_odd_characters

LONGEST_TEXT_CHARACTERS = 65_536


def clean(text: str | bytes, longest: int = LONGEST_TEXT_CHARACTERS) -> str:
    """A text of the library's, bounded, and without NUL characters, which PostgreSQL refuses in a text.

    Where it is no valid UTF-8, protobuf gives its bytes.
    """
    if isinstance(text, bytes):
        text = text[: 4 * longest].decode(errors="replace")
    return text[:longest].replace("\0", "")


def one_line(text: str | bytes, longest: int) -> str:
    """The same in one line, also without odd characters and direction marks."""
    return " ".join(drop_odd_characters(clean(text, longest)).split())
