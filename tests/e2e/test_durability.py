"""Nothing is lost and nothing is said twice: sends in doubt, and what only a kill can lose."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from tests.e2e.bot_process import BotProcess
from tests.e2e.conftest import MakeBot, MakeCustomer
from wabot.brain.texts import texts_for
from wabot.emulator.people.customer import Customer
from wabot.emulator.server.emulator import Emulator
from wabot.emulator.world.faults import CutMoment

pytestmark = pytest.mark.e2e

QUESTION = "Do you have gift cards?"


def wait_for_outbox(bot: BotProcess, *states: str, timeout_seconds: float = 20) -> None:
    """Wait until the replies are in these states."""
    deadline = time.monotonic() + timeout_seconds
    while (found := [state for (state,) in bot.rows("SELECT state FROM wabot_outbox ORDER BY id")]) != [
        *states
    ]:
        assert time.monotonic() < deadline, f"{found}\n{bot.log()}"
        time.sleep(0.05)


def configure(bot: BotProcess, lines: str) -> None:
    """Add settings to the section about replies."""
    text = bot.config.read_text().replace("typing = false\n", "")
    bot.config.write_text(text.replace("[replies]", f"[replies]\n{lines}"))


@pytest.mark.parametrize(
    ("moment", "cuts", "copies"),
    [("taken", 2, 1), ("before_ack", 3, 2), ("mid_frame", 2, 1)],
)
def test_a_reply_whose_acknowledgement_is_lost_arrives_once(
    linked_emulator: Emulator, start_linked: MakeBot, ana: Customer, moment: CutMoment, cuts: int, copies: int
) -> None:
    bot = start_linked()
    bot.wait_for_state("connected")
    linked_emulator.faults.cut_at_send(times=cuts, when=moment)
    ana.send(QUESTION)
    ana.wait_for_replies(1, timeout_seconds=20)
    wait_for_outbox(bot, "sent")
    assert bot.rows("SELECT copies FROM wabot_outbox") == [(copies,)]
    assert len(ana.replies) == 1
    assert "may not have arrived" in bot.log()


def test_a_reply_that_was_taken_is_not_refused_when_it_comes_again(
    linked_emulator: Emulator, start_linked: MakeBot, ana: Customer
) -> None:
    """The library sends the frame of a lost acknowledgement once more, and the service knows it."""
    bot = start_linked()
    bot.wait_for_state("connected")
    linked_emulator.faults.refuse(60)
    linked_emulator.faults.cut_at_send(when="taken")
    ana.send(QUESTION)
    ana.wait_for_replies(1)
    linked_emulator.faults.ack(error=479)
    linked_emulator.accept_connections()
    wait_for_outbox(bot, "sent")
    assert bot.rows("SELECT copies, refusals FROM wabot_outbox") == [(1, 0)]
    assert len(ana.replies) == 1
    assert ana.duplicates == 1


def test_a_receipt_that_could_not_be_written_down_outlives_a_kill(
    linked_emulator: Emulator, start_linked: MakeBot, ana: Customer
) -> None:
    """The database is away when a reply leaves, and the process ends by force before it is back."""
    bot = start_linked()
    bot.wait_for_state("connected")
    linked_emulator.faults.ack(late_seconds=1.5)
    ana.send(QUESTION)
    bot.wait_until(lambda: bot.rows("SELECT state FROM wabot_outbox") == [("sending",)])
    with closing(sqlite3.connect(bot.state / "wabot.db", isolation_level=None)) as database:
        database.execute("BEGIN EXCLUSIVE")
        ana.wait_for_replies(1)
        receipts = bot.state / "sessions" / "shop" / "receipts"
        bot.wait_until(lambda: receipts.exists() and receipts.stat().st_size > 0)
        bot.kill()
    assert bot.rows("SELECT state FROM wabot_outbox") == [("sending",)]
    bot.restart()
    wait_for_outbox(bot, "sent")
    assert bot.rows("SELECT copies FROM wabot_outbox") == [(1,)]
    assert len(ana.replies) == 1


def test_a_reply_in_doubt_can_be_held_back(
    linked_emulator: Emulator, start_linked: MakeBot, ana: Customer
) -> None:
    bot = start_linked(prepare=partial(configure, lines='in_doubt = "hold"'))
    bot.wait_for_state("connected")
    linked_emulator.faults.cut_at_send(times=2, when="before_ack")
    ana.send(QUESTION)
    # The owner is told.
    wait_for_outbox(bot, "unsure", "sent")
    assert not ana.replies


def test_killed_while_a_reply_that_arrived_is_being_acknowledged(
    linked_emulator: Emulator, start_linked: MakeBot, ana: Customer
) -> None:
    bot = start_linked()
    bot.wait_for_state("connected")
    linked_emulator.faults.latency(1.0)
    ana.send(QUESTION)
    ana.wait_for_replies(1)
    bot.kill()
    wait_for_outbox(bot, "sending")
    linked_emulator.faults.latency(0)
    bot.restart()
    wait_for_outbox(bot, "sent")
    assert "was leaving when the last process ended" in bot.log()
    assert len(ana.replies) == 1
    assert ana.duplicates == 0


def test_killed_while_a_reply_that_did_not_arrive_is_leaving(
    linked_emulator: Emulator, start_linked: MakeBot, ana: Customer
) -> None:
    bot = start_linked()
    bot.wait_for_state("connected")
    linked_emulator.faults.cut_at_send(when="before_ack")
    linked_emulator.faults.hang("handshake", times=9)
    ana.send(QUESTION)
    linked_emulator.wait_until(lambda: not linked_emulator.bot.connected)
    bot.kill()
    wait_for_outbox(bot, "sending")
    linked_emulator.faults.clear()
    bot.restart()
    ana.wait_for_replies(1)
    wait_for_outbox(bot, "sent")
    assert len(ana.replies) == 1


def test_killed_before_a_reply_left(linked_emulator: Emulator, start_linked: MakeBot, ana: Customer) -> None:
    """The library cannot write down what it is about to send, so it does not send it."""
    bot = start_linked(prepare=partial(configure, lines="typing = true\ndelay_message = 1"))
    bot.wait_for_state("connected")
    ana.send(QUESTION)
    wait_for_outbox(bot, "pending")
    with closing(sqlite3.connect(bot.state / "sessions" / "shop" / "whatsapp.db")) as store:
        store.execute("BEGIN IMMEDIATE")
        wait_for_outbox(bot, "sending")
        bot.kill()
    bot.restart()
    ana.wait_for_replies(1)
    wait_for_outbox(bot, "sent")
    assert "had not left when the last process ended" in bot.log()
    assert bot.rows("SELECT copies FROM wabot_outbox") == [(1,)]
    assert len(ana.replies) == 1


def test_a_reply_the_customer_cannot_read_is_sent_again(
    linked_emulator: Emulator, start_linked: MakeBot, ana: Customer
) -> None:
    """The phone asks for nothing, but it confirms the next reply and not this one."""
    ana.asks_retry = False
    ana.damaged_replies = 1
    bot = start_linked()
    bot.wait_for_state("connected")
    ana.send(QUESTION)
    linked_emulator.wait_until(lambda: ana.unreadable)
    ana.send(QUESTION)
    ana.wait_for_replies(2, timeout_seconds=15)
    wait_for_outbox(bot, "sent", "sent")
    assert bot.rows("SELECT copies FROM wabot_outbox ORDER BY id") == [(2,), (1,)]
    assert "the phone has a later one" in bot.log()


def test_a_reply_asked_for_again_after_a_kill_is_sent_again(
    linked_emulator: Emulator, start_linked: MakeBot, ana: Customer
) -> None:
    """The library has the texts it sent in memory only."""
    ana.asks_retry = False
    ana.damaged_replies = 1
    bot = start_linked()
    bot.wait_for_state("connected")
    ana.send(QUESTION)
    wait_for_outbox(bot, "sent")
    bot.kill()
    bot.restart()
    linked_emulator.receipt(ana, "retry", ana.unreadable[0].message_id)
    ana.wait_for_replies(1, timeout_seconds=20)
    assert len(ana.replies) == 1


def test_every_customer_can_read_every_reply(
    linked_emulator: Emulator, start_linked: MakeBot, new_customer: MakeCustomer
) -> None:
    """Three hundred messages from thirty customers at once."""
    bot = start_linked()
    bot.wait_for_state("connected")
    customers = [new_customer() for _ in range(30)]
    for number in range(10):
        for customer in customers:
            customer.send(f"{QUESTION} ({number})")
    deadline = time.monotonic() + 40
    while bot.rows("SELECT count(*) FROM wabot_inbox WHERE state = 'answered'") != [(300,)]:
        assert time.monotonic() < deadline, bot.log()
        time.sleep(0.1)
    while bot.rows("SELECT DISTINCT state FROM wabot_outbox") != [("sent",)]:
        assert time.monotonic() < deadline, bot.log()
        time.sleep(0.1)
    sent = bot.rows("SELECT count(*) FROM wabot_outbox")[0][0]
    linked_emulator.wait_until(lambda: sum(len(customer.replies) for customer in customers) >= sent)
    assert sum(len(customer.replies) for customer in customers) == sent


def spoil_spool(bot: BotProcess) -> Path:
    """Let messages not be kept on the disk either; they stay in the library's hands."""
    spool = bot.state / "sessions" / "shop" / "spool"
    spool.mkdir()
    return spool


def test_messages_that_only_the_library_had_when_it_was_killed_are_asked_for(
    linked_emulator: Emulator, start_linked: MakeBot, new_customer: MakeCustomer
) -> None:
    """WhatsApp was told that they arrived, and the bot had no chance to store them."""
    bot = start_linked()
    bot.wait_for_state("connected")
    customers = [new_customer() for _ in range(10)]
    customers[0].send(QUESTION)
    customers[0].wait_for_replies(1)
    wait_for_outbox(bot, "sent")
    spool = spoil_spool(bot)
    with closing(sqlite3.connect(bot.state / "wabot.db")) as database:
        database.execute("BEGIN IMMEDIATE")
        for number in range(4):
            for customer in customers:
                customer.send(f"¿Tienen tarjetas de regalo? ({number})")
        linked_emulator.wait_until(lambda: linked_emulator.bot.backlog == 0)
        bot.kill()
    spool.rmdir()
    bot.restart()
    assert customers[1].wait_for_replies(1)[0].text == texts_for("es").ask_to_repeat
    for customer in customers:
        customer.wait_for_replies(1)
    deadline = time.monotonic() + 20
    while bot.rows("SELECT count(*) FROM wabot_inbox WHERE state = 'pending'") != [(0,)]:
        assert time.monotonic() < deadline, bot.log()
        time.sleep(0.05)
    assert bot.rows("SELECT count(*) FROM wabot_inbox WHERE kind = 'lost'") == [(40,)]
    assert bot.rows("SELECT count(*) FROM wabot_outbox WHERE source = 'ask-to-repeat'") == [(10,)]
    assert "40 messages were acknowledged by the client library and lost" in bot.log()
    customers[0].wait_for_replies(2, timeout_seconds=20)
    time.sleep(1)
    assert [len(customer.replies) for customer in customers] == [2, *[1] * 9]


def test_messages_that_the_library_drops_when_its_event_loop_ends_are_asked_for(
    linked_emulator: Emulator, start_linked: MakeBot, new_customer: MakeCustomer
) -> None:
    """A receipt of a kind it has no name for: it stays on the line and acknowledges messages to nobody."""
    bot = start_linked()
    bot.wait_for_state("connected")
    customers = [new_customer() for _ in range(5)]
    customers[0].send(QUESTION)
    customers[0].wait_for_replies(1)
    wait_for_outbox(bot, "sent")
    spoil_spool(bot)
    with closing(sqlite3.connect(bot.state / "wabot.db")) as database:
        database.execute("BEGIN IMMEDIATE")
        customers[0].send("¿Y tienen tarjetas de regalo?")
        time.sleep(0.5)
        linked_emulator.receipt(customers[0], "enc_rekey_retry")
        for customer in customers[1:]:
            customer.send("¿Tienen tarjetas de regalo?")
        linked_emulator.wait_until(lambda: linked_emulator.bot.backlog == 0)
    for customer in customers[1:]:
        assert customer.wait_for_replies(1, timeout_seconds=20)[0].text == texts_for("es").ask_to_repeat
    customers[0].wait_for_replies(2)
    assert bot.rows("SELECT count(*) FROM wabot_inbox WHERE kind = 'lost'") == [(4,)]


def test_a_message_the_library_takes_for_an_old_one_is_asked_for(
    linked_emulator: Emulator, start_linked: MakeBot, ana: Customer
) -> None:
    """It had decrypted the message before a kill, and WhatsApp delivers it again."""
    bot = start_linked()
    bot.wait_for_state("connected")
    message_id = ana.send(QUESTION)
    ana.wait_for_replies(1)
    wait_for_outbox(bot, "sent")
    ana.repeat(message_id)
    with closing(sqlite3.connect(bot.state / "wabot.db", isolation_level=None)) as database:
        database.execute("DELETE FROM wabot_inbox")
    replies = ana.wait_for_replies(2, timeout_seconds=15)
    assert replies[1].text == texts_for("en").ask_to_repeat
