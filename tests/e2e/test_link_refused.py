"""A login that WhatsApp refuses: what each code means to the process, and what people are told."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import time
from contextlib import closing

import pytest

from tests.e2e.bot_process import REPOSITORY
from tests.e2e.conftest import MakeBot
from wabot.emulator.people.customer import Customer
from wabot.emulator.server.emulator import Emulator
from wabot.whatsapp.store import read_device

pytestmark = pytest.mark.e2e


@pytest.mark.parametrize(
    ("code", "exit_code", "sentence"),
    [
        (401, 77, "the phone removed this linked device (401)"),
        (403, 77, "the phone is locked, reset or banned (403)"),
        (406, 77, "WhatsApp ended the session, often by a ban (406)"),
        (405, 76, "WhatsApp no longer accepts this client library (405): upgrade wabot"),
    ],
)
def test_a_refusal_for_good_ends_the_process(
    linked_emulator: Emulator, start_linked: MakeBot, code: int, exit_code: int, sentence: str
) -> None:
    linked_emulator.faults.fail_login(code, times=None)
    bot = start_linked()
    assert bot.wait_for_exit() == exit_code
    assert sentence in bot.log()
    assert sentence in bot.systemd.statuses[-1]
    status = bot.status()
    assert (status["state"], sentence in status["reason"]) == ("stopped", True)


def test_what_a_log_out_deletes_is_kept_aside_and_can_be_brought_back(
    linked_emulator: Emulator, start_linked: MakeBot, ana: Customer
) -> None:
    """WhatsApp, or what answered in its place, had not meant it."""
    bot = start_linked()
    bot.wait_for_state("connected")
    ana.send("Do you have gift cards?")
    ana.wait_for_replies(1)
    linked_emulator.faults.fail_login(401)
    linked_emulator.cut()
    assert bot.wait_for_exit() == 77
    store = bot.state / "sessions" / "shop" / "whatsapp.db"
    assert read_device(store) is None
    (entry,) = (bot.state / "quarantine").iterdir()
    assert f"janitor --restore {entry.name}" in bot.log()
    restore = [sys.executable, "-m", "wabot", "janitor", "--restore", entry.name, "--config", str(bot.config)]
    subprocess.run(restore, cwd=REPOSITORY, check=True, timeout=60, capture_output=True)
    bot.restart()
    ana.send("Do you have gift cards?")
    ana.wait_for_replies(2)


def test_what_a_log_out_deleted_is_put_aside_by_the_next_process_where_its_own_was_killed(
    linked_emulator: Emulator, start_linked: MakeBot
) -> None:
    bot = start_linked()
    bot.wait_for_state("connected")
    bot.kill()
    with closing(sqlite3.connect(bot.state / "sessions" / "shop" / "whatsapp.db")) as store, store:
        store.execute("DELETE FROM whatsmeow_device")
    bot.start()
    bot.wait_for_state("pairing")
    (entry,) = (bot.state / "quarantine").iterdir()
    assert read_device(entry / "session" / "whatsapp.db") is not None


@pytest.mark.parametrize("code", [400, 409, 501, 404, 411, 415, 418])
def test_a_refusal_for_now_is_tried_three_times_more(
    linked_emulator: Emulator, start_linked: MakeBot, code: int
) -> None:
    """The library has no name for the last four: it tells them by an error, and keeps the socket."""
    linked_emulator.faults.fail_login(code, times=None)
    dials = linked_emulator.bot.dials
    bot = start_linked("refusal_pause = 0.1")
    waiting = bot.wait_for_state("backoff")
    assert waiting["reason"].startswith(f"WhatsApp refused the login (code {code}); next dial at ")
    assert bot.wait_for_exit() == 77
    assert linked_emulator.bot.dials == dials + 4
    assert f"stopping: WhatsApp refused the login (code {code})" in bot.log()


@pytest.mark.parametrize("code", [500, 503])
def test_trouble_of_the_service_is_redialled(
    linked_emulator: Emulator, start_linked: MakeBot, code: int
) -> None:
    linked_emulator.faults.fail_login(code, times=2)
    bot = start_linked()
    bot.wait_for_state("reconnecting")
    bot.wait_for_state("connected")
    assert "kick" not in bot.log()


def test_a_ban_for_a_new_reason_lasts_as_long_as_whatsapp_says_also_over_a_restart(
    linked_emulator: Emulator, start_linked: MakeBot
) -> None:
    """The library tells of it by an error without the time, which stands in its log alone."""
    # Long enough for two starts on a busy machine.
    ban_seconds = 20
    ends_at = time.monotonic() + ban_seconds
    linked_emulator.ban(ban_seconds, code=107)
    bot = start_linked()
    status = bot.wait_for_state("banned")
    assert status["reason"].startswith("temporarily banned: for a new reason (107); next dial at ")
    assert bot.stop() == 0
    dials = linked_emulator.bot.dials
    bot.start()
    bot.wait_for_state("banned")
    assert "as before the restart" in bot.log()
    linked_emulator.wait_until(lambda: linked_emulator.bot.dials > dials, timeout_seconds=30)
    assert time.monotonic() > ends_at
    bot.wait_for_state("connected")


def test_a_ban_without_an_end_is_waited_out_for_an_hour(
    linked_emulator: Emulator, start_linked: MakeBot
) -> None:
    linked_emulator.faults.fail_login(402, code=101, expire_seconds=0)
    bot = start_linked()
    bot.wait_for_state("banned")
    [(seconds,)] = bot.rows("SELECT (julianday(banned_until) - julianday('now')) * 86400 FROM wabot_sessions")
    assert 3500 < seconds < 3700
