"""A link that falls: the library redials, and wabot only where the library does not."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.e2e.conftest import MakeBot, MakeCustomer
from wabot.emulator.people.customer import Customer
from wabot.emulator.server.emulator import Emulator

pytestmark = pytest.mark.e2e

QUESTION = "Do you have gift cards?"


def assert_answers(customer: Customer, replies: int = 1) -> None:
    """A question has an answer, once."""
    customer.send(QUESTION)
    customer.wait_for_replies(replies, timeout_seconds=15)


def test_no_dead_child_stays_with_a_bot_that_works(start_linked: MakeBot) -> None:
    bot = start_linked()
    bot.wait_for_state("connected")
    assert bot.process is not None
    assert Path(f"/proc/{bot.process.pid}/task/{bot.process.pid}/children").read_text() == ""


@pytest.mark.parametrize("code", [401, 500, 503, 515, 516, None])
def test_a_stream_that_whatsapp_ends_is_redialled_by_the_library(
    linked_emulator: Emulator, start_linked: MakeBot, ana: Customer, code: int | None
) -> None:
    bot = start_linked()
    bot.wait_for_state("connected")
    logins = linked_emulator.bot.logins
    linked_emulator.stream_error(code)
    linked_emulator.wait_for_login(logins + 1)
    assert_answers(ana)
    bot.wait_for_state("connected")
    assert "kick:" not in bot.log()
    assert (f"code {code or 'none'}" in bot.log()) == (code != 515)
    assert bot.process is not None
    assert bot.process.poll() is None


def test_a_stream_that_is_ended_without_being_closed_is_dialled_afresh(
    linked_emulator: Emulator, start_linked: MakeBot, ana: Customer
) -> None:
    bot = start_linked("reconnect_timeout = 5")
    bot.wait_for_state("connected")
    linked_emulator.stream_error(503, close=False)
    status = bot.wait_for_state("reconnecting")
    assert status["reason"] == "WhatsApp ended the stream (code 503)"
    bot.wait_for_state("connected")
    assert "kick: reconnecting for 5 s" in bot.log()
    assert_answers(ana)


def test_a_redial_that_whatsapp_asked_for_and_that_fails_is_made_by_wabot(
    linked_emulator: Emulator, start_linked: MakeBot, ana: Customer
) -> None:
    """The library tries once and is silent for ever. The second time in an hour a fresh process is wanted."""
    bot = start_linked()
    bot.wait_for_state("connected")
    logins = linked_emulator.bot.logins
    linked_emulator.faults.refuse_dials(1)
    linked_emulator.stream_error(515)
    linked_emulator.wait_for_login(logins + 1)
    bot.wait_for_state("connected")
    assert "kick: the redial that WhatsApp asked for failed" in bot.log()
    assert_answers(ana)
    linked_emulator.faults.refuse_dials(1)
    linked_emulator.stream_error(515)
    assert bot.wait_for_exit() == 75
    assert "for the second time within an hour" in bot.systemd.statuses[-1]


def test_the_librarys_long_pauses_are_ended_by_a_fresh_dial(
    linked_emulator: Emulator, start_linked: MakeBot, ana: Customer
) -> None:
    """After three failed redials it would wait six seconds more, after a day's outage for ten minutes."""
    bot = start_linked("reconnect_timeout = 5")
    bot.wait_for_state("connected")
    linked_emulator.faults.refuse(60)
    linked_emulator.cut()
    status = bot.wait_for(lambda status: "connection refused" in status["reason"])
    assert status["state"] == "reconnecting"
    bot.wait_for_log("kick: reconnecting for 5 s")
    linked_emulator.accept_connections()
    began = time.monotonic()
    assert_answers(ana)
    assert time.monotonic() - began < 5


def test_no_network_at_the_start_is_a_state_and_no_failure(
    linked_emulator: Emulator, start_linked: MakeBot
) -> None:
    linked_emulator.faults.refuse(60)
    bot = start_linked()
    status = bot.wait_for_state("backoff")
    assert status["reason"].startswith("no connection to WhatsApp: connection refused; next dial at ")
    assert "READY=1" in bot.systemd.messages
    linked_emulator.accept_connections()
    linked_emulator.faults.http_status(503)
    bot.wait_for_state("connected")
    assert bot.stop() == 0


def test_a_connection_that_is_announced_after_it_was_lost_is_not_believed(
    linked_emulator: Emulator, start_linked: MakeBot
) -> None:
    """The library says Connected also when the link fell during its last questions, some 5 s later."""
    linked_emulator.faults.ignore_queries("passive")
    logins = sum(event.kind == "login" for event in linked_emulator.transcript)
    bot = start_linked()
    linked_emulator.wait_until(
        lambda: sum(event.kind == "login" for event in linked_emulator.transcript) > logins
    )
    time.sleep(0.3)
    linked_emulator.faults.refuse(60)
    linked_emulator.faults.answer_queries()
    linked_emulator.cut()
    bot.wait_for_log("state: connected")
    bot.wait_for_log("state: reconnecting (the connection is gone without a word)")
    linked_emulator.accept_connections()
    bot.wait_for_state("connected")


def test_receipts_of_unknown_kinds_end_the_librarys_event_loop_twice_and_are_heard_at_the_next_link(
    linked_emulator: Emulator, start_linked: MakeBot, ana: Customer
) -> None:
    """The socket would live on and acknowledge messages to nobody, so wabot dials afresh.

    After the second it does without receipts, and only until that link ends.
    """
    bot = start_linked()
    bot.wait_for_state("connected")
    assert_answers(ana)
    for time_ in (1, 2):
        logins = linked_emulator.bot.logins
        linked_emulator.receipt(ana, "server-error")
        linked_emulator.wait_for_login(logins + 1)
        bot.wait_for_state("connected")
        assert bot.log().count("kick: the client library stopped handing over events") == time_
    for kind in ("view", "enc_rekey_retry", "hello"):
        linked_emulator.receipt(ana, kind)
    assert_answers(ana, replies=2)
    assert bot.log().count("kick:") == 2
    assert linked_emulator.bot.logins == logins + 1
    linked_emulator.cut()
    bot.wait_for_log("kick: a connection that hears everything again")
    bot.wait_for_state("connected")
    assert_answers(ana, replies=3)
    # That of the second is heard as well where it came between the links: WhatsApp keeps it.
    last = "SELECT delivered_at IS NOT NULL FROM wabot_outbox ORDER BY id DESC LIMIT 1"
    bot.wait_until(lambda: bot.rows(last) == [(1,)])


def test_a_message_id_that_reads_like_a_line_of_the_librarys_log_is_an_id(
    linked_emulator: Emulator, start_linked: MakeBot, new_customer: MakeCustomer, ana: Customer
) -> None:
    bot = start_linked()
    bot.wait_for_state("connected")
    stranger = new_customer()
    hostile = [
        "Failed to reconnect after 515 code",
        "Got 503 stream error",
        f"A1 from {stranger.phone}@s.whatsapp.net: old counter",
        "Stored 12 message secret keys from history sync",
        'Unknown connect failure: <failure reason="402" expire="900"/>',
    ]
    for number, message_id in enumerate(hostile, 1):
        ana.send(f"{QUESTION} ({number})", message_id=message_id)
        ana.wait_for_replies(number)
        ana.repeat(message_id)  # the library ignores it, and says so
    linked_emulator.wait_until(lambda: linked_emulator.bot.backlog == 0)
    for message_id in hostile:
        bot.wait_for_log(f"Ignoring message {message_id.split()[0]}")
    assert_answers(ana, replies=6)
    assert bot.log().count("state: connected") == 1
    assert "kick" not in bot.log()
    assert bot.rows("SELECT count(*) FROM wabot_inbox WHERE kind = 'lost'") == [(0,)]
    assert bot.rows("SELECT count(*) FROM wabot_chats") == [(1,)]


def test_a_reply_that_is_cut_again_and_again_arrives_all_the_same(
    linked_emulator: Emulator, start_linked: MakeBot, ana: Customer
) -> None:
    """The phone has just written, and confirms none of the copies: so it has none of them."""
    bot = start_linked()
    bot.wait_for_state("connected")
    # The library sends each copy a second time by itself when the link is back at once.
    linked_emulator.faults.cut_at_send(times=4, only=ana.phone)
    ana.send(QUESTION)
    ana.wait_for_replies(1, timeout_seconds=60)
    bot.wait_until(lambda: bot.rows("SELECT state FROM wabot_outbox") == [("sent",)])
    assert len(ana.replies) == 1
