from __future__ import annotations

from typing import Any

import pytest

from tests.support.arrivals import NOON, arrival, later
from tests.support.desk import Desk
from wabot.conversation.notices import Notice
from wabot.conversation.outbox import Part
from wabot.database.models import Chat, Inbound, Outbound
from wabot.database.states import InboundState, Reason
from wabot.status.conversations import latest_chats, said_in, waiting_replies
from wabot.whatsapp.messages import MessageKind


@pytest.fixture
def desk(database: Any) -> Desk:
    return Desk()


def write(desk: Desk, number: int, text: str, state: str = "pending", reason: str = "", at: int = 0) -> int:
    """A customer writes, and this became of it; the number of the chat."""
    phone = f"3460011100{number}"
    message = arrival(text, chat=f"{phone}@s.whatsapp.net", phone=phone)
    chat_id = desk.inbox.store(message, later(at), InboundState(state), reason)
    assert chat_id is not None
    return chat_id


def test_the_latest_chats_come_first_and_who_waits_is_marked(desk: Desk) -> None:
    write(desk, 1, "hola", at=1)
    write(desk, 2, "¿hay tazas?", "answered", "knowledge", at=2)
    write(desk, 1, "¿oiga?", at=3)
    assert [(each.last.text, each.waiting and each.waiting.text) for each in latest_chats("shop", 9)] == [
        ("¿oiga?", "¿oiga?"),
        ("¿hay tazas?", None),
    ]
    assert [each.last.text for each in latest_chats("shop", 9, unanswered=True)] == ["¿oiga?"]
    assert len(latest_chats("shop", 1)) == 1
    assert latest_chats("other", 9) == []


@pytest.mark.parametrize(
    ("state", "reason", "waits"),
    [
        ("pending", "", True),
        ("failed", "no answer after 3 attempts", True),
        ("answered", "model:x", False),
        ("answered", Notice.APOLOGY, True),
        ("answered", Notice.HANDED_OVER, True),
        ("answered", Notice.AWAY, True),
        ("answered", Notice.CANNOT_OPEN, False),
        ("ignored", Reason.NOT_KNOWN_AGAIN, True),
        ("ignored", Reason.TOO_OLD, True),
        ("ignored", "paused: the owner wrote", True),
        ("ignored", Reason.OPTED_OUT, False),
        ("ignored", Reason.DENIED, False),
        ("owner", "", False),
    ],
)
def test_who_waits(desk: Desk, state: str, reason: str, waits: bool) -> None:
    write(desk, 1, "¿hacéis facturas?", state, reason)
    assert bool(latest_chats("shop", 9, unanswered=True)) is waits


def test_what_asks_nothing_hides_nobody_who_waits_and_the_owners_word_ends_it(desk: Desk) -> None:
    write(desk, 1, "¿hacéis facturas?", "ignored", Reason.NOT_KNOWN_AGAIN, at=1)
    write(desk, 1, "👍", "ignored", "nothing to answer (reaction)", at=2)
    assert [each.waiting and each.waiting.text for each in latest_chats("shop", 9)] == ["¿hacéis facturas?"]
    write(desk, 1, "Sí", "owner", at=3)
    assert latest_chats("shop", 9, unanswered=True) == []


def test_a_chat_is_told_in_order_with_what_became_of_each(desk: Desk) -> None:
    chat_id = write(desk, 1, "¿hay tazas?", at=1)
    desk.outbox.put(chat_id, [Part("Sí.", later(2))], "knowledge", desk.inbox.pending(chat_id), later(2))
    Outbound.update(state="sent", delivered_at=later(3)).execute()
    write(desk, 1, "¿hacéis facturas?", "ignored", Reason.NOT_KNOWN_AGAIN, at=4)
    write(desk, 1, "Claro", "owner", at=5)
    Inbound.update(kind=MessageKind.AUDIO).where(Inbound.text == "Claro").execute()
    chats = [Chat.get_by_id(chat_id)]
    assert [(each.who, each.kind, each.text, each.state) for each in said_in(chats, 9)] == [
        ("customer", "text", "¿hay tazas?", ""),
        ("bot", "text", "Sí.", "delivered"),
        ("customer", "text", "¿hacéis facturas?", "not known, told already"),
        ("owner", "audio", "[audio, as a machine heard it] Claro", ""),
    ]
    assert [each.text for each in said_in(chats, 2)] == [
        "¿hacéis facturas?",
        "[audio, as a machine heard it] Claro",
    ]


def test_what_waits_to_be_sent(desk: Desk) -> None:
    chat_id = write(desk, 1, "hola")
    for number in range(3):
        desk.outbox.notify(chat_id, f"notice {number}", Notice.AWAY, NOON)
    Outbound.update(state="sent").where(Outbound.text == "notice 0").execute()
    assert [row.text for row in waiting_replies("shop", 9)] == ["notice 1", "notice 2"]
    assert len(waiting_replies("shop", 1)) == 1
    assert waiting_replies("other", 9) == []
