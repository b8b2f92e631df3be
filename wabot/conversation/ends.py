"""The end of every message: what can come, and what becomes of it. No message ends in silence.

An answered message is answered by the bot, or by a note of its own; what the owner is told stands in their
chat with themselves; what is refused has its reason in its row and in the journal. Blue ticks are for what
got an answer, and for nothing else: not for what was neither heard nor seen. Where a rule of the gate decides
before (a pause, an opt-out, a list, a group), its reason is the end.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from wabot.whatsapp.messages import MEDIA_KINDS, MessageKind


class Arrival(StrEnum):
    """What can come, by what is done about it."""

    WORDS = (
        "words: a text, a caption, a choice from a list or buttons, an order, a product, a payment, a poll, "
        "an event or an invitation that says something; a place, a contact, and a file that was understood"
    )
    MEDIA = "a picture, video, voice note or document without words that nothing here understands"
    STICKER = "a sticker"
    UNREADABLE = "anything else, also what the client library has no name for, or says nothing"
    LOST = "what is known to have come and was lost on the way, or could not be decrypted within two minutes"
    WITHHELD = "what WhatsApp keeps from linked devices, as a picture to be seen once"
    CHANGE = "an edit"
    DELETION = "a deletion"
    MARK = "a reaction, a vote, a pin"
    KEYS = "keys, settings and announcements that devices tell each other"


class Writer(StrEnum):
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

ENDS: dict[tuple[Arrival, Writer], tuple[Fate, Fate]] = {
    (Arrival.WORDS, Writer.CUSTOMER): (
        Fate(
            End.ANSWERED,
            "by model or knowledge, a nod perhaps not; what nobody knows is passed on, to the owner as well",
        ),
        _TOO_LATE,
    ),
    (Arrival.MEDIA, Writer.CUSTOMER): (
        Fate(
            End.ANSWERED_AND_TOLD,
            "asked to say it in writing, or to send it again where it could not be fetched, once an hour, "
            "without blue ticks; beside words it is only told",
        ),
        _TOO_LATE,
    ),
    (Arrival.STICKER, Writer.CUSTOMER): (
        Fate(
            End.ANSWERED, "asked to say it in writing, once an hour; later ones are told to the owner, once"
        ),
        _TOO_LATE,
    ),
    (Arrival.UNREADABLE, Writer.CUSTOMER): (
        Fate(End.ANSWERED_AND_TOLD, "passed on to a person, once an hour; beside words it is only told"),
        _TOO_LATE,
    ),
    (Arrival.LOST, Writer.CUSTOMER): (
        Fate(
            End.ANSWERED, "asked to send it again, once until they write or a restart loses what they wrote"
        ),
        _TOO_LATE,
    ),
    (Arrival.WITHHELD, Writer.CUSTOMER): (
        Fate(End.ANSWERED, "told that it cannot be opened, once an hour; later ones are told to the owner"),
        _TOO_LATE,
    ),
    (Arrival.CHANGE, Writer.CUSTOMER): (
        Fate(End.REFUSED, "not by itself: its message is answered as it now reads"),
        Fate(End.REFUSED, "the same"),
    ),
    (Arrival.DELETION, Writer.CUSTOMER): (
        Fate(End.REFUSED, "what was taken back is not answered"),
        Fate(End.REFUSED, "the same"),
    ),
    (Arrival.MARK, Writer.CUSTOMER): (_NOTHING_SAID, _NOTHING_SAID),
    (Arrival.KEYS, Writer.CUSTOMER): (_NO_MESSAGE, _NO_MESSAGE),
    (Arrival.WORDS, Writer.OWNER): (_TAKEN_OVER, _TAKEN_OVER),
    (Arrival.MEDIA, Writer.OWNER): (_TAKEN_OVER, _TAKEN_OVER),
    (Arrival.STICKER, Writer.OWNER): (_TAKEN_OVER, _TAKEN_OVER),
    (Arrival.UNREADABLE, Writer.OWNER): (_TAKEN_OVER, _TAKEN_OVER),
    (Arrival.LOST, Writer.OWNER): (_TAKEN_OVER, _TAKEN_OVER),
    (Arrival.WITHHELD, Writer.OWNER): (_TAKEN_OVER, _TAKEN_OVER),
    (Arrival.CHANGE, Writer.OWNER): (_NOTHING_SAID, _NOTHING_SAID),
    (Arrival.DELETION, Writer.OWNER): (_NOTHING_SAID, _NOTHING_SAID),
    (Arrival.MARK, Writer.OWNER): (_NOTHING_SAID, _NOTHING_SAID),
    (Arrival.KEYS, Writer.OWNER): (_NO_MESSAGE, _NO_MESSAGE),
}
"""Each end of what comes in time, and of what is older than `max_age` when it comes."""

_BY_KIND = {
    MessageKind.LOST: Arrival.LOST,
    MessageKind.SPOILT: Arrival.LOST,
    MessageKind.WITHHELD: Arrival.WITHHELD,
    MessageKind.HIDDEN: Arrival.MARK,
    MessageKind.EDIT: Arrival.CHANGE,
    MessageKind.REVOKE: Arrival.DELETION,
    MessageKind.REACTION: Arrival.MARK,
    MessageKind.MARK: Arrival.MARK,
    MessageKind.PROTOCOL: Arrival.KEYS,
}
_WITHOUT_WORDS: dict[str, Arrival] = {
    **dict.fromkeys(MEDIA_KINDS, Arrival.MEDIA),
    MessageKind.STICKER: Arrival.STICKER,
}


def what_is(kind: str, text: str, *, is_understood: bool = False) -> Arrival:
    """What a message is, by what is done about it.

    Args:
        kind: one of `MessageKind`.
        text: its words.
        is_understood: whether it came with a file of which is known what it says or shows.
    """
    if kind in _BY_KIND:
        return _BY_KIND[MessageKind(kind)]
    if text.strip() or is_understood:
        return Arrival.WORDS
    return _WITHOUT_WORDS.get(kind, Arrival.UNREADABLE)
