"""The states of messages, replies and files, and the reasons that stand in their rows."""

from __future__ import annotations

from enum import StrEnum


class InboundState(StrEnum):
    """What became of a message, as it stands in its row."""

    PENDING = "pending"
    ANSWERED = "answered"
    IGNORED = "ignored"
    FAILED = "failed"
    OWNER = "owner"


class OutboundState(StrEnum):
    """How far a reply came, as it stands in its row; SCHEDULED waits for its time, apart from the replies."""

    SCHEDULED = "scheduled"
    PENDING = "pending"
    SENDING = "sending"
    IN_DOUBT = "in_doubt"
    SENT = "sent"
    UNSURE = "unsure"
    DEAD = "dead"
    WITHDRAWN = "withdrawn"


class FileState(StrEnum):
    """What became of a file that came with a message, as it stands in its row.

    PENDING is to be fetched and turned into text; FETCHED lies on this machine until
    its message is answered, as a picture that a model looks at; UNDERSTOOD has its text; KEPT_OUT is not
    fetched by a rule, and FAILED was given up: the row says why.
    """

    PENDING = "pending"
    FETCHED = "fetched"
    UNDERSTOOD = "understood"
    KEPT_OUT = "kept out"
    FAILED = "failed"


class KeptOut(StrEnum):
    """Why a file is not fetched; where its message is not answered, that reason stands there."""

    NEVER = "videos and stickers are not fetched"
    UNHEARD = "nothing here listens to voice notes"
    UNSEEN = "nothing here looks at pictures"
    UNREAD = "nothing here reads documents"
    NO_PDF = "of documents, only PDF is read"
    TOO_LARGE = "larger than [media] allows"
    TOO_LONG = "longer than [media] allows"
    TOO_MANY = "more files from one chat than [media] allows"
    NO_READER = "nothing here reads such files any more"


class FileFailure(StrEnum):
    """Why a file was given up; but for the first, more may follow in the row."""

    GONE = "WhatsApp keeps it no more"
    DAMAGED = "damaged"
    NOT_FETCHED = "not fetched"
    NOT_UNDERSTOOD = "not understood"


class OutboundKind(StrEnum):
    """What a row of the outbox sends."""

    TEXT = "text"
    IMAGE = "image"
    VIDEO = "video"
    VOICE = "voice"
    DOCUMENT = "document"
    LOCATION = "location"


class PauseReason(StrEnum):
    """Why a chat is paused, as it stands in its row."""

    OWNER = "the owner wrote"
    COMMAND = "the owner asked for it"
    ESCALATED = "the customer asked for a person"
    LOOP = "it looks like another bot"
    SHUT_OUT = "WhatsApp does not let this device write there (463)"


class Reason(StrEnum):
    """Why a message is not answered, as it stands in its row.

    Where a kind of message or a number is part of it, the row has a sentence of its own, which nobody looks
    for; where a pause is, what `because_paused` says.
    """

    OWN_ECHO = "own echo"
    NO_CONVERSATION = "not a conversation"
    OWNERS_COMMAND = "the owner's command"
    OWN_NOTES = "the owner's own notes"
    OWNER_WROTE = "the owner wrote"
    GROUP = "group"
    NOT_MENTIONED = "group, not mentioned"
    DENIED = "denied"
    NOT_ALLOWED = "not on the allow list"
    OPTED_IN = "opted in"
    OPTED_OUT = "opted out"
    TOO_OLD = "too old"
    NOT_BEGUN = "nothing began the chat"
    PERSON_WANTED = "asked for a person"
    CLOSED = "closed"
    TAKEN_BACK = "taken back"
    SILENCED = "the chat is paused, or the customer opted out"
    NOT_KNOWN_AGAIN = "not known, told already"
    NOTHING_TO_READ_AGAIN = "nothing to read, told already"
    CANNOT_OPEN_AGAIN = "cannot be opened, told already"
    LOST_AGAIN = "lost; asked to repeat already"
    ONLY_FOR_PERSON = "only a person can read it"


def because_paused(reason: str) -> str:
    """Why a message of a paused chat is not answered, as it stands in its row.

    Args:
        reason: why the chat is paused.
    """
    return f"paused: {reason}"


PAUSED = tuple(map(because_paused, PauseReason))
"""What `because_paused` makes of every reason for a pause."""
