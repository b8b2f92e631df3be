"""Reads the text a model wrote: what of it is for the customer, and what it asks the bot to do. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from wabot.brain.output.cleaning import clean, take_off_scaffolding
from wabot.brain.output.control_words import SILENCE, take_words
from wabot.brain.output.picture_note import take_off_note
from wabot.brain.output.thoughts import strip_thoughts
from wabot.brain.output.tool_calls import take_off_calls
from wabot.brain.output.turns import drop_tokens, own_turn

# More than any answer that is sent; bounds the work on hostile text.
_MAX_CHARACTERS = 50_000
# What nobody sees, and other forms of plain letters: either would hide a word from every pattern.
_PLAIN = dict.fromkeys(map(ord, "\xad\u200b\u2060\ufeff"), "") | {0x2011: "-"}
_PLAIN |= {wide: chr(wide - 0xFEE0) for wide in (*range(0xFF21, 0xFF5B), 0xFF3F)}
# Not the point of "1." or "4.90".
_SENTENCE_END = re.compile(r"(?:(?<!\d)\.|[!?…。！？؟])[\"'»”)*_]{0,3}(?=\s|\Z)")


@dataclass(frozen=True, slots=True)
class ReplyText:
    """What a model's text came to.

    Attributes:
        text: ready to be sent; "" when there is nothing to send.
        words: the control words it held.
        note: what it says of pictures, for whoever reads the chat later.
    """

    text: str = field(repr=False)
    words: frozenset[str]
    note: str = field(default="", repr=False)

    @property
    def is_silence(self) -> bool:
        """Whether no answer is wanted."""
        return not self.text and self.words == {SILENCE}


def read_reply_text(written: str, *, was_cut: bool = False) -> ReplyText:
    """Read what a model wrote.

    In this order, because each may hold what the next looks for: a thought quotes a word of control, a turn
    that was made up calls a tool, a call is JSON, a note on a picture speaks of payment.

    Args:
        written: as the server gave it.
        was_cut: whether max_tokens ended it.
    """
    text = own_turn(strip_thoughts(written.translate(_PLAIN))[:_MAX_CHARACTERS])
    text, called = take_off_calls(text)
    text, note, noted = take_off_note(take_off_scaffolding(drop_tokens(text)))
    text, words = take_words(text, was_cut=was_cut)
    cleaned = clean(text)
    if cleaned and was_cut:
        cleaned = _without_torn_end(cleaned)
    return ReplyText(cleaned, words | called | noted, note)


def _without_torn_end(text: str) -> str:
    """A text that max_tokens cut off, up to its last whole sentence; where none is near, with "…"."""
    ends = [match.end() for match in _SENTENCE_END.finditer(text)]
    if ends and ends[-1] >= len(text) / 2:
        return text[: ends[-1]]
    return text.rstrip() + "…"
