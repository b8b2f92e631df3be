"""How much there is to do, counted for the status line."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from peewee import fn

from wabot.conversation.inbox import Inbox
from wabot.conversation.outbox import Outbox
from wabot.conversation.send_queue import OPEN_STATES
from wabot.database.models import Inbound


@dataclass(frozen=True, slots=True)
class Backlog:
    """What happened today and what is still to do."""

    chats_today: int
    to_answer: int
    to_send: int

    def __str__(self) -> str:
        chats = f"{self.chats_today} chat{'' if self.chats_today == 1 else 's'} today"
        to_answer = f"to answer: {self.to_answer}" if self.to_answer else "all answered"
        to_send = f"to send: {self.to_send}" if self.to_send else "outbox empty"
        return f"{chats}; {to_answer}; {to_send}"


def count_backlog(user_id: str, now: datetime) -> Backlog:
    """Ask the database.

    Args:
        user_id: whose account.
        now: local time, aware; the day begins at its midnight.

    Raises:
        peewee.OperationalError, peewee.InterfaceError: the database is away.
    """
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0).astimezone(UTC).replace(tzinfo=None)
    chats: int = (
        Inbound.select(fn.COUNT(Inbound.chat.distinct()))
        .where(Inbound.user_id == user_id, Inbound.received_at >= midnight)
        .scalar()
    )
    return Backlog(chats, Inbox(user_id).pending_count(), Outbox(user_id).count(OPEN_STATES))
