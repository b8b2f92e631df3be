"""Every kind of message on the real client library: what it says is answered, and nothing ends in silence."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e.bot_process import BotProcess
from tests.e2e.conftest import MakeCustomer, repeat_unanswered
from tests.support.provider_server import ProviderServer
from wabot.brain.texts import texts_for
from wabot.emulator.people.customer import Customer
from wabot.emulator.server.emulator import Emulator
from wabot.emulator.signal.message_kinds import KINDS, build

pytestmark = pytest.mark.e2e

SPANISH = texts_for("es")
# Marks on other messages, and what only announces others.
MARKS = {"poll_vote", "event_reply", "pin", "keep"}
ANNOUNCEMENTS = {"album"}
WITHOUT_WORDS = {"payment_invite", "sealed_comment", "call", "phone_number_request"}
# An echo of these is no answer: it claims what stands in no text, or looks like a message of the customer's.
NOT_ECHOED = {"location", "live_location", "contact", "contacts", "view_once"}
UNREADABLE = {*WITHOUT_WORDS, "unborn", "unborn_envelope", "empty"}

StartBot = Callable[..., BotProcess]


@pytest.fixture
def start_bot(
    linked_emulator: Emulator, linked_state: Path, tmp_path: Path, model: ProviderServer
) -> Iterator[StartBot]:
    """Starts a linked bot whose model repeats what it has not answered."""
    bots: list[BotProcess] = []
    model.default = repeat_unanswered()

    def start(replies: str = "debounce = 0\ntyping = false", chats: str = "") -> BotProcess:
        bot = BotProcess(
            linked_emulator, tmp_path / "bot", provider=model.base_url, sections={"chats": chats}
        )
        bots.append(bot)
        configuration = bot.config.read_text()
        bot.config.write_text(configuration.replace("debounce = 0\ntyping = false\nworkers = 8", replies))
        shutil.copytree(linked_state, bot.state)
        bot.restart()
        return bot

    yield start
    for bot in bots:
        bot.close()
    linked_emulator.wait_until(lambda: not linked_emulator.bot.connected)


def texts(customer: Customer) -> list[str]:
    return [reply.text for reply in customer.replies]


def wait_for(reached: Callable[[], object], bot: BotProcess, timeout_seconds: float = 40) -> None:
    deadline = time.monotonic() + timeout_seconds
    while not reached():
        assert time.monotonic() < deadline, bot.log()
        time.sleep(0.02)


def states(bot: BotProcess, message_id: str) -> list[tuple[str, str]]:
    return bot.rows(f"SELECT state, reason FROM wabot_inbox WHERE message_id = '{message_id}'")  # type: ignore[return-value]


def test_every_kind_of_message_has_an_end(
    linked_emulator: Emulator, start_bot: StartBot, new_customer: MakeCustomer
) -> None:
    bot = start_bot()
    customers = {kind: new_customer(name=f"Who sends {kind}") for kind in KINDS}
    sent = {kind: customer.send_kind(kind, "¿tienen tazas?") for kind, customer in customers.items()}
    owner = linked_emulator.phone

    for kind, customer in customers.items():
        if kind in ANNOUNCEMENTS:
            continue
        wait_for(
            lambda kind=kind: states(bot, sent[kind]) and states(bot, sent[kind])[0][0] != "pending", bot
        )
        if kind in MARKS:
            assert states(bot, sent[kind])[0][0] == "ignored", kind
            assert customer.replies == [] and customer.reads == [], kind
            continue
        (reply,) = customer.wait_for_replies(1)
        if kind in UNREADABLE:
            assert reply.text == SPANISH.for_person, kind
        elif kind not in NOT_ECHOED:
            assert "¿tienen tazas?" in reply.text, kind
        wait_for(lambda customer=customer, kind=kind: customer.reads == [sent[kind]], bot)
    told = {f"🤖 Who sends {kind}: envió algo que solo puede leer una persona." for kind in UNREADABLE}
    assert told <= {line for (line,) in bot.rows("SELECT text FROM wabot_owner_lines")}
    wait_for(lambda: any("solo puede leer una persona" in copy.text for copy in owner.copies), bot)
    assert states(bot, sent["album"]) == []


def test_what_is_quoted_and_what_is_no_utf_8(
    linked_emulator: Emulator, start_bot: StartBot, new_customer: MakeCustomer
) -> None:
    bot = start_bot(chats='groups = "mention"')
    ana = new_customer(name="Ana")
    ana.post(b"\x0a\x06hola \xff", "hola")
    ana.wait_for_replies(1)
    ana.reply_to("3EB0CAFE", "¿esta?", quoted_message=build("product", "Maceta marrón"))
    ana.wait_for_replies(2)
    hello, quoting = texts(ana)
    assert hello == "hola \ufffd"
    assert "> Maceta marrón" in quoting and quoting.endswith("¿esta?")
    # In a group, a reply by swipe to the bot speaks to it.
    club = linked_emulator.group("Club", [ana])
    club.send(ana, "good morning all")
    club.send(ana, "and who are you?", reply_to="3EB0CAFE")
    club.wait_for_replies(1)
    assert [reply.text.splitlines()[-1] for reply in club.replies(ana)] == ["and who are you?"]
    assert ("ignored", "group, not mentioned") in bot.rows("SELECT state, reason FROM wabot_inbox")


def test_edits_that_are_sealed(start_bot: StartBot, new_customer: MakeCustomer) -> None:
    bot = start_bot("debounce = 3\ntyping = false")
    ana, eva, dan = new_customer(name="Ana"), new_customer(addressing="phone"), new_customer()
    question = ana.send("¿tienen la 38?")
    ana.edit_sealed(question, "¿tienen la 39?")
    slip = eva.send("hola")
    eva.edit_sealed(slip, "BAJA")
    hidden = dan.send("¿abren hoy?")
    dan.edit_sealed(hidden, "¿abren el domingo?", secret=bytes(32))
    for customer in (ana, eva, dan):
        customer.wait_for_replies(1)
    assert texts(ana) == ["¿tienen la 39?"]
    assert "no le enviaremos más mensajes" in texts(eva)[0]
    assert texts(dan) == [SPANISH.for_person], "not the answer to what it said before"
    # After the answer, the rules about a text are asked of what it says now.
    ana.edit_sealed(question, "quiero hablar con una persona")
    ana.wait_for_replies(2)
    assert "persona del equipo" in texts(ana)[1]
    assert states(bot, question) == [("answered", "handed-over")]


def test_replies_disappear_as_the_chats_messages_do(
    start_bot: StartBot, new_customer: MakeCustomer, model: ProviderServer
) -> None:
    bot = start_bot()
    ana, eva = new_customer(name="Ana"), new_customer()
    ana.send("¿tienen tazas?", expiration_seconds=86_400)
    eva.send("¿y platos?")
    ana.wait_for_replies(1)
    eva.wait_for_replies(1)
    bot.kill()
    bot.restart()
    ana.react(ana.replies[0].message_id, "👍")
    ana.send("BAJA", expiration_seconds=86_400)
    ana.wait_for_replies(2)
    assert [reply.expiration_seconds for reply in ana.replies] == [86_400, 86_400]
    ana.send("ALTA")
    ana.wait_for_replies(3)
    assert ana.replies[2].expiration_seconds == 0
    assert eva.replies[0].expiration_seconds == 0
