"""What systemd does with the bot when it dies, and leaves alone when it only waits."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.support.alert_receivers import WebhookReceiver
from tests.support.provider_server import ProviderServer
from tests.systemd.bot_unit import BotUnit
from tests.systemd.container import Container
from wabot.emulator.people.customer import Customer
from wabot.emulator.server.emulator import Emulator

pytestmark = [pytest.mark.systemd, pytest.mark.timeout(240)]

WATCHDOG_SECONDS = 10


@contextmanager
def traffic(customers: list[Customer], every_seconds: float) -> Iterator[None]:
    """Let the customers write in turn, each text but once, until the block ends."""
    over = threading.Event()

    def write() -> None:
        number = 0
        while not over.wait(every_seconds):
            customer = customers[number % len(customers)]
            number += 1
            customer.send(f"message {number} of {customer.name}")

    writer = threading.Thread(target=write)
    writer.start()
    try:
        yield
    finally:
        over.set()
        writer.join()


def answered(customers: list[Customer]) -> Counter[str]:
    """How often each message was repeated to a customer."""
    replies = [reply.text for customer in customers for reply in customer.replies]
    return Counter(line for text in replies for line in text.splitlines() if line.startswith("message "))


def inbox(bot: BotUnit) -> set[str]:
    """The messages in the store; in the place of one that the client library lost is an empty text."""
    return {text for (text,) in bot.rows("SELECT text FROM wabot_inbox WHERE text != ''")}


def refuse(container: Container, emulator: Emulator) -> None:
    """Refuse connections until they are accepted again."""
    # It opens a socket anew, which must be in the container as well.
    container.in_network(lambda: emulator.faults.refuse(600))


def stays(bot: BotUnit, until: float, *states: str) -> set[str]:
    """See that the unit says it is in one of these states until then, by the monotonic clock; all it said."""
    said: set[str] = set()
    while time.monotonic() < until:
        said.add(bot.status_line())
        assert all(line.startswith(states) for line in said), said
        time.sleep(1)
    return said


def test_killed_twenty_times_under_traffic(
    container: Container, emulator: Emulator, bot: BotUnit, model: ProviderServer
) -> None:
    """Each time it comes back, and what was stored is answered, once.

    Answered more than once may be only what was sent again because nobody could tell whether it had left,
    and not at all only what is held back for that reason. A message that the client library confirmed but
    had not handed over when it was killed is in no store; whoever wrote it may be asked to repeat it.
    """
    bot.configure(provider=model.base_url, RestartSec="0")
    bot.pair()
    customers = [emulator.customer(number) for number in range(1, 21)]
    stored: set[str] = set()
    with traffic(customers, every_seconds=0.2):
        for kill in range(20):
            # From right after READY, before the link is up, to the middle of answering.
            time.sleep(kill % 5 * 0.25)
            stored |= inbox(bot)
            bot.kill("KILL")
            bot.wait_for(NRestarts=str(kill + 1), ActiveState="active")
    bot.wait_for_state("connected")
    container.wait_until(
        lambda: (status := bot.status())["inbox_pending"] == status["outbox_pending"] == 0, bot.unit, 90
    )
    assert len(stored) > 20, "killed before anything was stored"
    assert stored <= inbox(bot)
    # Who was asked to repeat one lost message is not asked for the next one of the same process.
    others = bot.rows("SELECT DISTINCT state, reason FROM wabot_inbox WHERE state != 'answered'")
    assert {*map(tuple, others)} <= {("ignored", "lost; asked to repeat already")}

    times = answered(customers)
    replies = bot.rows("SELECT text, state, copies FROM wabot_outbox")
    for text in inbox(bot):
        written = [row[1:] for row in replies if text in row[0].splitlines()]
        assert len(written) == 1, f"{text!r}: {written}, in {replies}"
        [(state, copies)] = written
        fewest, most = (0 if state == "unsure" else 1), max(copies, 1)
        assert fewest <= times[text] <= most, f"{text!r}: {times[text]} times, {state}, {copies} copies"
    assert sum(times.values()) - len(times) <= 20, "more said twice than processes were killed"


@pytest.mark.slow
def test_the_watchdog_lets_a_link_rest(
    container: Container, bot: BotUnit, emulator: Emulator, receiver: WebhookReceiver
) -> None:
    """One link falls silent, the network of another is away, each for more than three times WatchdogSec=.

    As shipped, the watchdog waits 120 s, the client library redials a silent link after about 187 s (with
    neonize 0.5.2), wabot dials itself after six minutes, and the owner hears of it after ten; the proportion
    is kept and the waiting is not. The library needs up to 40 s to notice the silence, and nothing of that
    can be hurried.
    """
    with container.in_network(Emulator) as elsewhere:
        shop = BotUnit(container, elsewhere, "shop")
        try:
            for unit in (bot, shop):
                unit.configure("default" if unit is bot else "shop", WatchdogSec=str(WATCHDOG_SECONDS))
            shop.add_settings(
                "[connection]\nreconnect_timeout = 12",
                f'[alerts]\nwebhook_url = "{receiver.url}"\noffline_after = 15',
            )
            for unit in (bot, shop):
                unit.pair()
            pids = [unit.show("MainPID") for unit in (bot, shop)]
            dials = emulator.bot.dials
            began = time.monotonic()
            emulator.silence()
            refuse(container, elsewhere)
            elsewhere.cut()

            shop.wait_for_state("reconnecting")
            away = began + 3 * WATCHDOG_SECONDS + 1
            said = stays(shop, away, "reconnecting", "connecting", "backoff")
            assert any("no connection to WhatsApp: connection refused; next dial at" in line for line in said)
            assert receiver.kinds() == ["alert offline"]
            elsewhere.accept_connections()
            bot.wait_for_state("reconnecting", timeout_seconds=60)
            assert "WhatsApp does not answer" in bot.status_line()
            stays(bot, time.monotonic() + WATCHDOG_SECONDS + 1, "reconnecting")
            assert emulator.bot.dials == dials
            emulator.speak()
            for unit in (bot, shop):
                unit.wait_for_state("connected", timeout_seconds=60)
            assert [unit.show("MainPID") for unit in (bot, shop)] == pids
            assert "Watchdog" not in bot.messages() + shop.messages()
            assert "kick: reconnecting for 12 s" in shop.messages()
            ana = elsewhere.customer(1)
            ana.send("¿Ya hay línea?")
            ana.wait_for_replies(1)
            # Told once; that it is over may have been told by now.
            assert receiver.kinds().count("alert offline") == 1
        finally:
            shop.remove()


def test_a_start_without_network_connects_when_it_comes(
    container: Container, emulator: Emulator, bot: BotUnit
) -> None:
    bot.pair()
    bot.stop()
    refuse(container, emulator)
    bot.start()
    bot.wait_for_state("backoff")
    assert "next dial at" in bot.status_line()
    emulator.accept_connections()
    bot.wait_for_state("connected")
    ana = emulator.customer(1)
    ana.send("¿Ya hay línea?")
    ana.wait_for_replies(1)
    assert bot.show("NRestarts") == {"NRestarts": "0"}
