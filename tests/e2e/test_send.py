"""`wabot send` beside a running bot: what it puts into the outbox arrives, once."""

from __future__ import annotations

import json
import os
import time
from typing import Any

import pytest

from tests.e2e.bot_process import BotProcess
from tests.e2e.conftest import MakeBot, MakeCustomer
from tests.support.warm_interpreter import of_this_process
from wabot.emulator.people.customer import Customer
from wabot.emulator.server.emulator import Emulator

pytestmark = pytest.mark.e2e


def send(bot: BotProcess, to: str, text: str, *options: str) -> tuple[int, dict[str, Any]]:
    command = ("send", to, text, "--json", "--config", str(bot.config), *options)
    told = of_this_process().run(*command, environ=os.environ)
    return told.returncode, json.loads(told.stdout)


def let_many_leave(bot: BotProcess) -> None:
    bot.config.write_text(f"{bot.config.read_text()}\n[outreach]\nper_chat_per_day = 10\n")


def texts(customer: Customer) -> list[str]:
    return [reply.text for reply in customer.replies]


def answered(bot: BotProcess, customer: Customer) -> str:
    """The customer writes and is answered; the number to send to, or what stands for it."""
    before = len(customer.replies)
    customer.send("What are your opening hours?")
    customer.wait_for_replies(before + 1)
    ((phone, lid),) = bot.rows("SELECT phone, lid FROM wabot_chats ORDER BY id DESC LIMIT 1")
    return f"+{phone}" if phone else f"{lid}@lid"


def test_what_is_sent_arrives_once_whatever_happens(
    linked_emulator: Emulator, new_customer: MakeCustomer, start_linked: MakeBot
) -> None:
    bot = start_linked(prepare=let_many_leave)
    ana = new_customer()
    number = answered(bot, ana)
    # Delivered while it waits; the same key twice is one message.
    code, told = send(bot, number, "Su pedido ha salido", "--key", "order-1", "--wait")
    assert (code, told["state"]) == (0, "delivered")
    assert send(bot, number, "Su pedido ha salido", "--key", "order-1")[1]["id"] == told["id"]
    # The link is cut at that very send.
    linked_emulator.faults.cut_at_send()
    assert send(bot, number, "Su pedido llega hoy", "--wait")[0] == 0
    # A bot that is away finds it when it starts; and a kill loses nothing.
    bot.kill()
    assert send(bot, number, "Su pedido está aquí")[1]["state"] == "queued"
    bot.restart()
    bot.wait_until(lambda: "Su pedido está aquí" in texts(ana))
    time.sleep(0.5)
    assert sorted(texts(ana)[1:]) == ["Su pedido está aquí", "Su pedido ha salido", "Su pedido llega hoy"]


def test_whom_it_does_not_write_to(start_linked: MakeBot, new_customer: MakeCustomer) -> None:
    bot = start_linked()
    ana, hidden = new_customer(), new_customer(addressing="lid")
    number = answered(bot, ana)
    ana.send("baja")
    ana.wait_for_replies(2)
    assert send(bot, number, "Su pedido ha salido")[1]["rule"] == "opted-out"
    own = bot.status()["phone"]
    assert send(bot, f"+{own}", "x")[1]["rule"] in ("own-number", "no-chat")
    assert send(bot, "+34699999999", "x")[1]["rule"] == "no-chat"
    assert send(bot, "123456-789@g.us", "x")[1]["rule"] == "no-chat"
    assert send(bot, answered(bot, hidden), "Su pedido ha salido", "--wait")[0] == 0
    code, told = send(bot, answered(bot, hidden), "Otra vez")
    assert (code, told["rule"]) == (65, "per-chat-per-day")
    assert texts(ana)[2:] == []
