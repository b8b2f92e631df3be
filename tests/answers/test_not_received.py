"""What never came or cannot be read: it is waited for, asked for again, or told to the owner."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

import pytest

from tests.support.arrivals import GROUP, arrival
from tests.support.shop import ENGLISH, SPANISH, Shop, states
from wabot.clock import utc_now
from wabot.database.models import Chat, Inbound, Outbound
from wabot.whatsapp.messages import MessageKind


@pytest.fixture
def shop(sqlite_database: Any) -> Shop:
    return Shop()


def test_a_customer_whose_messages_were_lost_is_asked_once_to_repeat_them(shop: Shop) -> None:
    lost = [arrival("", kind=MessageKind.LOST) for _ in range(3)]
    assert shop.answer(*lost[:2]) == [SPANISH.ask_to_repeat]
    assert states() == [("answered", "ask-to-repeat")] * 2
    assert shop.answer(lost[2]) == [SPANISH.ask_to_repeat]
    assert states()[2] == ("ignored", "lost; asked to repeat already")
    assert shop.model.asked == []


def test_a_customer_who_did_repeat_is_asked_again_when_more_is_lost(shop: Shop) -> None:
    shop.answer(arrival("", kind=MessageKind.LOST))
    shop.answer("¿tienen tazas azules?")
    assert shop.answer(arrival("", kind=MessageKind.LOST))[2:] == [SPANISH.ask_to_repeat]
    shop.answer(arrival("", kind=MessageKind.LOST))
    assert states()[2:] == [("answered", "ask-to-repeat"), ("ignored", "lost; asked to repeat already")]


def test_what_was_written_again_and_lost_by_the_next_end_of_the_process_is_asked_for_again(
    shop: Shop,
) -> None:
    shop.answer(arrival("", kind=MessageKind.LOST))
    Outbound.update(state="sent", sent_at=utc_now()).execute()
    assert Shop().answer(arrival("", kind=MessageKind.LOST)) == [SPANISH.ask_to_repeat]
    # It has not left yet: it is read after whatever was lost until now.
    Shop().answer(arrival("", kind=MessageKind.LOST))
    assert states()[1:] == [("answered", "ask-to-repeat"), ("ignored", "lost; asked to repeat already")]


def test_a_lost_message_beside_one_that_arrived(shop: Shop) -> None:
    assert shop.answer(arrival("", kind=MessageKind.LOST), "do you have blue cups?") == [
        ENGLISH.ask_to_repeat,
        "Claro.",
    ]
    assert shop.model.heard == ["do you have blue cups?"]


def test_a_customer_who_is_not_written_to_is_not_asked_to_repeat(shop: Shop) -> None:
    shop.answer("baja")
    Outbound.delete().execute()
    assert shop.answer(arrival("", kind=MessageKind.LOST)) == []
    assert states()[1] == ("ignored", "opted out")


def age(**ago: float) -> None:
    """All messages came so long ago."""
    Inbound.update(received_at=utc_now() - timedelta(**ago)).execute()


def due_in(shop: Shop) -> list[float]:
    """In how many seconds each chat is looked at again."""
    return [due - time.monotonic() for due in shop.schedule._due.values()]


def test_what_could_not_be_decrypted_is_waited_for_and_then_asked_for_once(shop: Shop) -> None:
    assert shop.answer(arrival("", kind=MessageKind.SPOILT)) == []
    assert states() == [("pending", "")]
    assert due_in(shop) == [pytest.approx(120, abs=5)]
    age(seconds=119)
    shop.worker.answer(1)
    assert states() == [("pending", "")]
    age(seconds=121)
    assert shop.answer(arrival("", kind=MessageKind.SPOILT)) == [SPANISH.ask_to_repeat]
    age(seconds=121)
    assert shop.worker.answer(1) is None
    assert states() == [("answered", "ask-to-repeat"), ("ignored", "lost; asked to repeat already")]
    assert shop.model.asked == []


def test_what_comes_again_in_time_is_answered_and_nobody_is_asked(shop: Shop) -> None:
    shop.answer(arrival("", kind=MessageKind.SPOILT, message_id="M1"))
    assert shop.answer(arrival("do you have blue cups?", message_id="M1")) == ["Claro."]
    age(minutes=5)
    shop.worker.answer(1)
    assert states() == [("answered", "model:test")]
    assert Outbound.select().count() == 1


def test_what_comes_later_still_is_answered_as_well(shop: Shop) -> None:
    shop.hear(arrival("", kind=MessageKind.SPOILT, message_id="M1"))
    age(minutes=3)
    shop.worker.answer(1)
    assert shop.answer(arrival("do you have blue cups?", message_id="M1"))[1:] == ["Claro."]


def test_what_may_come_again_keeps_nothing_else_waiting(shop: Shop) -> None:
    assert shop.answer(arrival("", kind=MessageKind.SPOILT), "do you have blue cups?") == ["Claro."]
    assert states() == [("pending", ""), ("answered", "model:test")]
    assert shop.model.heard == ["do you have blue cups?"]


def test_what_is_not_received_again_changes_nothing_about_what_was(shop: Shop) -> None:
    shop.answer(arrival("do you have blue cups?", message_id="M1"))
    assert shop.answer(arrival("", kind=MessageKind.SPOILT, message_id="M1")) == ["Claro."]
    assert states() == [("answered", "model:test")]


def test_what_is_kept_from_linked_devices_cannot_be_opened(shop: Shop) -> None:
    assert shop.answer(arrival("", kind=MessageKind.WITHHELD)) == [SPANISH.cannot_open]
    assert shop.answer(arrival("", kind=MessageKind.WITHHELD)) == [SPANISH.cannot_open]
    assert states() == [("answered", "cannot-open"), ("ignored", "cannot be opened, told already")]
    assert shop.model.asked == []


@pytest.mark.parametrize("kind", [MessageKind.SPOILT, MessageKind.WITHHELD])
def test_who_is_not_answered_is_not_asked_either(shop: Shop, kind: MessageKind) -> None:
    shop.hear("hello")
    Chat.update(pause_reason="command", paused_until=None).execute()
    Inbound.delete().execute()
    shop.hear(arrival("", kind=kind))
    age(minutes=3)
    shop.worker.answer(1)
    assert Outbound.select().count() == 0
    assert states() == [("ignored", "paused: command")]


@pytest.mark.parametrize("kind", [MessageKind.SPOILT, MessageKind.WITHHELD])
def test_nothing_is_asked_of_a_group_that_is_not_answered(shop: Shop, kind: MessageKind) -> None:
    shop.hear(arrival("", kind=kind, chat=GROUP, phone=""))
    assert states() == [("ignored", "group")]


def test_what_is_no_message_to_its_sender_either_is_not_asked_for(shop: Shop) -> None:
    assert shop.answer(arrival("", kind=MessageKind.HIDDEN)) == []
    assert states() == [("ignored", "nothing to answer (hidden)")]
