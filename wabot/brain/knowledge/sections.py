"""Cuts a Markdown file into sections of a bounded size, each under its heading."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import zip_longest

MAX_SECTION_CHARACTERS = 1200

# A line of these below a line of text makes that a heading, of the first or the second level.
_UNDERLINE = re.compile(r" {0,3}(?:(=+)|(-{2,}))[ \t]*$")
_HEADING = re.compile(r" {0,3}(#{1,6})\s+(.*?)\s*#*\s*$")
_FENCE = re.compile(r" {0,3}(```|~~~)")
_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
# What begins a line that is none of a paragraph: a list, a quote, a table, a rule, HTML, or code.
_BLOCK = re.compile(r"(?:\t| {4,}|\s*(?:[-*+•–][ \t]|\d{1,4}[.)][ \t]|>|\||[-*_=]{3,}\s*$|<|!?\[))")
_ITEM = re.compile(r"(\s*)(?:[-*+•–]|\d{1,4}[.)])[ \t]+\S")
_TABLE_RULE = re.compile(r"\s*\|?\s*:?-+:?\s*(?:\|\s*:?-+:?\s*)*\|?\s*$")
_NARROWEST = 45
_BOLD_LINE = re.compile(r"\s*(?:\*\*|__)([^*_]+)(?:\*\*|__)\s*:?\s*$")
_STANDING_LEVEL, _LONGEST_LINE, _LONGEST_TITLE, _SHORTEST_SHOUT = 6, 70, 60, 4
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
    Headings without text of their own give no section. Lines that only the width of the author's window broke
    are joined.
    """
    text = _COMMENT.sub("", _FRONT_MATTER.sub("", markdown.lstrip("\ufeff")))
    sections: list[Section] = []
    headings: list[tuple[int, str]] = []
    lines: list[str] = []
    fence = ""

    def close_section() -> None:
        path = tuple(title for _, title in headings)
        body = "\n".join(_unwrapped(_read_tables(lines))).strip()
        sections.extend(Section(path, piece) for piece in cut_pieces(body, max_characters))
        lines.clear()

    for line in text.splitlines():
        mark = _FENCE.match(line)
        if mark and (not fence or mark[1] == fence):
            fence = "" if fence else mark[1]
        heading = None if fence or mark else _HEADING.match(line)
        standing = None if fence or mark or heading else _standing_heading(line, lines)
        underline = None if fence or mark or heading else _UNDERLINE.match(line)
        if heading:
            level, title = len(heading[1]), heading[2]
        elif standing:
            level, title = _STANDING_LEVEL, standing
        elif underline and _can_be_heading(lines):
            level, title = 1 if underline[1] else 2, lines.pop().strip()
        else:
            # Two blanks at the end break a line by intent.
            lines.append(line.rstrip() + ("  " if line.endswith("  ") and line.strip() and not fence else ""))
            continue
        close_section()
        if standing and title.isupper():
            title = title.capitalize()
        headings = [(above, other) for above, other in headings if above < level]
        headings.append((level, title))
    close_section()
    return sections


def _standing_heading(line: str, before: list[str]) -> str:
    """The title that a line is although nothing marks it: bold alone, or in capitals; "" for other lines."""
    if len(line) > _LONGEST_LINE or (before and before[-1].strip()):
        return ""
    bold = _BOLD_LINE.match(line)
    title = (bold[1] if bold else line).strip().rstrip(":").strip()
    letters = [character for character in title if character.isalpha()]
    is_shouted = len(letters) >= _SHORTEST_SHOUT and all(letter.isupper() for letter in letters)
    if (
        len(title) > _LONGEST_TITLE
        or not letters
        or not (bold or is_shouted)
        or title[-1] in ".!,;"
        or "|" in title
    ):
        return ""
    return title


def _can_be_heading(lines: list[str]) -> bool:
    """Whether the last line stands alone and is text, so that a line drawn below it makes it a heading."""
    if not lines or not lines[-1].strip() or _BLOCK.match(lines[-1]):
        return False
    return len(lines) == 1 or not lines[-2].strip()


def _read_tables(lines: list[str]) -> list[str]:
    """Write each row of a table as a line that tells by itself what it says."""
    written: list[str] = []
    header: list[str] = []
    for number, line in enumerate(lines):
        following = lines[number + 1] if number + 1 < len(lines) else ""
        if "|" in line and _is_table_rule(following) and not header:
            header = _cells_of(line)
        elif header and _is_table_rule(line):
            continue
        elif header and "|" in line:
            written.append(f"- {row_as_line(header, _cells_of(line))}")
        else:
            header = []
            written.append(line)
    return written


def _is_table_rule(line: str) -> bool:
    return "|" in line and "-" in line and _TABLE_RULE.match(line) is not None


def _cells_of(line: str) -> list[str]:
    return [cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line.strip().strip("|"))]


def row_as_line(header: list[str], cells: list[str]) -> str:
    """A row of two columns as "Pump: 15 €", of more as "Pump – Size: 2 l, Price: 15 €"."""
    first, *others = cells or [""]
    if max(len(header), len(cells)) <= 2 and first:
        return ": ".join(cell for cell in (first, *others) if cell)
    said = [
        f"{name}: {cell}" if name else cell
        for name, cell in zip_longest(header[1:], others, fillvalue="")
        if cell
    ]
    return " – ".join(part for part in (first, ", ".join(said)) if part)


def _unwrapped(lines: list[str]) -> list[str]:
    """Join the lines of a paragraph that were broken because the next word did not fit."""
    joined: list[str] = []
    fence = ""
    # The lines of the paragraph that is being read, and how wide they may have been.
    width = 0
    previous = ""
    for number, line in enumerate(lines):
        mark = _FENCE.match(line)
        in_code = bool(fence or mark)
        if mark and (not fence or mark[1] == fence):
            fence = "" if fence else mark[1]
        if not previous and not in_code:
            width = _width_of(lines, number)
        if not in_code and previous and _goes_on(previous, line, width):
            joined[-1] = f"{joined[-1].rstrip()} {line.strip()}"
        else:
            joined.append(line)
        previous = "" if in_code else line
    return [line.rstrip() for line in joined]


def _width_of(lines: list[str], start: int) -> int:
    """How wide the widest line of a paragraph is."""
    width = 0
    for line in lines[start:]:
        if not line.strip():
            break
        width = max(width, len(line.rstrip()))
    return width


def _goes_on(line: str, following: str, width: int) -> bool:
    """Whether a line was broken before the next one for want of room."""
    if not following.strip() or line.endswith(("  ", "\\", ":")):
        return False
    item = _ITEM.match(line)
    if _BLOCK.match(following) and not (following[:1] in " \t" and not _BLOCK.match(following.strip())):
        return False
    if item and following[:1] in " \t":
        return True
    if (_BLOCK.match(line) and not item and line[:1] not in " \t") or width < _NARROWEST:
        return False
    if len(line.rstrip()) + 1 + len(following.split(maxsplit=1)[0]) <= width:
        return False
    # "Mon to Fri 10-14" and "Sat 10-13" below each other are two lines, whatever their width.
    begins_anew = not following.strip()[0].islower()
    return not (begins_anew and (line.rstrip()[-1].isdigit() or line.rstrip()[-1] in "€$£)%"))


def cut_pieces(text: str, max_characters: int) -> list[str]:
    """Cut a text into pieces of at most `max_characters`, at the coarsest boundary that fits."""
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
