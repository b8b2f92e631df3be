"""What was said in one chat: the turns an answer is composed from, and how much of them is kept."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Literal

from wabot.brain.pictures import Picture

Role = Literal["user", "assistant"]

_CHARACTERS_PER_TOKEN = 3.5
_TOKENS_PER_MESSAGE = 4


@dataclass(frozen=True, slots=True)
class Document:
    """The text of a file that came with a message: the words of whoever sent it, or of anybody else."""

    name: str
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Turn:
    """One message of a chat.

    Attributes:
        role: "user" for the customer and "assistant" for the shop: the bot, or its owner on the phone.
        text: what was said; stays out of repr, so out of logs, too.
        at: naive UTC or aware; None when the time is not known.
        pictures: what a model that sees is shown with it.
        documents: what a model reads with it; not counted among what was said.
        mark: what a model is told of the text, before it: no word of it was said, so none is searched for.
    """

    role: Role
    text: str = field(repr=False)
    at: datetime | None = None
    pictures: tuple[Picture, ...] = ()
    documents: tuple[Document, ...] = ()
    mark: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Conversation:
    """The turns of one chat, oldest first.

    Attributes:
        turns: the messages.
        language: the account's ("es", "en", "pt").
        customer_name: what the customer chose to be called, "" when unknown: it is data, never trusted.
        chat: tells one chat from another; "" when that is not known.
    """

    turns: tuple[Turn, ...]
    language: str = "es"
    customer_name: str = field(default="", repr=False)
    chat: str = ""

    @property
    def unanswered(self) -> tuple[Turn, ...]:
        """The customer's messages after the last answer, oldest first, each one a turn of its own."""
        return self.turns[_first_unanswered(self.turns) :]

    def bounded(
        self, *, max_messages: int, max_tokens: int, max_age: timedelta, now: datetime
    ) -> Conversation:
        """The conversation, cut to its recent part.

        Unanswered messages are what the answer is about, so neither the number of messages nor their age
        drops one; only `max_tokens` does, oldest first, and the newest message always stays, shortened if it
        must be. Earlier turns are kept, newest first, while all three bounds hold. Blank turns are dropped.
        The tokens are an estimate (`estimate_tokens`).
        """
        turns = tuple(turn for turn in self.turns if turn.text.strip())
        boundary = _first_unanswered(turns)
        unanswered = turns[boundary:]
        kept: list[Turn] = []
        tokens_left = max_tokens
        for turn in reversed(unanswered):
            tokens_left -= estimate_tokens(turn.text)
            if tokens_left < 0:
                if not kept:
                    kept.append(replace(turn, text=_shorten(turn.text, max_tokens)))
                return replace(self, turns=tuple(reversed(kept)))
            kept.append(turn)
        oldest = _naive_utc(now) - max_age
        for turn in reversed(turns[:boundary]):
            tokens_left -= estimate_tokens(turn.text)
            too_old = turn.at is not None and _naive_utc(turn.at) < oldest
            if tokens_left < 0 or len(kept) >= max_messages or too_old:
                break
            kept.append(turn)
        return replace(self, turns=tuple(reversed(kept)))


def estimate_tokens(text: str) -> int:
    """Estimate how many tokens a model counts for one message.

    No tokenizer is shared by all models; Latin text runs at three to four characters a token, other scripts
    nearer to one, so their characters count in full.
    """
    latin = len(text) if text.isascii() else sum(character < "\u0250" for character in text)
    return _TOKENS_PER_MESSAGE + round(latin / _CHARACTERS_PER_TOKEN) + len(text) - latin


def join_texts(turns: Iterable[Turn]) -> str:
    """Join the texts of turns, one a line, for a search or a guess of the language."""
    return "\n".join(turn.text for turn in turns)


def _first_unanswered(turns: tuple[Turn, ...]) -> int:
    index = len(turns)
    while index and turns[index - 1].role == "user":
        index -= 1
    return index


def _shorten(text: str, max_tokens: int) -> str:
    # One character is at most one token, so this many always fit.
    return text[: max(1, max_tokens - _TOKENS_PER_MESSAGE)]


def _naive_utc(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(tzinfo=None) if at.tzinfo else at
