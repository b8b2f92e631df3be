"""What WhatsApp refuses to take: for now, for good, or in one chat."""

from __future__ import annotations

import pytest

from tests.e2e.bot_process import BotProcess
from tests.e2e.conftest import MakeBot
from wabot.emulator.people.customer import Customer
from wabot.emulator.server.emulator import Emulator

pytestmark = pytest.mark.e2e

QUESTION = "Do you have gift cards?"


def states(bot: BotProcess) -> list[tuple[str, str]]:
    return bot.rows("SELECT source, state FROM wabot_outbox ORDER BY id")


def test_a_service_that_is_busy_costs_a_delay(
    linked_emulator: Emulator, start_linked: MakeBot, ana: Customer
) -> None:
    bot = start_linked()
    bot.wait_for_state("connected")
    linked_emulator.faults.ack(error=503, times=3)
    ana.send(QUESTION)
    ana.wait_for_replies(1, timeout_seconds=70)
    bot.wait_until(lambda: states(bot) == [("knowledge", "sent")])
    assert len(ana.replies) == 1


def test_a_service_that_wants_nothing_for_a_while_is_left_alone(
    linked_emulator: Emulator, start_linked: MakeBot, ana: Customer
) -> None:
    bot = start_linked()
    bot.wait_for_state("connected")
    linked_emulator.faults.fail_queries("usync", 429, times=None, seconds=8)
    ana.send(QUESTION)
    bot.wait_for_log("WhatsApp wants nothing for a while")
    ana.wait_for_replies(1, timeout_seconds=70)
    assert 1 <= bot.log().count("WhatsApp wants nothing for a while") <= 3
    assert len(ana.replies) == 1


def test_what_is_refused_for_good_is_not_tried_again(
    linked_emulator: Emulator, start_linked: MakeBot, ana: Customer
) -> None:
    bot = start_linked()
    bot.wait_for_state("connected")
    linked_emulator.faults.ack(error=404)
    ana.send(QUESTION)
    bot.wait_until(lambda: states(bot) == [("knowledge", "dead")])
    ana.send(QUESTION)
    ana.wait_for_replies(1, timeout_seconds=20)


def test_a_chat_that_is_shut_to_this_device_is_left_to_the_owner_who_is_told(
    linked_emulator: Emulator, start_linked: MakeBot, ana: Customer
) -> None:
    bot = start_linked()
    bot.wait_for_state("connected")
    linked_emulator.faults.ack(error=463)
    ana.send(QUESTION)
    bot.wait_until(lambda: states(bot) == [("knowledge", "withdrawn"), ("status", "sent")])
    ((told,),) = bot.rows("SELECT text FROM wabot_owner_lines")
    assert "WhatsApp" in told
    ana.send(QUESTION)
    bot.wait_for_log("not answered: paused")
    assert ana.replies == []
