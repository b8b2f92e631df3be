"""Takes off the line in which a model says what a picture shows: for who reads the chat later. Pure."""

from __future__ import annotations

import re

from wabot.brain.output.cleaning import drop_odd_characters
from wabot.brain.output.control_words import take_words

#: What that line begins with.
PICTURE_SHOWS = "PICTURE_SHOWS"

MOST_CHARACTERS = 500
# In whatever dress. With a low line it is no word of any language, so it counts wherever it stands.
_BEGIN = re.compile(
    r"(?:^[ \t]{0,8}[*_~`\"'#>\-•(\[{]{0,8}[ \t]{0,3}PICTURES? SHOWS?"
    r"|[*_~`\"'#>\-•(\[{]{0,8}[ \t]{0,3}(?<![^\W_])PICTURES?\\{0,4}[_＿]SHOWS?)"
    r"[*_~`\"')\]}]{0,8}[ \t]{0,3}(?:[:：=\-–—][*_~`\"']{0,4}|$)",
    re.IGNORECASE | re.MULTILINE,
)
_MARKS = " \t\n*_`\"'()[]{}-•"


def take_off_note(text: str) -> tuple[str, str, frozenset[str]]:
    """A model's text without that line, what it says, and the control words that stand in it.

    All that follows it belongs to it, where an answer stands before; where it comes first, it ends with its
    paragraph, and the answer follows.
    """
    begin = _BEGIN.search(text)
    if begin is None:
        return text, "", frozenset()
    before, after = text[: begin.start()].rstrip(), text[begin.end() :]
    if before:
        return before, *_read(after)
    note, _, answer = after.strip().partition("\n")
    return answer.strip(), *_read(note)


def _read(written: str) -> tuple[str, frozenset[str]]:
    words: frozenset[str] = frozenset()
    lines = []
    # Several pictures may have a line each.
    for line in drop_odd_characters(written).splitlines():
        said, found = take_words(_BEGIN.sub("", line))
        words |= found
        lines.append(said.strip(_MARKS))
    return "; ".join(filter(None, lines))[:MOST_CHARACTERS].rstrip(), words
