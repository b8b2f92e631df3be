"""Linking a number: what can go wrong while the code shows, and right after it was scanned."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.bot_process import BotProcess
from tests.e2e.conftest import MakeBot
from wabot.emulator.server.emulator import Emulator

pytestmark = pytest.mark.e2e


def show_code(bot: BotProcess) -> str:
    """Start a bot that is not linked; returns its code."""
    bot.start()
    status = bot.wait_for(lambda status: bool(status["qr"]))
    assert status["state"] == "pairing"
    assert status["qr_expires_at"] is not None
    return str(status["qr"])


def assert_ends_with_78(bot: BotProcess, sentence: str, within_seconds: float) -> None:
    """The library hangs for ever now, and says nothing; the process ends all the same."""
    began = time.monotonic()
    assert bot.wait_for_exit(within_seconds + 5) == 78
    assert time.monotonic() - began < within_seconds
    assert sentence in bot.systemd.statuses[-1]
    status = bot.status()
    assert (status["state"], status["qr"]) == ("stopped", None)
    assert bot.state_in_row() == "pairing_expired"


def test_nobody_scans_the_code(make_bot: MakeBot) -> None:
    bot = make_bot(sections={"connection": "pairing_timeout = 5"})
    show_code(bot)
    assert_ends_with_78(bot, "nobody scanned the code in time", within_seconds=13)
    # A new code needs a new process, and gets it.
    show_code(bot)
    bot.stop()


def test_an_account_that_asks_for_a_passkey(emulator: Emulator, make_bot: MakeBot) -> None:
    bot = make_bot()
    script = Path(__file__).with_name("passkey_account.py")
    ended = subprocess.run(
        emulator.command_for_script(script, "run", "--config", str(bot.config)),
        env=emulator.environment(os.environ),
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert ended.returncode == 78
    assert "this account asks for a passkey to link a device" in ended.stderr
    assert bot.status()["state"] == "stopped"


@pytest.mark.parametrize(
    ("trouble", "sentence"),
    [
        (lambda wa, _code: wa.cut(), "the connection was lost while the code was on show"),
        (lambda wa, code: wa.phone.refuse(code), "the phone could not be linked (error)"),
    ],
    ids=["drop", "pair error"],
)
def test_trouble_while_the_code_shows(
    emulator: Emulator, make_bot: MakeBot, trouble: Callable[[Emulator, str], None], sentence: str
) -> None:
    bot = make_bot()
    trouble(emulator, show_code(bot))
    assert_ends_with_78(bot, sentence, within_seconds=8)


def test_outdated_before_it_was_ever_linked(emulator: Emulator, make_bot: MakeBot) -> None:
    """Without a linked number the library tells it by the status of the login alone."""
    emulator.faults.fail_login(405)
    bot = make_bot()
    bot.start()
    assert bot.wait_for_exit() == 76
    assert "upgrade wabot" in bot.systemd.statuses[-1]


@pytest.mark.parametrize("trouble", ["refuse_redial", "drop"])
def test_the_dial_after_the_scan_fails(emulator: Emulator, make_bot: MakeBot, trouble: str) -> None:
    """The library does not try again, and says nothing: wabot dials afresh."""
    emulator.faults.after_pairing(trouble)  # type: ignore[arg-type]
    bot = make_bot(sections={"connection": "connect_timeout = 3"})
    emulator.phone.scan(show_code(bot))
    status = bot.wait_for_state("connected")
    assert (status["phone"], status["qr"]) == (emulator.bot.phone, None)
    assert "kick:" in bot.log()
    ana = emulator.customer(1)
    ana.send("Do you have gift cards?")
    ana.wait_for_replies(1)
    assert bot.stop() == 0


def test_a_stop_while_the_code_shows(make_bot: MakeBot) -> None:
    """The library cannot be freed then: the process ends without it."""
    bot = make_bot()
    show_code(bot)
    began = time.monotonic()
    assert bot.stop() == 0
    assert time.monotonic() - began < 10
    assert bot.status()["qr"] is None
