from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.office import (
    FIRST_JID,
    FIRST_LID,
    QUIET_SECONDS,
    WAIT_SECONDS,
    Office,
    busy,
    in_doubt,
    states,
    throttled,
    wait_until,
)
from wabot.clock import utc_now
from wabot.conversation.send_queue import SendQueue
from wabot.database.models import Chat, Outbound
from wabot.outbound import pacing
from wabot.outbound import unconfirmed as unconfirmed
from wabot.outbound.pacing import Rates
from wabot.whatsapp.signals import SendFailed

NOON = 1000.0


def later(seconds: float) -> float:
    return NOON + seconds


def test_no_limit() -> None:
    rates = Rates(0, 0)
    for number in range(1000):
        rates.count(1, later(number / 1000))
    assert rates.opens_at() is None
    assert rates.chat_opens_at(1) is None


def test_everybody_together_in_any_minute() -> None:
    rates = Rates(3, 0)
    for second in (0, 10, 20):
        assert rates.opens_at() is None
        rates.count(second, later(second))
    assert rates.opens_at() == later(60)
    rates.count(9, later(60))
    assert rates.opens_at() == later(70)


def test_what_answers_no_message_leaves_half_of_the_minute_to_replies() -> None:
    rates = Rates(5, 0)
    for second in (0, 10, 20):
        assert rates.unasked_open_at() is None
        rates.count(second, later(second))
    assert rates.unasked_open_at() == later(60)
    rates.count(9, later(30))
    assert rates.unasked_open_at() == later(70), "replies count as well"
    assert Rates(0, 0).unasked_open_at() is None


def test_first_answers_leave_a_quarter_of_the_minute_to_the_others() -> None:
    rates = Rates(4, 0)
    for second in (0, 10, 20):
        assert rates.firsts_open_at() is None
        rates.count(second, later(second), is_first=True)
    assert rates.firsts_open_at() == later(60)
    assert rates.opens_at() is None
    rates.count(9, later(30))
    assert rates.opens_at() == later(60)
    assert Rates(0, 0).firsts_open_at() is None
    assert not Rates(0, 5).distinguishes


def test_one_chat_in_any_hour() -> None:
    rates = Rates(0, 2)
    rates.count(1, later(0))
    rates.count(2, later(1))
    assert rates.chat_opens_at(1) is None
    rates.count(1, later(100))
    assert rates.chat_opens_at(1) == later(3600)
    assert rates.chat_opens_at(2) is None
    rates.count(1, later(3600))
    assert rates.chat_opens_at(1) == later(3700)


def test_chats_that_fell_silent_are_forgotten() -> None:
    rates = Rates(0, 1)
    for chat_id in range(10_000):
        rates.count(chat_id, NOON)
    rates.count(10_000, later(3600))
    assert rates.chat_opens_at(5) is None
    assert rates.chat_opens_at(10_000) == later(7200)


@given(
    st.integers(1, 5),
    st.integers(1, 5),
    st.lists(st.tuples(st.integers(1, 3), st.integers(0, 40)), max_size=60),
)
def test_waiting_for_ones_turn_keeps_every_rate(
    per_minute: int, per_chat: int, wishes: list[tuple[int, int]]
) -> None:
    rates = Rates(per_minute, per_chat)
    now, left = NOON, []
    for chat_id, pause in wishes:
        now += pause
        now = max(now, rates.opens_at() or now, rates.chat_opens_at(chat_id) or now)
        rates.count(chat_id, now)
        left.append((chat_id, now))
    for _, end in left:
        recent = [at for _, at in left if end - 60 < at <= end]
        assert len(recent) <= per_minute
        for chat_id in (1, 2, 3):
            to_chat = [at for chat, at in left if chat == chat_id and end - 3600 < at <= end]
            assert len(to_chat) <= per_chat


# The sender keeps to it


def test_one_chat_that_is_not_taken_now_does_not_hold_up_another(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pacing, "_BUSY_SECONDS", 3600.0)
    office.phone.failures = [busy()]
    office.put("held", customer=1)
    office.put("welcome", customer=2)
    office.sender.link_up()
    wait_until(lambda: states() == {"held": "pending", "welcome": "sent"})


def test_where_whatsapp_wants_nothing_for_a_while_nothing_is_sent_whoever_wakes_the_sender(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pacing, "_BUSY_SECONDS", 0.4)
    office.phone.failures = [throttled()]
    office.sender.link_up()
    began = time.monotonic()
    office.put("one", customer=1)
    wait_until(lambda: office.phone.tried)
    for customer in range(2, 6):
        office.put("more", customer=customer)
    wait_until(lambda: len(office.phone.taken) == 5)
    assert time.monotonic() - began >= 0.4
    assert office.phone.tried == ["one", "one", "more", "more", "more", "more"]


def test_nothing_is_sent_while_messages_are_on_their_way_into_the_database(office: Office) -> None:
    """One of them may say that nobody is to write to its customer any more."""
    office.sender.link_up()
    office.is_behind = True
    office.put("first")
    time.sleep(0.3)
    assert office.phone.texts == []
    office.is_behind = False
    office.queue.wakeup.set()
    wait_until(lambda: office.phone.texts == ["first"])


@pytest.mark.parametrize("written_from", [FIRST_JID, FIRST_LID])
def test_in_the_middle_of_a_burst_nothing_is_sent(
    office: Office, monkeypatch: pytest.MonkeyPatch, written_from: str
) -> None:
    """Whichever of the person's two addresses it comes from."""
    held: list[float] = []
    seconds_to_hold = office.bursts.seconds_to_hold

    def ask(jid: str, now: float) -> float:
        held.append(seconds_to_hold(jid, now))
        return held[-1]

    monkeypatch.setattr(office.bursts, "seconds_to_hold", ask)
    office.sender.link_up()
    office.put("first")
    wait_until(lambda: office.phone.texts == ["first"])
    office.sender.link_down()
    chat_id = office.put("second", at=utc_now() - timedelta(minutes=1))
    Chat.update(jid=FIRST_LID).where(Chat.id == chat_id).execute()
    for _ in range(2):
        office.bursts.note(written_from, time.monotonic())
    began = time.monotonic()
    office.sender.link_up()
    wait_until(lambda: office.phone.texts == ["first", "second"])
    assert time.monotonic() - began >= 0.2
    assert len(held) < 10, "it is not asked all the time"


def test_what_is_beyond_the_rate_waits(make_office: Callable[..., Office]) -> None:
    office = make_office(rates=Rates(2, 0))
    office.sender.start()
    office.put("one", "two", "three")
    office.sender.link_up()
    wait_until(lambda: states() == {"one": "sent", "two": "sent", "three": "pending"})
    time.sleep(QUIET_SECONDS)
    assert office.phone.tried == ["one", "two"]


def test_many_strangers_at_once_do_not_hold_up_a_customer_who_was_answered_before(
    make_office: Callable[..., Office],
) -> None:
    office = make_office(rates=Rates(8, 0))
    office.sender.start()
    office.put("before", customer=9)
    office.sender.link_up()
    wait_until(lambda: office.phone.texts == ["before"])
    office.sender.link_down()
    for stranger in range(1, 9):
        office.put("hello", "and more", customer=stranger)
    office.put("again", customer=9)
    office.sender.link_up()
    # Of eight in a minute six may be first answers, and two parts of one are one answer.
    wait_until(lambda: len(office.phone.texts) == 7)
    time.sleep(QUIET_SECONDS)
    assert office.phone.texts == ["before", *["hello", "and more"] * 2, "hello", "again"]


def test_a_send_in_doubt_counts_for_the_rate(make_office: Callable[..., Office]) -> None:
    office = make_office(rates=Rates(1, 0))
    office.phone.failures = [in_doubt()]
    office.sender.start()
    office.put("one", customer=1)
    office.put("two", customer=2)
    office.sender.link_up()
    wait_until(lambda: office.phone.tried)
    time.sleep(QUIET_SECONDS)
    assert office.phone.tried == ["one"]


def test_one_chat_beyond_its_rate_does_not_hold_up_another(make_office: Callable[..., Office]) -> None:
    office = make_office(rates=Rates(0, 1))
    office.sender.start()
    office.put("one", "two", customer=1)
    office.put("three", customer=2)
    office.sender.link_up()
    wait_until(lambda: office.phone.texts == ["one", "three"])
    wait_until(lambda: Outbound.get(Outbound.text == "two").not_before > utc_now() + timedelta(minutes=59))


@pytest.mark.parametrize("failure", [busy, throttled])
def test_what_is_not_taken_now_is_tried_later_and_later(
    make_office: Callable[..., Office],
    monkeypatch: pytest.MonkeyPatch,
    failure: Callable[[], SendFailed],
) -> None:
    monkeypatch.setattr(pacing, "_BUSY_SECONDS", 100.0)
    monkeypatch.setattr(pacing, "_LONGEST_BUSY_SECONDS", 500.0)
    office = make_office()
    office.phone.failures = [failure() for _ in range(5)]
    office.put("one")
    for wait_seconds in (100, 200, 400, 500, 500):
        stored_began, began = utc_now(), time.monotonic()
        row, _ = SendQueue("shop").next(datetime.max)
        assert row is not None
        office.sender._send(row)
        waits = (Outbound.get().not_before - stored_began).total_seconds()
        waits = max(waits, office.sender._pacing._throttled_until - began)
        assert wait_seconds <= waits < wait_seconds + WAIT_SECONDS
        assert Outbound.get().state == "pending"
    office.sender.start()
