"""A page of Markdown as plain text for a terminal: lines that fit, tables that can be read."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator

_INDENT = "    "
_UNDERLINES = {1: "=", 2: "-", 3: "~"}
_LIST_ITEM = re.compile(r"([*-]|\d+\.) ")
# What stands between backticks is as it is typed.
_INLINE = re.compile(
    r"`[^`]+`|!\[[^\]]*\]\([^)]*\)|\[(?P<text>[^\]]+)\]\((?P<target>[^)\s]+)\)"
    r"|\*\*(?P<strong>.+?)\*\*|\*(?P<stressed>\S|\S.*?\S)\*"
)


def plain_text(page: str, width: int) -> str:
    """The page in lines that are at most so wide, but for what is to be typed as it stands.

    Args:
        page: Markdown as the handbook has it: paragraphs, headings, fences, flat lists, tables, links.
        width: columns of the terminal.
    """
    text, was_item = "", False
    for block in _blocks(page):
        is_item = _LIST_ITEM.match(block[0]) is not None
        # A picture leaves nothing.
        if laid_out := _laid_out(block, width):
            text += ("\n" if is_item and was_item else "\n\n") * bool(text) + laid_out
            was_item = is_item
    return text + "\n"


def _blocks(page: str) -> Iterator[list[str]]:
    """The lines of each block; a list item is one by itself."""
    block: list[str] = []
    for line in page.splitlines():
        is_fenced = bool(block) and block[0].startswith("```")
        if is_fenced:
            block.append(line)
            if line == "```":
                yield block
                block = []
        elif not line or line.startswith("<!--"):
            if block:
                yield block
            block = []
        else:
            begins = line.startswith(("#", "```", "|")) or _LIST_ITEM.match(line)
            if begins and block and not (line.startswith("|") and block[0].startswith("|")):
                yield block
                block = []
            block.append(line)
    if block:
        yield block


def _laid_out(block: list[str], width: int) -> str:
    first = block[0]
    if first.startswith("```"):
        return "\n".join(f"{_INDENT}{line}".rstrip() for line in block[1:-1])
    if first.startswith("#"):
        marks, _, title = first.partition(" ")
        title = _filled(title, width)
        return f"{title}\n{_UNDERLINES[len(marks)] * max(map(len, title.splitlines()))}"
    if first.startswith("|"):
        return _table([_cells(line) for line in block], width)
    indent = " " * item.end() if (item := _LIST_ITEM.match(first)) else ""
    return _filled(" ".join(map(str.strip, block)), width, indent)


def _filled(text: str, width: int, indent: str = "", before: str = "") -> str:
    return textwrap.fill(
        _inline(text),
        width,
        initial_indent=before,
        subsequent_indent=before + indent,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _cells(row: str) -> list[str]:
    return [cell.strip().replace(r"\|", "|") for cell in re.split(r"(?<!\\)\|", row)[1:-1]]


def _table(rows: list[list[str]], width: int) -> str:
    """The rows side by side where they fit, else one below the other, each of its cells with its heading."""
    headings, _, *body = rows
    shown = [[_inline(cell) for cell in row] for row in (headings, *body)]
    widths = [max(map(len, column)) for column in zip(*shown, strict=True)]
    if sum(widths) + 2 * (len(widths) - 1) <= width:
        shown.insert(1, ["-" * each for each in widths])
        padded = ("  ".join(map(str.ljust, row, widths)) for row in shown)
        return "\n".join(line.rstrip() for line in padded)
    return "\n".join(
        _filled(cell, width) if not number else _filled(f"{heading}: {cell}", width, "  ", _INDENT)
        for row in body
        for number, (heading, cell) in enumerate(zip(headings, row, strict=True))
        if cell
    )


def _inline(text: str) -> str:
    """The words of a text without its marks; a link names the page of the handbook that it leads to."""
    return _INLINE.sub(_unmarked, text).strip()


def _unmarked(found: re.Match[str]) -> str:
    if (words := found["strong"] or found["stressed"]) is not None:
        return _inline(words)
    if (target := found["target"]) is None:
        return found[0] if found[0].startswith("`") else ""
    words = _inline(found["text"])
    page = re.fullmatch(r"(\w+)\.md(#.*)?", target)
    if page:
        return f"{words} (wabot help {page[1]})"
    return f"{words} ({target})" if target.startswith("https://") else words
