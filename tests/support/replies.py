"""Chats whose customers wrote, and replies to them in the outbox."""

from __future__ import annotations

from datetime import datetime

from tests.support.arrivals import NOON, arrival
from wabot.conversation.inbox import Inbox
from wabot.conversation.outbox import Outbox, Part
from wabot.conversation.send_queue import SendQueue
from wabot.database.models import Chat, Outbound

QUEUE = SendQueue("shop")


def a_chat(number: int = 1) -> int:
    """A chat whose customer wrote."""
    jid = f"3460000000{number}@s.whatsapp.net"
    chat_id = Inbox("shop").store(arrival(chat=jid, phone=jid.partition("@")[0]), NOON)
    assert chat_id is not None
    return chat_id


def reply(
    outbox: Outbox, chat_id: int, *parts: str, at: datetime = NOON, not_before: datetime | None = None
) -> list[Outbound]:
    """Answer what is pending in a chat; the rows stored."""
    if not Inbox("shop").pending(chat_id):
        chat = Chat.get_by_id(chat_id)
        Inbox("shop").store(arrival(chat=chat.jid, phone=chat.phone), at)
    before = Outbound.select().count()
    rows = Inbox("shop").pending(chat_id)
    outbox.put(chat_id, [Part(part, not_before or at) for part in parts], "knowledge", rows, at)
    return list(Outbound.select().order_by(Outbound.id).offset(before).limit(1000))


def stored(row: Outbound) -> Outbound:
    return Outbound.get_by_id(row.id)


def next_text(outbox: Outbox, now: datetime = NOON, composed_after: datetime | None = None) -> str | None:
    row, _ = QUEUE.next(now, composed_after)
    return row.text if row else None
