"""The promises of the product, kept by the real bot with the real client library against the emulator."""

from __future__ import annotations

import re
import time

import pytest

from tests.e2e.bot_process import BotProcess
from tests.e2e.conftest import MakeBot
from tests.support.provider_server import ProviderServer, refused_url
from wabot.emulator.people.customer import Customer
from wabot.emulator.server.emulator import Emulator
from wabot.trials.peers.model_behaviours import raw, say, silent, status

pytestmark = pytest.mark.e2e


def assert_answered_once_in_order(customer: Customer, sent: list[str]) -> None:
    """Every message is repeated exactly once, in the order it was sent, and could be read at once."""
    assert_read_once_in_order(customer, sent)
    assert not customer.unreadable


def assert_read_once_in_order(customer: Customer, sent: list[str]) -> None:
    """Every message is repeated exactly once, in the order it was sent, as the customer could read it."""
    answered = [line for reply in customer.replies for line in reply.text.splitlines()]
    assert answered == sent, f"{customer.name}: sent {sent}, answered {answered}"


def wait_until_answered(customers: dict[Customer, list[str]], timeout_seconds: float) -> None:
    """Wait until everything each customer sent is somewhere in the replies."""
    deadline = time.monotonic() + timeout_seconds
    for customer, sent in customers.items():
        while set(sent) - {line for reply in customer.replies for line in reply.text.splitlines()}:
            assert time.monotonic() < deadline, f"{customer.name}: {sent} -> {customer.replies}"
            time.sleep(0.05)


def test_links_by_qr_and_answers_from_the_knowledge_base(emulator: Emulator, make_bot: MakeBot) -> None:
    bot = make_bot()
    bot.pair()
    ana = emulator.customer(1, name="Ana")
    ben = emulator.customer(2, name="Ben", addressing="phone")
    ana.send("Hola, ¿cuánto cuesta el envío a domicilio?")
    ben.send("Hi! Can I pay by card?")
    assert "env" in ana.wait_for_replies(1)[0].text.lower()
    reply = ben.wait_for_replies(1)[0]
    assert "card" in reply.text.lower()
    assert not reply.bot_tag
    status = bot.status()
    assert status["state"] == "connected"
    assert status["phone"] == emulator.bot.phone
    assert status["qr"] is None
    assert bot.stop() == 0
    assert bot.status()["state"] == "stopped"


def test_link_cut_while_the_model_thinks_and_again_at_the_send(
    emulator: Emulator, make_bot: MakeBot, model: ProviderServer
) -> None:
    """The failure wabot was written against: thought, and lost at the moment of sending."""
    model.default = say("Sí, claro.", delay_seconds=1.0)
    bot = make_bot(provider=model.base_url)
    bot.pair()
    ana = emulator.customer(1)
    emulator.faults.cut_at_send(times=1, when="before_ack")
    ana.send("¿Me oye?")
    time.sleep(0.5)
    emulator.cut()
    assert [reply.text for reply in ana.wait_for_replies(1, timeout_seconds=15)] == ["Sí, claro."]
    time.sleep(1)
    assert len(ana.replies) == 1
    assert emulator.bot.logins >= 3


def test_two_hundred_messages_with_the_link_cut_at_every_tenth_send(
    emulator: Emulator, make_bot: MakeBot, model: ProviderServer
) -> None:
    bot = make_bot(provider=model.base_url)
    bot.pair()
    customers = [
        emulator.customer(number, addressing="phone" if number % 4 == 0 else "lid") for number in range(1, 21)
    ]
    sent: dict[Customer, list[str]] = {customer: [] for customer in customers}
    moments = ("before_ack", "after_ack", "before_ack", "taken")
    for turn in range(10):
        moment = moments[turn % len(moments)]
        times = 2 if turn % 4 == 2 else 1
        # Two cuts in a row end the library's own second try as well.
        emulator.faults.cut_at_send(times=times, when=moment)  # type: ignore[arg-type]
        for customer in customers[turn % 2 :: 2]:
            text = f"message {turn} of {customer.name}"
            sent[customer].append(text)
            customer.send(text)
        for customer in customers[(turn + 1) % 2 :: 2]:
            text = f"message {turn} of {customer.name}"
            sent[customer].append(text)
            customer.send(text)
        wait_until_answered(sent, 40)
    time.sleep(1)
    for customer in customers:
        assert_answered_once_in_order(customer, sent[customer])
    cuts = sum(event.kind == "cut" for event in emulator.transcript)
    assert cuts >= 10


def test_sigterm_in_a_burst_of_a_hundred(
    emulator: Emulator, make_bot: MakeBot, model: ProviderServer
) -> None:
    bot = make_bot(provider=model.base_url)
    bot.pair()
    customers = [emulator.customer(number) for number in range(1, 11)]
    sent: dict[Customer, list[str]] = {customer: [] for customer in customers}
    for turn in range(10):
        for customer in customers:
            text = f"message {turn} of {customer.name}"
            sent[customer].append(text)
            customer.send(text)
        if turn == 5:
            started = time.monotonic()
            assert bot.process is not None
            bot.process.terminate()
    assert bot.wait_for_exit() == 0
    assert time.monotonic() - started < 20
    bot.restart()
    wait_until_answered(sent, 40)
    time.sleep(1)
    for customer in customers:
        assert_answered_once_in_order(customer, sent[customer])


def test_second_process_on_the_session_is_refused(emulator: Emulator, make_bot: MakeBot) -> None:
    bot = make_bot()
    bot.pair()
    first = bot.process
    assert first is not None
    dials = emulator.bot.dials
    second = bot.start()
    assert second.wait(20) == 78
    assert f"PID {first.pid}" in bot.log()
    assert emulator.bot.dials == dials
    assert first.poll() is None
    bot.process = first
    ana = emulator.customer(1)
    ana.send("Do you have gift cards?")
    ana.wait_for_replies(1)


def test_replaced_ends_with_77_and_says_why(emulator: Emulator, make_bot: MakeBot) -> None:
    bot = make_bot()
    bot.pair()
    emulator.replace()
    assert bot.wait_for_exit() == 77
    assert "another program" in bot.log()
    assert bot.status()["state"] == "stopped"


def test_logged_out_ends_with_77_and_keeps_the_history(emulator: Emulator, make_bot: MakeBot) -> None:
    bot = make_bot()
    bot.pair()
    ana = emulator.customer(1)
    ana.send("Hola")
    ana.wait_for_replies(1)
    emulator.log_out()
    assert bot.wait_for_exit() == 77
    assert "pair again" in bot.log()
    assert bot.rows("SELECT count(*) FROM wabot_inbox") == [(1,)]


def test_banned_waits_and_redials_after_the_expiry_only(emulator: Emulator, make_bot: MakeBot) -> None:
    bot = make_bot()
    bot.pair()
    emulator.ban(3)
    bot.wait_for_state("banned")
    dials = emulator.bot.dials
    time.sleep(2)
    assert emulator.bot.dials == dials
    bot.wait_for_state("connected", timeout_seconds=25)
    assert "banned" in bot.log()
    assert bot.process is not None
    assert bot.process.poll() is None


def test_refused_first_dial_is_tried_again(emulator: Emulator, make_bot: MakeBot) -> None:
    bot = make_bot()
    emulator.faults.refuse(60)
    bot.start()
    bot.wait_for_state("backoff")
    emulator.accept_connections()
    status = bot.wait_for(lambda status: bool(status["qr"]), timeout_seconds=20)
    emulator.phone.scan(status["qr"])
    bot.wait_for_state("connected")


@pytest.mark.parametrize(
    "trouble",
    ["refused", "silent", "500", "rubbish", "empty"],
)
def test_provider_in_trouble_never_reaches_the_customer(
    emulator: Emulator, make_bot: MakeBot, model: ProviderServer, trouble: str
) -> None:
    model.default = {
        "refused": say("never asked"),
        "silent": silent(),
        "500": status(500),
        "rubbish": raw(b"\xff\xfe<html>Traceback (most recent call last)"),
        "empty": raw(b"{}"),
    }[trouble]
    bot = make_bot(provider=refused_url() if trouble == "refused" else model.base_url)
    bot.config.write_text(bot.config.read_text().replace("timeout = 20", "timeout = 0.5"))
    bot.pair()
    ana = emulator.customer(1)
    ana.send("¿Qué formas de pago aceptan?")
    known = ana.wait_for_replies(1, timeout_seconds=20)[0].text
    assert "tarjeta" in known.lower()
    ana.send("¿Cuál es la capital de Mongolia?")
    unknown = ana.wait_for_replies(2, timeout_seconds=20)[1].text
    for text in (known, unknown):
        assert not re.search(r"error|traceback|http|exception|timeout", text, re.IGNORECASE)


def test_kill_nine_between_composing_and_sending(
    emulator: Emulator, make_bot: MakeBot, model: ProviderServer
) -> None:
    """A reply composed while the link is down survives the process."""
    model.default = say("Aquí estoy.", delay_seconds=0.3)
    bot = make_bot(provider=model.base_url)
    bot.pair()
    ana = emulator.customer(1)
    ana.send("¿Hola?")
    time.sleep(0.1)
    emulator.faults.refuse(3)
    emulator.cut()
    bot.wait_for(lambda status: status["outbox_pending"] == 1)
    bot.kill()
    assert_still_there(bot)
    time.sleep(3)
    bot.restart()
    assert ana.wait_for_replies(1, timeout_seconds=15)[0].text == "Aquí estoy."
    time.sleep(1)
    assert len(ana.replies) == 1


def assert_still_there(bot: BotProcess) -> None:
    """The reply is in the database of the dead process."""
    assert bot.rows("SELECT state FROM wabot_outbox") == [("pending",)]
