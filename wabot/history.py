"""What was said in a chat, for the model and for the gate. Reads only."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from wabot.messages import Kind
from wabot.models import Inbound, Outbound
from wabot.phrases import normalized
from wabot.rates import HOUR, Rates
from wabot.settings import Settings
from wabot.sources import NOTICES

_LONGEST_RUN = 50
_MAX_REACTIONS = 3
_UNSAID = ("withdrawn", "dead")


def turns_before(
    chat_id: int, inbound_id: int, since: datetime, limit: int
) -> list[tuple[datetime, str, str]]:
    """What was said before a message: (time, "user" or "assistant", text), oldest first.

    The owner's own messages count as the assistant's: the customer saw one and the same sender. What the
    customer said while the owner had the chat is there up to the owner's last word; what came after it was
    left to the owner to answer.
    """
    if limit <= 0:
        return []
    to_owner = (Inbound.state == "ignored") & Inbound.reason.startswith("paused")
    said = [
        (row.received_at, row.state, row.text)
        for row in Inbound.select(Inbound.received_at, Inbound.state, Inbound.text)
        .where(
            Inbound.chat == chat_id,
            Inbound.id < inbound_id,
            Inbound.received_at >= since,
            Inbound.state.in_(("answered", "owner")) | to_owner,
            Inbound.text != "",
        )
        .order_by(Inbound.id.desc())
        .limit(limit)
    ]
    said += [
        (row.created_at, "reply", row.text)
        for row in Outbound.select(Outbound.created_at, Outbound.text)
        .where(
            Outbound.chat == chat_id,
            Outbound.created_at >= since,
            Outbound.state.not_in(_UNSAID),
            Outbound.source.not_in(NOTICES),
        )
        .order_by(Outbound.id.desc())
        .limit(limit)
    ]
    # Parts of one answer have one and the same time: read backwards, the sort would leave them reversed.
    said.reverse()
    said.sort(key=lambda turn: turn[0])
    while said and said[-1][1] == "ignored":
        said.pop()
    roles = {"owner": "assistant", "reply": "assistant"}
    return [(at, roles.get(state, "user"), text) for at, state, text in said[-limit:]]


def reactions_before(chat_id: int, inbound_id: int, since: datetime) -> list[tuple[str, str]]:
    """The customer's latest reactions to what was said last: (emoji, the text reacted to), oldest first."""
    latest: dict[str, str] = {}
    rows = (
        Inbound.select(Inbound.text, Inbound.quoted_text)
        .where(
            Inbound.chat == chat_id,
            Inbound.id < inbound_id,
            Inbound.received_at >= since,
            Inbound.kind == Kind.REACTION,
        )
        .order_by(Inbound.id.desc())
        .limit(_MAX_REACTIONS)
    )
    for row in rows:
        latest.setdefault(row.quoted_text, row.text)
    return [(emoji, quoted) for quoted, emoji in reversed(latest.items()) if emoji]


def last_said_at(chat_id: int) -> datetime | None:
    """When the chat got its last answer, however far it came."""
    row = _replies(chat_id).order_by(Outbound.id.desc()).first()
    return row.created_at if row else None


def answers_since(chat_id: int, since: datetime, limit: int) -> int:
    """How many answers, of whatever length, a chat got; counted up to a limit."""
    latest = _replies(chat_id).where(Outbound.first_part.is_null()).order_by(Outbound.id.desc())
    return sum(row.created_at >= since for row in latest.limit(limit))


def repetitions_since(chat_id: int, text: str, since: datetime) -> int:
    """How many answers in a row went to messages that all said this very text."""
    wanted = normalized(text)
    if not wanted:
        return 0
    answered = (
        Inbound.select(Inbound.text, Inbound.reply)
        .where(Inbound.chat == chat_id, Inbound.received_at >= since, Inbound.reply.is_null(False))
        .order_by(Inbound.id.desc())
        .limit(_LONGEST_RUN)
    )
    replies = set()
    for row in answered:
        if normalized(row.text) != wanted:
            break
        replies.add(row.reply)
    return len(replies)


def was_told(chat_id: int, notice: str, since: datetime) -> bool:
    """Whether a chat got this notice."""
    told: bool = (
        Outbound.select()
        .where(
            Outbound.chat == chat_id,
            Outbound.created_at >= since,
            Outbound.source == notice,
            Outbound.state.not_in(_UNSAID),
        )
        .exists()
    )
    return told


def reply_with_id(chat_id: int, message_id: str) -> Outbound | None:
    """The reply that WhatsApp gave this id, among the latest of its chat."""
    known = filter(lambda row: row.message_id, _latest_replies(chat_id))
    return next((row for row in known if row.message_id == message_id), None)


def is_own_echo(chat_id: int, message_id: str, text: str) -> bool:
    """Whether a message from this account is one that wabot itself sent, perhaps without learning its id."""
    return any(
        row.message_id == message_id or (row.copies and not row.message_id and row.text == text)
        for row in _latest_replies(chat_id)
    )


def rates_so_far(settings: Settings, now: datetime) -> Rates:
    """The rates of an account, with what has left already counted in."""
    rates = Rates(settings.replies.per_minute, settings.replies.per_chat_per_hour)
    left: Any = (
        Outbound.select(Outbound.chat, Outbound.sending_at)
        .where(Outbound.user_id == settings.account.user_id, Outbound.sending_at >= now - HOUR)
        .order_by(Outbound.sending_at)
        .tuples()
    )
    for chat_id, at in left:
        rates.count(chat_id, at)
    return rates


def horizon(now: datetime, age_seconds: float) -> datetime:
    """The oldest time that counts, without leaving the calendar."""
    return now - timedelta(seconds=min(age_seconds, 100 * 365 * 86_400))


def _replies(chat_id: int) -> Any:
    return Outbound.select().where(
        Outbound.chat == chat_id, Outbound.state.not_in(_UNSAID), Outbound.source.not_in(NOTICES)
    )


def _latest_replies(chat_id: int) -> Any:
    return (
        Outbound.select(Outbound.message_id, Outbound.text, Outbound.copies)
        .where(Outbound.chat == chat_id)
        .order_by(Outbound.id.desc())
        .limit(_LONGEST_RUN)
    )
