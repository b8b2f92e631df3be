"""What was said in a chat, for the model and for the gate. Reads only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from peewee import fn

from wabot.clock import HOUR
from wabot.config.phrases import normalized
from wabot.conversation.files.file_words import files_among, in_words, sent_in_words
from wabot.conversation.notices import NOTICES, Notice
from wabot.database.models import Inbound, Outbound
from wabot.database.statements import Parameter, Statement
from wabot.database.states import PAUSED, InboundState, OutboundState, Reason
from wabot.whatsapp.messages import FILE_KINDS, NOT_RECEIVED_KINDS, MessageKind

_LATEST_REPLIES = 50
# Where bursts are longer than this, fewer answers are seen: a loop is stopped a little later.
_MESSAGES_PER_ANSWER = 5
_MAX_REACTIONS = 3
# What is stored as of a later time was stored before the clock was set back: it must not count for ever.
_WINDOW = HOUR + timedelta(minutes=1)
_UNSAID = (OutboundState.SCHEDULED, OutboundState.WITHDRAWN, OutboundState.DEAD)
# That a person was promised is part of the conversation; the other notices answer nothing.
_NO_ANSWERS = tuple(notice for notice in NOTICES if notice not in (Notice.HANDED_OVER, Notice.TO_CHECK))
_ROLES = {InboundState.OWNER: "assistant", "reply": "assistant"}


def _heard() -> Any:
    to_owner = (Inbound.state == InboundState.IGNORED) & Inbound.reason.in_(PAUSED)
    is_reaction = Inbound.kind == MessageKind.REACTION
    says_something = (Inbound.text != "") | (Inbound.kind == MessageKind.IMAGE)
    return (
        Inbound.select(
            Inbound.received_at, Inbound.state, Inbound.text, Inbound.kind, Inbound.quoted_text, Inbound.id
        )
        .where(
            Inbound.chat == Parameter("chat_id"),
            Inbound.id < Parameter("before"),
            Inbound.received_at >= Parameter("since"),
            (Inbound.state.in_((InboundState.ANSWERED, InboundState.OWNER)) & says_something)
            | to_owner
            | is_reaction,
        )
        # By time: along an index that ends where the question does, however long the chat is.
        .order_by(Inbound.received_at.desc(), Inbound.id.desc())
        .limit(Parameter("limit"))
    )


_HEARD = Statement(_heard)
_SAID = Statement(
    lambda: (
        Outbound.select(Outbound.created_at, Outbound.kind, Outbound.text)
        .where(
            Outbound.chat == Parameter("chat_id"),
            Outbound.created_at >= Parameter("since"),
            Outbound.state.not_in(_UNSAID),
            Outbound.source.not_in(_NO_ANSWERS),
        )
        .order_by(Outbound.created_at.desc(), Outbound.id.desc())
        .limit(Parameter("limit"))
    )
)
_ANSWERED = Statement(
    lambda: (
        Inbound.select(Inbound.text, Inbound.reply)
        .where(
            Inbound.chat == Parameter("chat_id"),
            Inbound.received_at.between(Parameter("since"), Parameter("until")),
            Inbound.state == InboundState.ANSWERED,
            Inbound.reply.is_null(False),
        )
        .order_by(Inbound.received_at.desc(), Inbound.id.desc())
        .limit(Parameter("limit"))
    )
)
_TOLD = Statement(
    lambda: (
        Outbound.select(Outbound.id)
        .where(
            Outbound.chat == Parameter("chat_id"),
            Outbound.created_at.between(Parameter("since"), Parameter("until")),
            Outbound.source == Parameter("notice"),
            Outbound.state.not_in(_UNSAID),
        )
        .limit(1)
    )
)


@dataclass(frozen=True, slots=True)
class Past:
    """What was said in a chat before a message.

    Attributes:
        turns: (time, "user" or "assistant", text), oldest first. The owner's own messages count as the
            assistant's: the customer saw one and the same sender. What the customer said while the owner had
            the chat is there up to the owner's last word; what came after it was the owner's to answer.
        reactions: the customer's to what was said last: (emoji, the text reacted to), oldest first.
    """

    turns: tuple[tuple[datetime, str, str], ...]
    reactions: tuple[tuple[str, str], ...]


NOTHING = Past((), ())


def past_of(chat_id: int, inbound_id: int, since: datetime, limit: int) -> Past:
    """What was said before a message.

    Args:
        chat_id: the chat.
        inbound_id: the message.
        since: naive UTC.
        limit: how many turns at most.
    """
    heard = _HEARD.rows(chat_id=chat_id, before=inbound_id, since=since, limit=limit)
    said = _SAID.rows(chat_id=chat_id, since=since, limit=limit)
    # Parts of one answer have one and the same time: read backwards, a sort would leave them reversed.
    events = sorted(
        [(at, "reply", sent_in_words(kind, text), "", "", 0) for at, kind, text in reversed(said)]
        + list(reversed(heard)),
        key=lambda event: event[0],
    )
    files = files_among((number, kind) for *_rest, kind, _quoted, number in heard)
    reactions: dict[str, str] = {}
    turns = []
    for at, state, text, kind, quoted_text, number in events:
        if kind == MessageKind.REACTION:
            reactions[quoted_text] = text
            continue
        file = files.get(number)
        if kind in FILE_KINDS and (text or (file is not None and file.text)):
            text = in_words(kind, text, file)
        if text:
            turns.append((at, state, text))
            if state in _ROLES:
                reactions.clear()
    while turns and turns[-1][1] == InboundState.IGNORED:
        turns.pop()
    return Past(
        tuple((at, _ROLES.get(state, "user"), text) for at, state, text in turns[-limit:] if limit),
        tuple((emoji, quoted) for quoted, emoji in reactions.items() if emoji)[-_MAX_REACTIONS:],
    )


def last_said_at(chat_id: int) -> datetime | None:
    """When the chat got its last answer, however far it came."""
    row = _replies(chat_id).order_by(Outbound.id.desc()).first()
    return row.created_at if row else None


def answers_since(chat_id: int, text: str, since: datetime, limit: int) -> tuple[int, int]:
    """How many answers, of whatever length, a chat got in an hour, and how many of the last to one text.

    Args:
        chat_id: the chat.
        text: what is to be answered now.
        since: naive UTC.
        limit: enough is known with so many answers.

    Returns:
        The number of answers, and of those in a row up to the last that went to this very text.
    """
    wanted = normalized(text)
    answered = _ANSWERED.rows(
        chat_id=chat_id, since=since, until=since + _WINDOW, limit=limit * _MESSAGES_PER_ANSWER
    )
    replies: set[int] = set()
    repetitions: set[int] = set()
    is_run = bool(wanted)
    for said, reply in answered:
        replies.add(reply)
        is_run = is_run and (said == text or normalized(said) == wanted)
        if is_run:
            repetitions.add(reply)
    return len(replies), len(repetitions)


def was_told(chat_id: int, notice: str, since: datetime) -> bool:
    """Whether a chat got this notice in the hour that began at a time."""
    until = since + _WINDOW
    return _TOLD.first(chat_id=chat_id, since=since, until=until, notice=notice) is not None


def was_asked_to_repeat(chat_id: int, since: datetime, unless_sent_before: datetime | None = None) -> bool:
    """Whether a customer was asked to repeat in the hour that began at a time, and has not written since.

    Args:
        chat_id: the chat.
        since: when the hour began, naive UTC.
        unless_sent_before: what was asked and had left before this time does not count.
    """
    asked = Outbound.select(fn.MAX(Outbound.created_at)).where(
        Outbound.chat == chat_id,
        Outbound.created_at.between(since, since + _WINDOW),
        Outbound.source == Notice.ASK_TO_REPEAT,
        Outbound.state.not_in(_UNSAID),
    )
    if unless_sent_before is not None:
        asked = asked.where(Outbound.sent_at.is_null() | (Outbound.sent_at >= unless_sent_before))
    asked_at = asked.scalar()
    if asked_at is None:
        return False
    heard = Inbound.select().where(
        Inbound.chat == chat_id, Inbound.received_at > asked_at, Inbound.kind.not_in(NOT_RECEIVED_KINDS)
    )
    return not heard.exists()


def reply_with_id(chat_id: int, message_id: str) -> Outbound | None:
    """The reply that WhatsApp gave this id, among the latest of its chat."""
    known = filter(lambda row: row.message_id, _latest_replies(chat_id))
    return next((row for row in known if row.message_id == message_id), None)


def is_own_echo(chat_id: int, message_id: str, text: str, file_sha256: str = "") -> bool:
    """Whether a message from this account is one that wabot itself sent, perhaps without learning its id."""

    def says_the_same(row: Outbound) -> bool:
        return row.text == text != "" or bool(file_sha256 and file_sha256 in row.upload)

    return any(
        row.message_id == message_id or (row.copies and not row.message_id and says_the_same(row))
        for row in _latest_replies(chat_id)
    )


def horizon(now: datetime, age_seconds: float) -> datetime:
    """The oldest time that counts, without leaving the calendar."""
    return now - timedelta(seconds=min(age_seconds, 100 * 365 * 86_400))


def _replies(chat_id: int) -> Any:
    return Outbound.select().where(
        Outbound.chat == chat_id, Outbound.state.not_in(_UNSAID), Outbound.source.not_in(NOTICES)
    )


def _latest_replies(chat_id: int) -> Any:
    return (
        Outbound.select(Outbound.message_id, Outbound.text, Outbound.upload, Outbound.copies)
        .where(Outbound.chat == chat_id)
        .order_by(Outbound.id.desc())
        .limit(_LATEST_REPLIES)
    )


def missed_count(chat_id: int, since: datetime) -> int:
    """How many messages of a chat have come too late to be answered in the hour that began at a time."""
    count: int = (
        Inbound.select()
        .where(
            Inbound.chat == chat_id,
            Inbound.reason == Reason.TOO_OLD,
            Inbound.received_at > since,
            Inbound.received_at <= since + _WINDOW,
        )
        .count()
    )
    return count
