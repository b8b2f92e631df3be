"""The end of every message: what can come, and what becomes of it. No message ends in silence.

An answered message is answered by the bot, or by a note of its own; what the owner is told stands in their
chat with themselves; what is refused has its reason in its row and in the journal. Blue ticks are for what
got an answer, and for nothing else. Where a rule of the gate decides before (a pause, an opt-out, a list, a
group), its reason is the end.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from wabot.whatsapp.messages import MEDIA_KINDS, Kind


class What(StrEnum):
    """What can come, by what is done about it."""

    WORDS = (
        "words: a text, a caption, a choice from a list or buttons, an order, a product, a payment, a poll, "
        "an event or an invitation that says something"
    )
    MEDIA = "a picture, video, voice note, sticker, document, place or contact without words"
    UNREADABLE = "anything else, also what the client library has no name for, or says nothing"
    LOST = "what is known to have come and was lost on the way, or could not be decrypted within two minutes"
    WITHHELD = "what WhatsApp keeps from linked devices, as a picture to be seen once"
    CHANGE = "an edit"
    DELETION = "a deletion"
    MARK = "a reaction, a vote, a pin"
    KEYS = "keys, settings and announcements that devices tell each other"


class Sender(StrEnum):
    """Who wrote it: a customer, also one in a group that is answered, or the owner in a customer's chat."""

    CUSTOMER = "a customer"
    OWNER = "the owner"


class End(StrEnum):
    """What becomes of a message."""

    ANSWERED = "answered"
    TOLD = "told to the owner"
    ANSWERED_AND_TOLD = "answered, and told to the owner"
    REFUSED = "refused"
    NO_MESSAGE = "no message"


@dataclass(frozen=True, slots=True)
class Fate:
    """One end, and how it comes about."""

    end: End
    how: str = ""


_TOO_LATE = Fate(End.TOLD, "once an hour")
_TAKEN_OVER = Fate(End.REFUSED, "the owner has the chat: the bot is quiet there for `handover_pause`")
_NOTHING_SAID = Fate(End.REFUSED, "nothing to answer")
_NO_MESSAGE = Fate(End.NO_MESSAGE, "passed over")

ENDS: dict[tuple[What, Sender], tuple[Fate, Fate]] = {
    (What.WORDS, Sender.CUSTOMER): (
        Fate(
            End.ANSWERED,
            "by model or knowledge, a nod perhaps not; what nobody knows is passed on, to the owner as well",
        ),
        _TOO_LATE,
    ),
    (What.MEDIA, Sender.CUSTOMER): (
        Fate(
            End.ANSWERED, "asked to say it in writing, once an hour; later ones are told to the owner, once"
        ),
        _TOO_LATE,
    ),
    (What.UNREADABLE, Sender.CUSTOMER): (
        Fate(End.ANSWERED_AND_TOLD, "passed on to a person, once an hour; beside words it is only told"),
        _TOO_LATE,
    ),
    (What.LOST, Sender.CUSTOMER): (
        Fate(End.ANSWERED, "asked to send it again, once until they write"),
        _TOO_LATE,
    ),
    (What.WITHHELD, Sender.CUSTOMER): (
        Fate(End.ANSWERED, "told that it cannot be opened, once an hour; later ones are told to the owner"),
        _TOO_LATE,
    ),
    (What.CHANGE, Sender.CUSTOMER): (
        Fate(End.REFUSED, "not by itself: its message is answered as it now reads"),
        Fate(End.REFUSED, "the same"),
    ),
    (What.DELETION, Sender.CUSTOMER): (
        Fate(End.REFUSED, "what was taken back is not answered"),
        Fate(End.REFUSED, "the same"),
    ),
    (What.MARK, Sender.CUSTOMER): (_NOTHING_SAID, _NOTHING_SAID),
    (What.KEYS, Sender.CUSTOMER): (_NO_MESSAGE, _NO_MESSAGE),
    (What.WORDS, Sender.OWNER): (_TAKEN_OVER, _TAKEN_OVER),
    (What.MEDIA, Sender.OWNER): (_TAKEN_OVER, _TAKEN_OVER),
    (What.UNREADABLE, Sender.OWNER): (_TAKEN_OVER, _TAKEN_OVER),
    (What.LOST, Sender.OWNER): (_TAKEN_OVER, _TAKEN_OVER),
    (What.WITHHELD, Sender.OWNER): (_TAKEN_OVER, _TAKEN_OVER),
    (What.CHANGE, Sender.OWNER): (_NOTHING_SAID, _NOTHING_SAID),
    (What.DELETION, Sender.OWNER): (_NOTHING_SAID, _NOTHING_SAID),
    (What.MARK, Sender.OWNER): (_NOTHING_SAID, _NOTHING_SAID),
    (What.KEYS, Sender.OWNER): (_NO_MESSAGE, _NO_MESSAGE),
}
"""Each end of what comes in time, and of what is older than `max_age` when it comes."""

_BY_KIND = {
    Kind.LOST: What.LOST,
    Kind.SPOILT: What.LOST,
    Kind.WITHHELD: What.WITHHELD,
    Kind.HIDDEN: What.MARK,
    Kind.EDIT: What.CHANGE,
    Kind.REVOKE: What.DELETION,
    Kind.REACTION: What.MARK,
    Kind.MARK: What.MARK,
    Kind.PROTOCOL: What.KEYS,
}


def what_is(kind: str, text: str) -> What:
    """What a message is, by what is done about it.

    Args:
        kind: one of `Kind`.
        text: its words.
    """
    if kind in _BY_KIND:
        return _BY_KIND[Kind(kind)]
    if text.strip():
        return What.WORDS
    return What.MEDIA if kind in MEDIA_KINDS else What.UNREADABLE
