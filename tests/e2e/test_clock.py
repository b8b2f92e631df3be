"""A machine's clock that is wrong, or is set under the running bot: everybody is answered all the same."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.e2e.bot_process import BotProcess
from tests.e2e.conftest import MakeCustomer
from wabot.emulator.server.emulator import Emulator

pytestmark = pytest.mark.e2e

QUESTION = "Do you have gift cards?"
BACK, FORWARD = -3600.0, 7200.0


# One of its answers waits for a minute to pass.
@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("ahead", "said"), [(BACK, "1 h 0 min behind WhatsApp's"), (FORWARD, "2 h 0 min ahead of WhatsApp's")]
)
def test_a_clock_that_is_set_holds_nobody_up(
    linked_emulator: Emulator,
    linked_state: Path,
    new_customer: MakeCustomer,
    tmp_path: Path,
    ahead: float,
    said: str,
) -> None:
    """Under the running bot, and with the next process that finds it wrong; and when it is right again."""
    pace = "per_minute = 3\ndelay_message = 0.1\ntime_per_char = 0"
    bot = BotProcess(linked_emulator, tmp_path / "bot", sections={"replies": pace})
    bot.config.write_text(bot.config.read_text().replace("typing = false", "typing = true"))
    shutil.copytree(linked_state, bot.state)
    ana, ben = new_customer(), new_customer(addressing="phone")
    try:
        bot.restart()
        ana.send(QUESTION)
        ana.wait_for_replies(1, timeout_seconds=15)
        bot.set_clock(ahead)
        bot.wait_for_log("this machine's clock was set")
        ana.send(QUESTION)
        ana.wait_for_replies(2, timeout_seconds=15)
        bot.wait_until(lambda: said in bot.systemd.statuses[-1])
        assert bot.systemd.statuses[-1].startswith("connected as ")
        status = bot.status()
        assert (status["state"], said in status["reason"]) == ("connected", True)
        assert bot.stop() == 0
        ben.send(QUESTION)
        bot.start()
        ben.wait_for_replies(1, timeout_seconds=30)
        # The fourth within a minute.
        ben.send(QUESTION)
        ben.wait_for_replies(2, timeout_seconds=75)
        bot.wait_until(lambda: said in bot.systemd.statuses[-1])
        bot.set_clock(0)
        bot.wait_for_log("agrees with WhatsApp's again")
        bot.wait_for_state("connected")
        assert bot.status()["reason"] == ""
        assert "not answered" not in bot.log()
        assert (len(ana.replies), len(ben.replies)) == (2, 2)
    finally:
        bot.close()
        linked_emulator.wait_until(lambda: not linked_emulator.bot.connected)
