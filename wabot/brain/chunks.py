"""Cuts a Markdown file into sections of a bounded size, each under its heading."""

from __future__ import annotations

import re
from dataclasses import dataclass

MAX_SECTION_CHARACTERS = 1200

_HEADING = re.compile(r" {0,3}(#{1,6})\s+(.*?)\s*#*\s*$")
_FENCE = re.compile(r" {0,3}(```|~~~)")
_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_FRONT_MATTER = re.compile(r"\A---\r?\n.*?\r?\n(?:---|\.\.\.)\s*(?:\r?\n|\Z)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Section:
    """A piece of a file: the headings above it, outermost first, and its text without them."""

    headings: tuple[str, ...]
    text: str

    @property
    def title(self) -> str:
        """The nearest heading, "" for text before any."""
        return self.headings[-1] if self.headings else ""


def cut_sections(markdown: str, max_characters: int = MAX_SECTION_CHARACTERS) -> list[Section]:
    """Cut a Markdown text at its headings, and long sections at paragraphs, lines and words.

    Comments and front matter are the author's notes and are left out; `#` inside a code fence is no heading.
    Headings without text of their own give no section.
    """
    text = _COMMENT.sub("", _FRONT_MATTER.sub("", markdown.lstrip("\ufeff")))
    sections: list[Section] = []
    headings: list[tuple[int, str]] = []
    lines: list[str] = []
    fence = ""

    def close_section() -> None:
        path = tuple(title for _, title in headings)
        body = "\n".join(lines).strip()
        sections.extend(Section(path, piece) for piece in _cut(body, max_characters))
        lines.clear()

    for line in text.splitlines():
        mark = _FENCE.match(line)
        if mark and (not fence or mark[1] == fence):
            fence = "" if fence else mark[1]
        heading = None if fence else _HEADING.match(line)
        if heading is None:
            lines.append(line.rstrip())
            continue
        close_section()
        level = len(heading[1])
        headings = [(above, title) for above, title in headings if above < level]
        headings.append((level, heading[2]))
    close_section()
    return sections


def _cut(text: str, max_characters: int) -> list[str]:
    """Cut a section's text into pieces of at most `max_characters`, at the coarsest boundary that fits."""
    pieces: list[str] = []
    while len(text) > max_characters:
        end = max_characters
        for boundary in ("\n\n", "\n", ". ", " "):
            found = text.rfind(boundary, max_characters // 3, max_characters)
            if found > 0:
                end = found + len(boundary.rstrip())
                break
        pieces.append(text[:end].strip())
        text = text[end:].strip()
    if text:
        pieces.append(text)
    return [piece for piece in pieces if piece]
