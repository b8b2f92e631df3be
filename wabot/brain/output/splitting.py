"""Cuts a long answer into messages at the ends of paragraphs, sentences or words, never inside a link."""

from __future__ import annotations

import re
import unicodedata

_ELLIPSIS = "…"
_LINK = re.compile(r"\S*(?:https?://|www\.)\S*")
# Where to cut, best first; a cut keeps what it finds on the left side, spaces aside.
_BOUNDARIES = (
    re.compile(r"\n[ \t]*\n"),
    re.compile(r"\n"),
    re.compile(r"[.!?…][\"'»”)]?(?=\s)"),
    re.compile(r"\s"),
)
_EMPTY_SHARE = 0.35


def split(text: str, max_length: int, max_parts: int) -> tuple[str, ...]:
    """Cut `text` into at most `max_parts` parts of at most `max_length` characters, none blank.

    What does not fit is left out, and the last part then ends with an ellipsis. So does a word that alone is
    longer than a part; a link that long is left out, for a piece of a link leads nowhere.
    """
    parts: list[str] = []
    rest = text.strip()
    while rest:
        if len(rest) <= max_length:
            parts.append(rest)
            break
        if len(parts) == max_parts - 1:
            head, _ = _cut(rest, max_length - len(_ELLIPSIS))
            parts.append((head.rstrip(" ,;:.\n") + _ELLIPSIS)[:max_length])
            break
        head, rest = _cut(rest, max_length)
        if head:
            parts.append(head)
    return tuple(parts)


def _cut(text: str, max_length: int) -> tuple[str, str]:
    """The first piece of a text longer than `max_length`, and the rest; the piece may be empty."""
    for boundary in _BOUNDARIES:
        # One character more, so that a word ending exactly at the limit is seen to end.
        ends = [found.end() for found in boundary.finditer(text, 0, max_length + 1)]
        ends = [end for end in ends if len(text[:end].rstrip()) <= max_length]
        if ends and ends[-1] >= max_length * _EMPTY_SHARE:
            return text[: ends[-1]].rstrip(), text[ends[-1] :].lstrip()
    spaces = [found.start() for found in re.finditer(r"\s", text[: max_length + 1])]
    if spaces:
        return text[: spaces[-1]].rstrip(), text[spaces[-1] :].lstrip()
    link = _LINK.match(text)
    if link:
        return "", text[link.end() :].lstrip()
    end = max_length
    # Not between a letter and its accent, nor inside a joined emoji.
    while end > 1 and _joined(text[end - 1], text[end]):
        end -= 1
    return text[:end], text[end:].lstrip()


def _joined(left: str, right: str) -> bool:
    return bool(unicodedata.combining(right)) or right in "\u200d\ufe0f" or left == "\u200d"
