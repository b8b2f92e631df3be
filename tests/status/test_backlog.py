from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from wabot.database.models import Chat, Inbound, Outbound
from wabot.status.record import Backlog, count_backlog

NOW = datetime(2026, 5, 4, 9, 30, tzinfo=UTC)


def a_chat(user_id: str, number: int) -> Any:
    return Chat.create(user_id=user_id, contact=str(number), jid=f"{number}@lid", created_at=datetime.min)


def receive(chat: Any, number: int, at: datetime, state: str = "answered") -> None:
    naive = at.astimezone(UTC).replace(tzinfo=None)
    Inbound.create(
        user_id=chat.user_id,
        chat=chat,
        jid=chat.jid,
        message_id=f"{chat.id}-{number}",
        sender=chat.jid,
        kind="text",
        text="hi",
        sent_at=naive,
        received_at=naive,
        state=state,
    )


def test_an_empty_database(database: Any) -> None:
    assert count_backlog("shop", NOW) == Backlog(0, 0, 0)
    assert str(Backlog(0, 0, 0)) == "0 chats today; all answered; outbox empty"


def test_counts_the_chats_since_midnight_of_this_user_alone(database: Any) -> None:
    ana, ben, eve = a_chat("shop", 1), a_chat("shop", 2), a_chat("other", 3)
    midnight = NOW.replace(hour=0, minute=0)
    receive(ana, 1, midnight - timedelta(seconds=1), state="pending")
    receive(ana, 2, midnight)
    receive(ana, 3, NOW)
    receive(ben, 4, NOW, state="pending")
    receive(eve, 5, NOW, state="pending")
    for state in ("pending", "sending", "sent", "dead"):
        Outbound.create(
            user_id="shop", chat=ana, text="x", state=state, secret=b"s", created_at=NOW, not_before=NOW
        )
    assert count_backlog("shop", NOW) == Backlog(chats_today=2, to_answer=2, to_send=2)
    assert str(count_backlog("shop", NOW)) == "2 chats today; to answer: 2; to send: 2"


def test_the_day_begins_at_the_midnight_of_the_given_zone(database: Any) -> None:
    ana = a_chat("shop", 1)
    receive(ana, 1, NOW - timedelta(hours=10))
    assert count_backlog("shop", NOW).chats_today == 0
    assert count_backlog("shop", NOW.astimezone(ZoneInfo("America/Sao_Paulo"))).chats_today == 0
    assert count_backlog("shop", NOW.astimezone(ZoneInfo("Asia/Tokyo"))).chats_today == 1
