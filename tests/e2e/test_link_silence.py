"""A link that falls silent without being lost, in real time: the library's pings cannot be hurried."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.e2e.bot_process import BotProcess
from wabot.emulator.people.customer import Customer
from wabot.emulator.server.emulator import Emulator

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(300)]

HELD = """
INSERT INTO wabot_outbox (user_id, chat_id, text, source, state, copies, refusals, secret, message_id,
    created_at, not_before, error)
SELECT user_id, chat_id, 'composed meanwhile', source, 'pending', 0, 0, randomblob(32), '',
    created_at, not_before, '' FROM wabot_outbox LIMIT 1
"""


def silenced(emulator: Emulator, directory: Path) -> tuple[BotProcess, Customer]:
    """A linked bot that has answered once, and whose link has then fallen silent."""
    bot = BotProcess(emulator, directory)
    bot.pair()
    ana = emulator.customer(1)
    ana.send("Do you have gift cards?")
    ana.wait_for_replies(1)
    emulator.silence()
    return bot, ana


def test_sends_are_held_while_the_link_is_silent_and_nothing_is_dialled_before_the_library_does(
    tmp_path: Path,
) -> None:
    """Side by side: one link speaks again after the first unanswered ping, the other never does."""
    with Emulator() as heard_again, Emulator(seed=1) as never_heard:
        began = time.monotonic()
        first, ana = silenced(heard_again, tmp_path / "first")
        second, ben = silenced(never_heard, tmp_path / "second")
        try:
            for bot in (first, second):
                status = bot.wait_for_state("reconnecting", timeout_seconds=60)
                assert status["reason"] == "WhatsApp does not answer"
                bot.execute(HELD)
            time.sleep(3)
            assert len(ana.replies) == 1
            heard_again.speak()
            first.wait_for_state("connected", timeout_seconds=60)
            assert ana.wait_for_replies(2)[1].text == "composed meanwhile"
            assert heard_again.bot.dials == 2, "one to link it, one to log in"
            assert first.stop() == 0

            never_heard.wait_until(lambda: never_heard.bot.dials > 2, timeout_seconds=200)
            assert time.monotonic() - began > 180
            second.wait_for_state("connected")
            assert ben.wait_for_replies(2)[1].text == "composed meanwhile"
            assert "kick:" not in second.log()
            assert second.stop() == 0
        finally:
            first.close()
            second.close()
