"""What wabot says of its own accord, as it stands in the outbox for a source; all else the brain composed.

And what of all that may be said in a chat that is paused, or to a customer who opted out.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any, NamedTuple

from wabot.database.models import Chat


class Notice(StrEnum):
    """The kinds of notices."""

    APOLOGY = "apology"
    TEXT_ONLY = "text-only"
    FOR_PERSON = "for-person"
    AWAY = "away"
    HANDED_OVER = "handed-over"
    OPTED_OUT = "opted-out"
    OPTED_IN = "opted-in"
    STATUS = "status"
    UNANSWERED = "unanswered"
    ASK_TO_REPEAT = "ask-to-repeat"
    CANNOT_OPEN = "cannot-open"


NOTICES = tuple(Notice)
TO_OWNER = (Notice.STATUS, Notice.UNANSWERED)
SENT_ALTHOUGH_OPTED_OUT = (Notice.OPTED_OUT, *TO_OWNER)
SENT_ALTHOUGH_PAUSED = (*SENT_ALTHOUGH_OPTED_OUT, Notice.HANDED_OVER, Notice.OPTED_IN)


class Liberty(NamedTuple):
    """What may not keep something from being said."""

    although_opted_out: bool
    although_paused: bool


def liberty_of(source: str) -> Liberty:
    """What may not keep something from this source from being said."""
    return Liberty(source in SENT_ALTHOUGH_OPTED_OUT, source in SENT_ALTHOUGH_PAUSED)


def chat_that_may_be_told(chat_id: Any, liberty: Liberty, now: Any) -> Any:
    """A query for a chat that finds it only if something with this liberty may be said there now."""
    chat = Chat.select(Chat.id).where(Chat.id == chat_id)
    if not liberty.although_opted_out:
        chat = chat.where(Chat.opted_out_at.is_null())
    if not liberty.although_paused:
        chat = chat.where((Chat.pause_reason == "") | (Chat.paused_until <= now))
    return chat
