"""Conversations for people to look at: the latest chats, what was said in one, and what waits. Reads only."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from wabot.conversation.files.file_words import Files, files_among, in_words, sent_in_words
from wabot.conversation.notices import Notice
from wabot.conversation.outbox import OPEN_STATES
from wabot.conversation.owner_chat import text_of
from wabot.database.models import Chat, Inbound, Outbound
from wabot.database.states import PAUSED, InboundState, OutboundState, Reason
from wabot.whatsapp.messages import FILE_KINDS

_ROWS_LOOKED_AT = 5_000
_MESSAGES_OF_A_CHAT = 50
_LEFT_TO_PERSON = frozenset(
    {
        *(Reason.TOO_OLD, Reason.NOT_KNOWN_AGAIN, Reason.NOTHING_TO_READ_AGAIN, Reason.CANNOT_OPEN_AGAIN),
        *(Reason.LOST_AGAIN, Reason.ONLY_FOR_PERSON, Reason.CLOSED, *PAUSED),
    }
)
"""Reasons for which a message is not answered by the bot, and is the owner's to answer."""
_PROMISES = frozenset({Notice.APOLOGY, Notice.FOR_PERSON, Notice.HANDED_OVER, Notice.AWAY})
"""Answers that only say that a person will answer."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How a chat stands.

    Attributes:
        chat: the chat.
        last: the latest message that came there, of the customer's or the owner's.
        waiting: the latest message that waits for a person or for the bot; None: nobody waits.
    """

    chat: Chat
    last: Inbound
    waiting: Inbound | None


@dataclass(frozen=True, slots=True)
class Said:
    """One message of a conversation.

    Attributes:
        at: when it came, or was composed; naive UTC.
        who: "customer", "owner" or "bot".
        kind: one of `MessageKind`, or of `OutboundKind`.
        text: what it says.
        state: how far a reply came; why a message has no answer, "" where it has one.
    """

    at: datetime
    who: str
    kind: str
    text: str
    state: str


def latest_chats(user_id: str, most: int, *, unanswered: bool = False) -> list[Standing]:
    """The chats in which somebody wrote last, the latest first.

    Args:
        user_id: whose.
        most: how many at most; of the latest five thousand messages.
        unanswered: only those in which a customer waits.
    """
    found: list[Standing] = []
    for chat_id in _chats_by_time(user_id):
        rows = list(
            Inbound.select()
            .where(Inbound.chat == chat_id)
            .order_by(Inbound.received_at.desc(), Inbound.id.desc())
            .limit(_MESSAGES_OF_A_CHAT)
        )
        chat = Chat.get_or_none(Chat.id == chat_id)
        if chat is None or not rows:
            continue
        waiting = _waiting(rows)
        if waiting is not None or not unanswered:
            found.append(Standing(chat, rows[0], waiting))
        if len(found) == most:
            break
    return found


def said_in(chats: Sequence[Chat], most: int) -> list[Said]:
    """What was said in the chats with one person, the oldest first; the latest of it.

    Args:
        chats: that person's.
        most: how many messages at most.
    """
    chat_ids = [chat.id for chat in chats]
    heard = _latest(Inbound, Inbound.received_at, chat_ids, most)
    replies = _latest(Outbound, Outbound.created_at, chat_ids, most)
    files = files_among((row.id, row.kind) for row in heard)
    said = [
        Said(row.received_at, _writer(row), row.kind, _words(row, files), _why_unanswered(row))
        for row in heard
    ]
    said += [Said(row.created_at, "bot", row.kind, _sent(row), _progress(row)) for row in replies]
    return sorted(said, key=lambda each: each.at)[-most:]


def waiting_replies(user_id: str, most: int) -> list[Outbound]:
    """The replies that have not left, or may not have, the oldest first."""
    rows = Outbound.select(Outbound, Chat).join(Chat)
    waiting = rows.where(
        Outbound.user_id == user_id, Outbound.state.in_((*OPEN_STATES, OutboundState.SCHEDULED))
    )
    return list(waiting.order_by(Outbound.id).limit(most))


def _chats_by_time(user_id: str) -> Iterable[int]:
    """The chats of the latest messages, each once."""
    latest = (
        Inbound.select(Inbound.chat)
        .where(Inbound.user_id == user_id)
        .order_by(Inbound.received_at.desc())
        .limit(_ROWS_LOOKED_AT)
        .tuples()
    )
    return dict.fromkeys(chat_id for (chat_id,) in latest)


def _waiting(rows: Iterable[Inbound]) -> Inbound | None:
    """The latest message, of these of a chat, latest first, that still waits; None where nobody waits."""
    for row in rows:
        if row.state == InboundState.OWNER:
            return None
        if row.state == InboundState.ANSWERED:
            return row if row.reason in _PROMISES else None
        is_left = row.state == InboundState.IGNORED and row.reason in _LEFT_TO_PERSON
        if is_left or row.state in (InboundState.PENDING, InboundState.FAILED):
            return row
    return None


def _words(row: Inbound, files: Files) -> str:
    return in_words(row.kind, row.text, files.get(row.id)) if row.kind in FILE_KINDS else str(row.text)


def _latest(table: Any, at: Any, chat_ids: Sequence[int], most: int) -> list[Any]:
    """The latest rows of these chats, the oldest of them first."""
    rows = table.select().where(table.chat.in_(chat_ids)).order_by(at.desc(), table.id.desc()).limit(most)
    return list(rows)[::-1]


def _writer(row: Inbound) -> str:
    is_owners = row.state == InboundState.OWNER or row.reason == Reason.OWNERS_COMMAND
    return "owner" if is_owners else "customer"


def _why_unanswered(row: Inbound) -> str:
    if row.state in (InboundState.ANSWERED, InboundState.OWNER):
        return ""
    return str(row.reason or row.state)


def _sent(row: Outbound) -> str:
    return sent_in_words(row.kind, text_of(row), row.file)


def _progress(row: Outbound) -> str:
    if row.state == OutboundState.SENT:
        return "delivered" if row.delivered_at else "sent"
    return f"{row.state}: {row.error}" if row.error else str(row.state)
