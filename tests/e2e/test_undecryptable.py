"""Messages that the client library cannot read: spoilt on the way, or kept from linked devices."""

from __future__ import annotations

import pytest

from tests.e2e.conftest import MakeBot, MakeCustomer
from wabot.brain.texts import texts_for
from wabot.emulator.people.customer import Customer
from wabot.emulator.server.emulator import Emulator

pytestmark = pytest.mark.e2e

QUESTION = "Do you have gift cards?"
SPANISH = texts_for("es")


def test_a_message_that_is_never_read_is_asked_for_after_two_minutes_also_after_a_restart(
    linked_emulator: Emulator, start_linked: MakeBot, new_customer: MakeCustomer
) -> None:
    bot = start_linked()
    bot.wait_for_state("connected")
    ana, ben = new_customer(), new_customer()
    lost, late = ana.send(QUESTION, spoil=99), ben.send(QUESTION, spoil=99)
    rows = "SELECT kind, state FROM wabot_inbox ORDER BY id"
    bot.wait_until(lambda: bot.rows(rows) == [("spoilt", "pending")] * 2)
    asked = {lost: 4, late: 4}  # by the library, before it gives up
    linked_emulator.wait_until(
        lambda: all(
            sum(event.kind == "retry" and event.detail == message_id for event in linked_emulator.transcript)
            == times
            for message_id, times in asked.items()
        )
    )
    assert bot.stop() == 0
    bot.execute("UPDATE wabot_inbox SET received_at = datetime(received_at, '-2 minutes')")
    bot.restart()
    for customer in (ana, ben):
        assert customer.wait_for_replies(1)[0].text == SPANISH.ask_to_repeat
    assert bot.status()["undecryptable"] == 2
    # One of the two comes after all, the other is repeated by its customer.
    ana.send(QUESTION)
    ben.forget_session()
    ben.spare(late)
    ben.resend(late)
    for customer in (ana, ben):
        assert "gift" in customer.wait_for_replies(2)[1].text
    assert sorted(bot.rows("SELECT kind, state FROM wabot_inbox")) == [
        ("spoilt", "answered"),
        ("text", "answered"),
        ("text", "answered"),
    ]
    assert bot.status()["undecryptable"] == 1


def test_a_message_that_the_library_gets_at_its_second_try_is_answered_as_any_other(
    linked_emulator: Emulator, start_linked: MakeBot, ana: Customer
) -> None:
    bot = start_linked()
    bot.wait_for_state("connected")
    ana.send(QUESTION, spoil=2)
    assert "gift" in ana.wait_for_replies(1)[0].text
    bot.wait_until(lambda: bot.rows("SELECT kind, state FROM wabot_inbox") == [("text", "answered")])
    assert bot.status()["undecryptable"] == 0


def test_what_is_to_be_seen_once_cannot_be_opened(
    linked_emulator: Emulator, start_linked: MakeBot, ana: Customer
) -> None:
    bot = start_linked()
    bot.wait_for_state("connected")
    ana.withhold("look at this")
    assert ana.wait_for_replies(1)[0].text == SPANISH.cannot_open
    ana.withhold(kind="")
    waits = "SELECT kind FROM wabot_inbox WHERE state = 'pending'"
    bot.wait_until(lambda: bot.rows(waits) == [("spoilt",)])
    assert bot.status()["undecryptable"] == 2


def test_how_a_message_fails_is_no_business_of_its_sender(
    linked_emulator: Emulator, start_linked: MakeBot, ana: Customer
) -> None:
    """A word the library has no name for ends its event loop, here as in receipts."""
    bot = start_linked()
    bot.wait_for_state("connected")
    ana.send_spoilt(QUESTION, decrypt_fail="hide")
    bot.wait_until(lambda: bot.rows("SELECT kind, state FROM wabot_inbox") == [("hidden", "ignored")])
    for _ in range(3):
        ana.send_spoilt(QUESTION, decrypt_fail="xyz")
    ana.send(QUESTION)
    assert "gift" in ana.wait_for_replies(1, timeout_seconds=40)[0].text
