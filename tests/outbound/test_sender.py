from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta

import pytest

from tests.support.arrivals import arrival
from tests.support.office import (
    QUIET_SECONDS,
    SEND_TIMEOUT_SECONDS,
    WAIT_SECONDS,
    Office,
    WhateverBegan,
    busy,
    in_doubt,
    not_sent,
    refused,
    shut_out,
    states,
    wait_until,
)
from wabot.clock import utc_now
from wabot.config.settings import OutreachSettings
from wabot.conversation.consent import Consent, Purpose
from wabot.conversation.inbox import Inbox
from wabot.conversation.outreach import Order, Outreach
from wabot.conversation.pauses import Pauses
from wabot.conversation.send_queue import SendQueue
from wabot.database import workers
from wabot.database.models import Chat, Outbound, Session
from wabot.database.states import InboundState, PauseReason
from wabot.outbound import sender
from wabot.outbound import unconfirmed as unconfirmed

# With the link up, and down


def test_a_reply_goes_out_and_is_remembered_with_its_id(office: Office) -> None:
    office.sender.link_up()
    office.put("hello", customer=7)
    wait_until(lambda: states() == {"hello": "sent"})
    row = Outbound.get()
    assert office.phone.taken == [("34600000007@s.whatsapp.net", "hello")]
    assert (row.message_id, row.copies, bytes(row.secret)) == ("3EB01", 1, office.phone.secrets[0])
    assert office.sender.last_sent_at == row.sent_at
    assert abs((row.sent_at - utc_now()).total_seconds()) < WAIT_SECONDS


def test_what_is_written_while_the_link_is_down_goes_out_when_it_is_up(office: Office) -> None:
    office.put("one", "two")
    time.sleep(QUIET_SECONDS)
    assert office.phone.tried == []
    office.sender.link_up()
    wait_until(lambda: office.phone.texts == ["one", "two"])


def test_nothing_leaves_once_the_link_is_down(office: Office) -> None:
    office.sender.link_up()
    office.put("one")
    wait_until(lambda: office.phone.texts == ["one"])
    office.sender.link_down()
    office.put("two")
    time.sleep(QUIET_SECONDS)
    assert office.phone.tried == ["one"]
    office.sender.link_up()
    wait_until(lambda: office.phone.texts == ["one", "two"])


def test_what_queued_waits_until_the_link_has_proved_itself(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sender, "STABLE_SECONDS", 0.3)
    office.put("queued", "queued too")
    office.sender.link_up()
    up_at = time.monotonic()
    time.sleep(0.01)
    office.put("composed since", customer=2)
    wait_until(lambda: len(office.phone.texts) == 1)
    assert time.monotonic() - up_at < 0.3
    wait_until(lambda: len(office.phone.texts) == 3)
    assert time.monotonic() - up_at >= 0.3
    assert office.phone.texts == ["composed since", "queued", "queued too"]


def test_a_link_that_comes_up_at_the_very_moment_of_falling_asleep_is_not_missed(office: Office) -> None:
    office.put("hello")
    office.pulse.on_idle = office.sender.link_up
    office.queue.wakeup.set()
    wait_until(lambda: office.phone.texts == ["hello"])


# Order and time


def test_a_chat_keeps_its_order_whatever_fails(office: Office) -> None:
    office.phone.failures = [not_sent(), not_sent(), in_doubt(), busy()]
    office.sender.link_up()
    office.put("one", "two", "three")
    wait_until(lambda: office.phone.texts == ["one", "two", "three"])
    assert office.phone.tried == ["one"] * 5 + ["two", "three"]


def test_a_chat_that_is_shut_is_tried_once_and_left_to_the_owner(office: Office) -> None:
    Session.create(user_id="shop", phone="34999888777", updated_at=utc_now())
    office.phone.failures = [shut_out()]
    office.put("one", "two", customer=1)
    office.put("welcome", customer=2)
    office.sender.link_up()
    wait_until(lambda: "welcome" in office.phone.texts and len(office.phone.taken) == 2)
    told = next(text for text in office.phone.texts if text != "welcome")
    assert "WhatsApp no me deja escribirle" in told
    assert (states()["one"], states()["two"]) == ("withdrawn", "withdrawn")
    assert office.phone.tried.count("one") == 1
    chat = Chat.get(Chat.phone == "34600000001")
    assert chat.pause_reason == PauseReason.SHUT_OUT
    assert chat.paused_until > utc_now() + timedelta(hours=11)


def test_a_part_waits_for_its_time(office: Office) -> None:
    office.sender.link_up()
    at = utc_now() + timedelta(seconds=0.3)
    office.put("in a moment", not_before=at)
    wait_until(lambda: office.phone.texts)
    assert utc_now() >= at


def test_what_answers_no_message_leaves_behind_every_reply(make_office: Callable[..., Office]) -> None:
    outreach = Outreach("shop", Consent("shop", OutreachSettings()))
    office = make_office(replies=SendQueue("shop", outreach))
    now = utc_now()
    for number in (1, 2, 3):
        address = f"3460000000{number}@s.whatsapp.net"
        message = arrival("hola", chat=address, phone=address.partition("@")[0], sent_at=now)
        chat_id = Inbox("shop").store(message, now, InboundState.IGNORED)
        order = Order(f"order {number}", Purpose.ORDER, now + timedelta(seconds=0.3 * (number == 3)))
        outreach.schedule(Chat.get_by_id(chat_id), order, now)
    office.put("reply", customer=4)
    office.put("another", customer=1)
    office.sender.start()
    office.sender.link_up()
    wait_until(lambda: office.phone.texts == ["reply", "another", "order 1", "order 2", "order 3"])


def test_what_must_not_be_said_any_more_is_withdrawn_at_the_last_moment(office: Office) -> None:
    chat_id = office.put("too late")
    Pauses(Inbox("shop"), office.outbox).pause(Chat.get_by_id(chat_id), PauseReason.COMMAND, None)
    Outbound.update(state="pending").execute()
    office.sender.link_up()
    wait_until(lambda: states() == {"too late": "withdrawn"})
    assert office.phone.tried == []


# What became of it


def test_what_surely_did_not_leave_goes_out_later_as_if_nothing_had_happened(office: Office) -> None:
    office.phone.failures = [not_sent()] * 5
    office.sender.link_up()
    office.put("hello")
    wait_until(lambda: states() == {"hello": "sent"})
    assert office.phone.texts == ["hello"]
    assert Outbound.get().copies == 1


def test_a_link_that_dies_at_the_moment_of_sending_costs_a_delay(office: Office) -> None:
    office.sender.link_up()
    office.phone.may_answer.clear()
    office.phone.failures = [not_sent()]
    office.put("hello")
    office.phone.began.get(timeout=WAIT_SECONDS)
    office.sender.link_down()
    office.phone.may_answer.set()
    wait_until(lambda: states() == {"hello": "pending"})
    time.sleep(QUIET_SECONDS)
    assert office.phone.tried == ["hello"]
    office.sender.link_up()
    wait_until(lambda: office.phone.texts == ["hello"])


def test_without_a_connection_one_failed_send_is_enough_for_a_while(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sender, "_RETRY_SECONDS", 3600.0)
    office.phone.failures = [not_sent()] * 10
    for customer in range(5):
        office.put("hello", customer=customer)
    office.sender.link_up()
    wait_until(lambda: office.phone.tried)
    time.sleep(QUIET_SECONDS)
    assert office.phone.tried == ["hello"]


def test_a_silent_death_of_the_link_is_noticed_until_somebody_acts_on_it(office: Office) -> None:
    office.phone.failures = [not_sent()] * 1000
    office.put("hello")
    office.sender.link_up()
    wait_until(lambda: office.sender.seconds_offline > 0.3)
    assert len(office.phone.tried) > 1
    office.sender.link_down()
    wait_until(lambda: office.beats[-1] == 0)
    office.phone.failures = []
    office.sender.link_up()
    assert office.sender.seconds_offline == 0


def test_one_send_that_failed_proves_nothing_however_long_ago(office: Office) -> None:
    """What was to be sent may have been withdrawn meanwhile, and nobody tries again."""
    office.phone.failures = [not_sent()]
    office.put("hello")
    office.sender.link_up()
    wait_until(lambda: office.phone.tried)
    Outbound.update(state="withdrawn").execute()
    time.sleep(QUIET_SECONDS)
    assert office.sender.seconds_offline == 0


def test_a_send_that_works_ends_the_suspicion(office: Office) -> None:
    office.sender.link_up()
    for text in ("one", "two"):
        office.phone.failures = [not_sent()] * 2
        office.put(text)
        wait_until(lambda text=text: states()[text] == "sent")
        wait_until(lambda: office.sender.seconds_offline == 0)


def test_what_never_left_is_sent_again(office: Office) -> None:
    office.phone.failures = [in_doubt()]
    office.sender.link_up()
    office.put("hello")
    wait_until(lambda: states() == {"hello": "sent"})
    assert office.phone.tried == ["hello", "hello"]
    assert Outbound.get().copies == 1


def test_what_left_and_arrived_is_not_sent_again(office: Office) -> None:
    office.phone.may_answer.clear()
    office.phone.failures = [in_doubt()]
    office.sender.link_up()
    office.put("hello")
    office.phone.began.get(timeout=WAIT_SECONDS)
    office.ids[office.phone.secrets[0]] = "3EB0"
    office.receipts._arrived["3EB0"] = None
    office.phone.may_answer.set()
    wait_until(lambda: states() == {"hello": "sent"})
    assert office.phone.tried == ["hello"]


def test_what_left_and_did_not_arrive_gets_five_copies_and_no_sixth(office: Office) -> None:
    office.ids = WhateverBegan()
    office.phone.failures = [in_doubt() for _ in range(5)]
    office.sender.link_up()
    office.put("hello")
    wait_until(lambda: states() == {"hello": "unsure"})
    assert office.phone.tried == ["hello"] * 5
    assert len(set(office.phone.secrets)) == 5


def test_what_is_refused_for_good_is_not_tried_again(office: Office) -> None:
    office.phone.failures = [refused()]
    office.sender.link_up()
    office.put("one", "two")
    wait_until(lambda: states() == {"one": "dead", "two": "sent"})
    assert office.phone.tried == ["one", "two"]
    assert Outbound.get(Outbound.text == "one").error == "server returned error 479"


def test_after_a_failure_nobody_foresaw_the_sender_rests_and_looks_for_what_may_have_left(
    make_office: Callable[..., Office], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workers, "FAILED_SECONDS", 100.0)
    office = make_office()
    office.sender.link_up()
    office.sender._step()
    assert not office.unconfirmed.exist
    monkeypatch.setattr(SendQueue, "next", lambda *_: {}["out of the blue"])
    assert office.sender._step() == 100.0
    assert office.unconfirmed.exist
    assert office.beats[-1] == 0
    office.sender.start()


def test_a_reply_that_breaks_the_client_library_does_not_break_the_sender(office: Office) -> None:
    office.phone.poison = "poison"
    office.sender.link_up()
    office.put("poison", customer=1)
    office.put("welcome", customer=2)
    wait_until(lambda: states() == {"poison": "dead", "welcome": "sent"})


# Life


def test_every_call_that_can_hang_is_announced_and_taken_back(office: Office) -> None:
    office.sender.link_up()
    office.phone.may_answer.clear()
    office.put("hello")
    office.phone.began.get(timeout=WAIT_SECONDS)
    assert office.beats[-1] == SEND_TIMEOUT_SECONDS
    office.phone.may_answer.set()
    wait_until(lambda: office.phone.texts == ["hello"] and office.beats[-1] == 0)


def test_a_search_for_what_may_have_left_is_announced_and_only_that(
    make_office: Callable[..., Office],
) -> None:
    office = make_office()
    office.sender.link_up()
    search = 2 * sender.LOOKUP_SECONDS
    office.sender._step()
    assert office.beats[0] == search, "at the start nobody knows"
    office.beats.clear()
    office.put("hello")
    office.sender._step()
    assert office.phone.texts == ["hello"]
    assert search not in office.beats
    office.sender.start()


def test_a_stop_finishes_the_send_in_flight_and_takes_no_other(office: Office) -> None:
    office.sender.link_up()
    office.phone.may_answer.clear()
    office.put("in flight", "waiting")
    office.phone.began.get(timeout=WAIT_SECONDS)
    assert not office.sender.stop(QUIET_SECONDS)
    office.phone.may_answer.set()
    assert office.sender.stop(WAIT_SECONDS)
    assert states() == {"in flight": "sent", "waiting": "pending"}


def test_a_stop_with_nothing_to_do_is_immediate(office: Office) -> None:
    assert office.sender.stop(WAIT_SECONDS)


def test_the_last_address_of_a_chat_counts_at_the_moment_of_sending(office: Office) -> None:
    chat_id = office.put("hello")
    Chat.update(jid="299000111222@lid").where(Chat.id == chat_id).execute()
    office.sender.link_up()
    wait_until(lambda: office.phone.taken == [("299000111222@lid", "hello")])
