"""What hangs inside the client library: found by main, which never calls it, and ended in its deadline."""

from __future__ import annotations

import time

import pytest

from tests.e2e.bot_process import BotProcess
from tests.e2e.conftest import MakeBot
from wabot.emulator.people.customer import Customer
from wabot.emulator.server.emulator import Emulator

pytestmark = pytest.mark.e2e

QUESTION = "Do you have gift cards?"
CONNECT_SECONDS = 2
HANG_SECONDS = 2 * CONNECT_SECONDS + 10
SHORT = f"connect_timeout = {CONNECT_SECONDS}\nkeepalive_interval = 1"


def assert_ends_with_75(bot: BotProcess, began: float, within_seconds: float) -> None:
    """The process asks for a fresh one in time, and its database is whole."""
    assert bot.wait_for_exit(within_seconds + 5) == 75
    assert time.monotonic() - began < within_seconds
    assert bot.rows("PRAGMA integrity_check") == [("ok",)]
    assert bot.status()["state"] == "stopped"


def test_a_first_dial_that_is_never_answered(linked_emulator: Emulator, start_linked: MakeBot) -> None:
    """TLS is fine, the HTTP upgrade is not: every call into the library hangs, `stop` too."""
    linked_emulator.faults.hang("upgrade", times=2)
    began = time.monotonic()
    bot = start_linked(SHORT)
    bot.wait_for_state("connecting")
    assert_ends_with_75(bot, began, HANG_SECONDS)
    assert "still connecting after a fresh dial" in bot.systemd.statuses[-1]


def test_a_redial_of_the_library_that_is_never_answered(
    linked_emulator: Emulator, start_linked: MakeBot, ana: Customer
) -> None:
    bot = start_linked(SHORT)
    bot.wait_for_state("connected")
    linked_emulator.faults.hang("upgrade")
    began = time.monotonic()
    linked_emulator.cut()
    bot.wait_for_state("reconnecting")
    assert_ends_with_75(bot, began, HANG_SECONDS)
    said = bot.systemd.statuses[-1]
    assert "the client library has not answered" in said or "still connecting after a fresh dial" in said


def test_dials_that_the_library_gives_up_by_itself(linked_emulator: Emulator, start_linked: MakeBot) -> None:
    """A silent TLS takes it 10 s, a silent handshake 20 s; side by side, to save time."""
    bots = []
    for stage in ("tls", "handshake"):
        dials = linked_emulator.bot.dials
        linked_emulator.faults.hang(stage)  # type: ignore[arg-type]
        bots.append(start_linked("connect_timeout = 30"))
        linked_emulator.wait_until(lambda dials=dials: linked_emulator.bot.dials > dials)
    linked_emulator.faults.refuse(60)
    for bot in bots:
        bot.wait_for_state("backoff", timeout_seconds=25)
        assert "kick:" not in bot.log()
    bots[0].kill()
    linked_emulator.accept_connections()
    bots[1].wait_for_state("connected")


def test_a_login_that_is_never_answered_is_tried_once_more(
    linked_emulator: Emulator, start_linked: MakeBot
) -> None:
    linked_emulator.faults.hang("success")
    bot = start_linked(SHORT)
    bot.wait_for_state("connected")
    assert f"kick: connecting for {CONNECT_SECONDS} s" in bot.log()


def test_a_login_after_a_drop_that_is_never_answered_is_tried_once_more(
    linked_emulator: Emulator, start_linked: MakeBot, ana: Customer
) -> None:
    """The library's redial has no limit of its own: the handshake is done, and nothing follows."""
    bot = start_linked("connect_timeout = 3")
    bot.wait_for_state("connected")
    linked_emulator.faults.hang("success")
    logins = linked_emulator.bot.logins
    linked_emulator.cut()
    linked_emulator.wait_for_login(logins + 1, timeout_seconds=30)
    bot.wait_for_state("connected")
    assert "kick: reconnecting for 3 s" in bot.log()
    ana.send(QUESTION)
    ana.wait_for_replies(1, timeout_seconds=15)


def test_logins_that_are_never_answered(linked_emulator: Emulator, start_linked: MakeBot) -> None:
    linked_emulator.faults.hang("success", times=2)
    began = time.monotonic()
    assert_ends_with_75(start_linked(SHORT), began, HANG_SECONDS)


def test_questions_after_the_login_that_are_never_answered(
    linked_emulator: Emulator, start_linked: MakeBot
) -> None:
    linked_emulator.faults.ignore_queries("passive")
    began = time.monotonic()
    bot = start_linked("connect_timeout = 1\nkeepalive_interval = 1")
    status = bot.wait_for(lambda status: "logged in" in status["reason"])
    assert status["state"] == "connecting"
    # A kick and the end, each after the dial and three times as long for the questions.
    assert_ends_with_75(bot, began, 2 * 4 * 1 + 10)


def test_messages_that_come_before_a_late_connection_are_answered_after_it(
    linked_emulator: Emulator, start_linked: MakeBot, ana: Customer
) -> None:
    """The library says Connected after two questions, of which each may take 75 s."""
    linked_emulator.faults.latency(1.2)
    bot = start_linked(SHORT)
    linked_emulator.wait_until(lambda: linked_emulator.bot.connected, timeout_seconds=20)
    ana.send(QUESTION)
    ana.wait_for_replies(1, timeout_seconds=20)
    bot.wait_for_state("connected")
    assert "kick:" not in bot.log()


def test_a_send_that_is_never_acknowledged_after_a_drop(
    linked_emulator: Emulator, start_linked: MakeBot, ana: Customer
) -> None:
    """The library sends the frame again after a drop, and waits for that acknowledgement without limit."""
    bot = start_linked("send_timeout = 2")
    bot.wait_for_state("connected")
    linked_emulator.faults.cut_at_send(times=1, when="before_ack")
    linked_emulator.faults.ack(never=True)
    began = time.monotonic()
    ana.send(QUESTION)
    bot.wait_for_log("kick: a send hangs in the client library")
    bot.wait_for(lambda status: status["outbox_pending"] == 0)
    assert 2 < time.monotonic() - began < 12
    # The customer's phone confirms that the first copy arrived: only its acknowledgement was lost.
    assert bot.rows("SELECT state, copies FROM wabot_outbox") == [("sent", 1)]
    assert len(ana.replies) == 1


def test_acknowledgements_that_never_come_end_the_process_and_keep_the_reply(
    linked_emulator: Emulator, start_linked: MakeBot, ana: Customer
) -> None:
    bot = start_linked("send_timeout = 2")
    bot.wait_for_state("connected")
    linked_emulator.faults.ack(never=True)
    ana.send(QUESTION)
    bot.wait_for_log("kick: a send hangs in the client library")
    bot.wait_for(lambda status: status["outbox_pending"] == 0)
    linked_emulator.faults.ack(never=True)
    began = time.monotonic()
    ana.send(QUESTION)
    assert_ends_with_75(bot, began, 2 + 10)
    assert "for the second time within an hour" in bot.systemd.statuses[-1]
    bot.restart()
    bot.wait_for(lambda status: status["outbox_pending"] == 0)
    assert bot.rows("SELECT state FROM wabot_outbox") == [("sent",), ("sent",)]
    # The receipt for the second one reached a process that did not know its id yet: one more copy, no third.
    assert len(ana.replies) in (2, 3)
