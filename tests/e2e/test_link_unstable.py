"""A link that comes up and falls, again and again, is given rest instead of more dials."""

from __future__ import annotations

import time

import pytest

from tests.e2e.bot_process import BotProcess
from tests.e2e.conftest import MakeBot
from wabot.emulator.server.emulator import Emulator

pytestmark = pytest.mark.e2e


def fall(emulator: Emulator, bot: BotProcess) -> None:
    """The link is lost for more than the five seconds that count as a mere cut."""
    bot.wait_for_state("connected")
    emulator.faults.refuse(5.5)
    emulator.cut()
    bot.wait_for_state("reconnecting")


def test_cool_down_after_the_last_cycle_and_then_on(linked_emulator: Emulator, start_linked: MakeBot) -> None:
    bot = start_linked("max_unstable_cycles = 2\ncooldown = 4")
    fall(linked_emulator, bot)
    status = bot.wait_for(lambda status: status["unstable_cycles"] == 1)
    assert status["state"] in ("reconnecting", "connected")
    fall(linked_emulator, bot)
    status = bot.wait_for_state("cooldown")
    assert status["reason"].startswith("2 connections in a row fell within 60 s; next dial at ")
    dials = linked_emulator.bot.dials
    bot.wait_for_state("connected")
    assert linked_emulator.bot.dials == dials + 1
    assert bot.process is not None
    assert bot.process.poll() is None


def test_the_policy_may_be_to_stop(linked_emulator: Emulator, start_linked: MakeBot) -> None:
    bot = start_linked('max_unstable_cycles = 1\non_unstable = "stop"')
    fall(linked_emulator, bot)
    assert bot.wait_for_exit() == 77
    assert "the connection fell within 60 s" in bot.systemd.statuses[-1]


def test_cuts_that_heal_at_once_are_no_instability(linked_emulator: Emulator, start_linked: MakeBot) -> None:
    bot = start_linked('max_unstable_cycles = 1\non_unstable = "stop"')
    for _ in range(5):
        bot.wait_for_state("connected")
        logins = linked_emulator.bot.logins
        linked_emulator.cut()
        linked_emulator.wait_for_login(logins + 1)
    # By then a drop that did not heal would have counted.
    time.sleep(6)
    status = bot.wait_for_state("connected")
    assert status["unstable_cycles"] == 0
