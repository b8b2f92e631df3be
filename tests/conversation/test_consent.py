"""Whom the bot may write to without having been asked: each rule by its name."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.support.arrivals import ANA_LID, NOON, arrival
from tests.support.desk import Desk
from wabot.config.settings import OutreachSettings
from wabot.conversation.consent import Consent, Purpose, Rule
from wabot.conversation.outreach import Order, Outreach
from wabot.database.models import Chat, Outbound, Session
from wabot.database.states import InboundState, OutboundState, PauseReason

DAY = timedelta(days=1)


@pytest.fixture
def desk(database: Any) -> Desk:
    return Desk()


def a_chat(desk: Desk, number: int = 1, at: datetime = NOON, **message: Any) -> Chat:
    phone = f"3460011100{number}"
    given = {"chat": f"{phone}@s.whatsapp.net", "phone": phone, **message}
    chat_id = desk.inbox.store(arrival("hola", sent_at=at, **given), at)
    assert chat_id is not None
    return Chat.get_by_id(chat_id)


def outreach(**settings: Any) -> Outreach:
    return Outreach("shop", Consent("shop", OutreachSettings(**settings), ZoneInfo("Europe/Madrid")))


def rule(chat: Chat | None, at: datetime = NOON, purpose: Purpose = Purpose.ORDER, **settings: Any) -> str:
    """The rule that refuses it; "" when it may leave."""
    consent = Consent("shop", OutreachSettings(**settings), ZoneInfo("Europe/Madrid"))
    refusal = consent.refusal(chat, purpose, at, NOON)
    return str(refusal.rule) if refusal else ""


def test_who_wrote_may_be_written_to_within_the_window(desk: Desk) -> None:
    chat = a_chat(desk)
    assert rule(chat) == rule(chat, NOON + 30 * DAY) == ""
    assert rule(chat, NOON + 30 * DAY + timedelta(seconds=1)) == Rule.WINDOW
    assert rule(chat, NOON + timedelta(seconds=1), window_seconds=0) == Rule.WINDOW
    assert rule(chat, NOON + DAY, Purpose.REPLY) == ""
    assert rule(chat, NOON + DAY + timedelta(seconds=1), Purpose.REPLY) == Rule.WINDOW
    assert rule(None) == Rule.NO_CHAT


def test_nobody_agreed_to_be_reminded(desk: Desk) -> None:
    assert rule(a_chat(desk), purpose=Purpose.REMINDER) == Rule.PURPOSE


def test_only_the_customer_can_open_the_window(desk: Desk) -> None:
    chat_id = desk.inbox.store(arrival("hola", from_me=True), NOON, InboundState.OWNER)
    assert rule(Chat.get_by_id(chat_id)) == Rule.WINDOW


@pytest.mark.parametrize(
    ("change", "refused"),
    [
        ({"opted_out_at": NOON}, Rule.OPTED_OUT),
        ({"pause_reason": PauseReason.OWNER, "paused_until": None}, Rule.PAUSED),
        ({"pause_reason": PauseReason.OWNER, "paused_until": NOON}, ""),
        ({"pause_reason": PauseReason.SHUT_OUT, "paused_until": None}, Rule.SHUT_OUT),
        ({"jid": "123-456@g.us"}, Rule.GROUP),
        ({"phone": "34600999888"}, Rule.OWN_NUMBER),
    ],
)
def test_what_stands_in_the_chat_forbids_it(desk: Desk, change: dict[str, Any], refused: str) -> None:
    Session.create(user_id="shop", phone="34600999888", updated_at=NOON)
    chat = a_chat(desk)
    Chat.update(**change).execute()
    assert rule(Chat.get_by_id(chat.id)) == refused


def test_one_chat_that_whatsapp_refuses_is_shut_and_two_shut_all(desk: Desk) -> None:
    chats = [a_chat(desk, number) for number in range(3)]
    for shut, others in ((chats[0], ""), (chats[1], Rule.SHUT_OUT)):
        Chat.update(pause_reason=PauseReason.SHUT_OUT).where(Chat.id == shut.id).execute()
        assert rule(chats[2]) == others


def test_a_customer_without_a_phone_number_is_a_customer(desk: Desk) -> None:
    assert rule(a_chat(desk, chat=ANA_LID, phone="", lid=ANA_LID.partition("@")[0])) == ""


def test_messages_of_a_day_are_counted_by_the_business_s_own_days(desk: Desk) -> None:
    chat, other = a_chat(desk), a_chat(desk, 2)
    midnight_in_madrid = NOON.replace(hour=22 if NOON.month in range(4, 11) else 23)
    row = outreach().schedule(chat, Order("Su pedido ha salido", Purpose.ORDER, NOON), NOON)
    assert isinstance(row, Outbound)
    assert rule(chat, midnight_in_madrid - timedelta(seconds=1)) == Rule.PER_CHAT_PER_DAY
    assert rule(chat, midnight_in_madrid) == rule(other) == rule(chat, per_chat_per_day=2) == ""
    assert rule(other, per_day=1) == Rule.PER_DAY
    assert rule(chat, purpose=Purpose.REPLY) == "", "what is answered by hand is not counted"
    Outbound.update(state=OutboundState.WITHDRAWN).execute()
    assert rule(chat) == ""


def test_outside_the_hours_nothing_leaves_but_a_reply(desk: Desk) -> None:
    chat = a_chat(desk)
    assert rule(chat, hours=("mon-sun 09:00-20:00",)) == ""
    night = NOON.replace(hour=21)
    assert rule(chat, night, hours=("mon-sun 09:00-20:00",)) == Rule.HOURS
    assert rule(chat, night, Purpose.REPLY, hours=("mon-sun 09:00-20:00",)) == ""


def test_the_same_key_is_one_message(desk: Desk) -> None:
    chat, queue = a_chat(desk), outreach()
    order = Order("Su pedido ha salido", Purpose.ORDER, NOON, "order-123")
    first, second = queue.schedule(chat, order, NOON), queue.schedule(None, order, NOON)
    assert isinstance(first, Outbound) and isinstance(second, Outbound)
    assert first.id == second.id
    assert isinstance(outreach().schedule(a_chat(desk, 2), Order("x", Purpose.ORDER, NOON), NOON), Outbound)


def test_a_message_waits_for_its_time_and_leaves_through_the_queue(desk: Desk) -> None:
    queue = outreach()
    row = queue.schedule(a_chat(desk), Order("Su pedido ha salido", Purpose.ORDER, NOON + DAY), NOON)
    assert isinstance(row, Outbound)
    assert (queue.next_at(), queue.release(NOON)) == (NOON + DAY, False)
    assert queue.release(NOON + DAY)
    row = Outbound.get()
    assert (row.state, row.created_at) == (OutboundState.PENDING, NOON + DAY)
    assert not queue.release(NOON + DAY)
    assert queue.next_at() is None


@pytest.mark.parametrize(
    ("change", "waits"),
    [
        ({"opted_out_at": NOON}, False),
        ({"pause_reason": PauseReason.OWNER, "paused_until": None}, True),
    ],
)
def test_the_rules_are_asked_again_when_it_leaves(desk: Desk, change: dict[str, Any], waits: bool) -> None:
    queue = outreach()
    queue.schedule(a_chat(desk), Order("Su pedido ha salido", Purpose.ORDER, NOON), NOON)
    Chat.update(**change).execute()
    assert not queue.release(NOON)
    state = OutboundState.SCHEDULED if waits else OutboundState.WITHDRAWN
    assert Outbound.get().state == state
    if waits:
        assert queue.next_at() == NOON + timedelta(minutes=5)
        assert not queue.release(NOON + 2 * DAY)
        assert (Outbound.get().state, Outbound.get().error) == (
            OutboundState.WITHDRAWN,
            "paused: the chat is paused: the owner wrote",
        )


def test_what_another_process_puts_there_is_seen_after_a_ring(desk: Desk) -> None:
    bot = outreach()
    assert bot.next_at() is None
    outreach().schedule(a_chat(desk), Order("Su pedido ha salido", Purpose.ORDER, NOON), NOON)
    assert not bot.release(NOON)
    bot.look_again()
    assert bot.release(NOON)
