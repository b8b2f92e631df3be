"""The conversation as customers and the owner see it: the real bot on the real client library."""

from __future__ import annotations

import re
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.bot_process import REPOSITORY, BotProcess
from tests.e2e.conftest import MakeCustomer, repeat_unanswered
from tests.support.provider_server import ProviderServer
from wabot.emulator.people.customer import Customer
from wabot.emulator.server.emulator import Emulator
from wabot.trials.peers.model_behaviours import say, status
from wabot.trials.peers.model_server import Behaviour, Handler

pytestmark = pytest.mark.e2e

SLOW_PACE = "debounce = 0\ntyping = true\ndelay_message = 1.5\ntime_per_char = 0\nworkers = 4"

StartBot = Callable[..., BotProcess]


def texts(customer: Customer) -> list[str]:
    return [reply.text for reply in customer.replies]


def after(seconds: float, then: Behaviour) -> Behaviour:
    """A slow model."""

    def act(handler: Handler, body: dict[str, Any]) -> None:
        time.sleep(seconds)
        then(handler, body)

    return act


def wait_for(reached: Callable[[], object], bot: BotProcess, timeout_seconds: float = 20) -> None:
    deadline = time.monotonic() + timeout_seconds
    while not reached():
        assert time.monotonic() < deadline, bot.log()
        time.sleep(0.02)


@pytest.fixture
def start_bot(
    linked_emulator: Emulator, linked_state: Path, tmp_path: Path, model: ProviderServer
) -> Iterator[StartBot]:
    """Prepares or starts a linked bot whose model repeats what it has not answered."""
    bots: list[BotProcess] = []

    def start(
        replies: str = "debounce = 0\ntyping = false", chats: str = "", *, running: bool = True
    ) -> BotProcess:
        sections = {"chats": chats}
        bot = BotProcess(linked_emulator, tmp_path / "bot", provider=model.base_url, sections=sections)
        bots.append(bot)
        configuration = bot.config.read_text()
        bot.config.write_text(configuration.replace("debounce = 0\ntyping = false\nworkers = 8", replies))
        shutil.copytree(linked_state, bot.state)
        if running:
            bot.restart()
        return bot

    yield start
    for bot in bots:
        bot.close()
    linked_emulator.wait_until(lambda: not linked_emulator.bot.connected)


def test_the_owner_writes_while_the_model_thinks(
    linked_emulator: Emulator, start_bot: StartBot, new_customer: MakeCustomer, model: ProviderServer
) -> None:
    model.default = after(0.8, repeat_unanswered())
    bot = start_bot()
    ana, eva = new_customer(name="Ana"), new_customer(addressing="phone")
    ana.send("¿Me oye?")
    eva.send("Buenas")
    time.sleep(0.3)
    linked_emulator.phone.write(ana, "Yo le atiendo.")
    eva.wait_for_replies(1)
    time.sleep(0.5)
    assert texts(ana) == []
    assert ("ignored", "paused: the owner wrote") in bot.rows("SELECT state, reason FROM wabot_inbox")
    # A crash does not end it, a word of the owner does; how things stand only the owner reads.
    bot.kill()
    bot.restart()
    ana.send("Gracias")
    wait_for(lambda: bot.rows("SELECT 1 FROM wabot_inbox WHERE text = 'Gracias' AND state = 'ignored'"), bot)
    linked_emulator.phone.write(ana, "#bot on")
    wait_for(lambda: "🤖 Ana: respondo." in {copy.text for copy in linked_emulator.phone.copies}, bot)
    ana.send("¿Y ahora?")
    ana.wait_for_replies(1)
    assert texts(ana) == ["¿Y ahora?"]


def test_an_opt_out_between_the_composing_and_the_sending(
    start_bot: StartBot, new_customer: MakeCustomer
) -> None:
    bot = start_bot(SLOW_PACE)
    ana, eva = new_customer(), new_customer()
    question = ana.send("¿Tienen tazas?")
    eva.send("¿Y platos?")
    wait_for(lambda: bot.rows("SELECT count(*) FROM wabot_outbox") == [(2,)], bot)
    ana.send("BAJA")
    ana.wait_for_replies(1)
    eva.wait_for_replies(1)
    ana.send("¿hola?")
    ana.send("baja")
    time.sleep(0.7)
    assert len(ana.replies) == 1
    assert ana.replies[0].text.endswith("escriba ALTA.")
    assert sorted(bot.rows("SELECT text, state FROM wabot_outbox WHERE source LIKE 'model%'")) == [
        ("¿Tienen tazas?", "withdrawn"),
        ("¿Y platos?", "sent"),
    ]
    # Typing, and typing no more; for who got an answer, the answer ended it, and there are ticks.
    assert question not in ana.reads
    assert [event.state for event in ana.typing_events] == ["composing", "paused"]
    assert [event.state for event in eva.typing_events] == ["composing"]
    ana.send("alta")
    ana.wait_for_replies(2)
    ana.send("¿Tienen tazas?")
    assert ana.wait_for_replies(3)[2].text == "¿Tienen tazas?"


def test_a_burst_of_five_gets_one_answer(start_bot: StartBot, new_customer: MakeCustomer) -> None:
    start_bot("debounce = 0.7\ntyping = false")
    ana = new_customer()
    sent = ["Hola", "quería dos tazas", "azules", "para regalo", "¿tienen?"]
    for text in sent:
        ana.send(text)
        time.sleep(0.2)
    ana.wait_for_replies(1)
    time.sleep(1)
    assert [text.splitlines() for text in texts(ana)] == [sent]


def test_fifty_chats_with_a_slow_model(
    start_bot: StartBot, new_customer: MakeCustomer, model: ProviderServer
) -> None:
    model.default = after(3.0, repeat_unanswered())
    start_bot("debounce = 0\ntyping = false\nworkers = 16")
    customers = [new_customer() for _ in range(50)]
    started = time.monotonic()
    for each in customers:
        each.send(f"I am {each.name}")
    for each in customers:
        each.wait_for_replies(1, timeout_seconds=20)
    took_seconds = time.monotonic() - started
    assert [texts(each) for each in customers] == [[f"I am {each.name}"] for each in customers]
    assert took_seconds < 12, took_seconds


def test_a_stuck_provider_does_not_delay_another_chat(
    start_bot: StartBot, new_customer: MakeCustomer, model: ProviderServer
) -> None:
    answer = repeat_unanswered()

    def act(handler: Handler, body: dict[str, Any]) -> None:
        if "stuck" in body["messages"][-1]["content"]:
            time.sleep(15)
        answer(handler, body)

    model.default = act
    start_bot("debounce = 0\ntyping = false\nworkers = 1")
    stuck, quick = new_customer(), new_customer()
    stuck.send("stuck")
    time.sleep(0.3)
    started = time.monotonic()
    quick.send("quick")
    quick.wait_for_replies(1)
    assert time.monotonic() - started < 4
    assert texts(stuck) == []


def test_who_is_answered(linked_emulator: Emulator, start_bot: StartBot, new_customer: MakeCustomer) -> None:
    """Rules written with phone numbers, customers who hide theirs, and groups."""
    ana, ben, eva, dan = new_customer(), new_customer(addressing="phone"), new_customer(), new_customer()
    allowed = ", ".join(f'"+{customer.phone}"' for customer in (ana, ben, dan))
    bot = start_bot(chats=f'groups = "mention"\nallow = [{allowed}]')
    club = linked_emulator.group("Club", [ana, eva, dan])
    eva.send("let me in")
    club.send(ana, "good morning all")
    club.send(eva, "are you there?", mention_bot=True)
    club.send(ana, "are you open?", mention_bot=True)
    ana.send("from a hidden number")
    ben.send("from a shown number")
    assert ana.wait_for_replies(1)[0].text == "from a hidden number"
    assert ben.wait_for_replies(1)[0].text == "from a shown number"
    assert [reply.text for reply in club.wait_for_replies(1)] == ["are you open?"]
    # What a member writes first comes with the key of what they write, as an event of its own before it.
    club.send(dan, "my first words here", mention_bot=True)
    assert club.wait_for_replies(2)[1].text == "my first words here"
    assert [reply.text for reply in club.replies(eva)] == ["are you open?", "my first words here"]
    assert sorted(bot.rows("SELECT text, reason FROM wabot_inbox WHERE state = 'ignored'")) == [
        ("", "not on the allow list"),
        ("", "not on the allow list"),
        ("good morning all", "group, not mentioned"),
    ]
    assert texts(eva) == []


def test_a_mention_by_the_hidden_id_that_is_learnt_at_the_login(
    linked_emulator: Emulator, start_bot: StartBot, new_customer: MakeCustomer
) -> None:
    bot = start_bot(chats='groups = "mention"', running=False)
    with closing(sqlite3.connect(next(bot.state.rglob("whatsapp.db")))) as store, store:
        # As an account was linked before it had one.
        assert store.execute("UPDATE whatsmeow_device SET lid = NULL").rowcount == 1
    bot.restart()
    ana = new_customer(name="Ana")
    linked_emulator.group("Club", [ana]).send(ana, "are you there?", mention_bot=True)
    wait_for(lambda: bot.rows("SELECT 1 FROM wabot_inbox WHERE state = 'answered'"), bot)


def test_a_backlog_after_a_night(
    linked_emulator: Emulator, start_bot: StartBot, new_customer: MakeCustomer
) -> None:
    bot = start_bot("debounce = 0.7\ntyping = false", running=False)
    ana, eva = new_customer(), new_customer()
    ana.send("at midnight", age_seconds=8 * 3600)
    eva.send("at one", age_seconds=7 * 3600)
    ana.send("this morning", age_seconds=300)
    ana.send("just now")
    bot.restart()
    ana.wait_for_replies(1)
    time.sleep(1)
    assert texts(ana) == ["this morning\njust now"]
    assert texts(eva) == []
    assert bot.rows("SELECT text, reason FROM wabot_inbox WHERE state = 'ignored' ORDER BY id") == [
        ("at midnight", "too old"),
        ("at one", "too old"),
    ]
    # Of the first at once, of the other with whoever else there is in these minutes.
    said = ": escribió hace demasiado para que yo le conteste."
    wait_for(lambda: any(copy.text.endswith(said) for copy in linked_emulator.phone.copies), bot)


def test_edits_and_deletions_before_the_answer(
    start_bot: StartBot, new_customer: MakeCustomer, model: ProviderServer
) -> None:
    bot = start_bot(SLOW_PACE)
    ana, eva = new_customer(), new_customer()
    size = ana.send("talla 38")
    oops = eva.send("esto no era para usted")
    wait_for(lambda: bot.rows("SELECT count(*) FROM wabot_outbox") == [(2,)], bot)
    ana.edit(size, "talla 39")
    eva.revoke(oops)
    assert ana.wait_for_replies(1)[0].text == "talla 39"
    # The same while the model thinks.
    model.default = after(0.8, repeat_unanswered())
    colour = ana.send("azul")
    oops = eva.send("esto tampoco")
    time.sleep(0.3)
    ana.edit(colour, "verde")
    eva.revoke(oops)
    ana.wait_for_replies(2)
    time.sleep(0.5)
    assert texts(ana) == ["talla 39", "verde"]
    assert texts(eva) == []


def test_no_model_then_a_model(
    start_bot: StartBot, new_customer: MakeCustomer, model: ProviderServer, linked_emulator: Emulator
) -> None:
    """One polite sentence, the question kept, the answer when the model is back; one for photos, too."""
    answer = model.default
    model.default = status(500)
    bot = start_bot()
    ana = new_customer(name="Ana")
    ana.send("What is the capital of Mongolia?")
    assert "can't give you a reliable answer" in ana.wait_for_replies(1)[0].text
    # A person was promised: the only one there is learns of it, once.
    told = "🤖 Ana: espera respuesta; ahora no contesta ningún modelo."
    wait_for(lambda: any(copy.text == told for copy in linked_emulator.phone.copies), bot)
    ana.send("And of Bolivia?")
    ana.send_media("image")
    time.sleep(0.5)
    assert len(ana.replies) == 1
    assert [copy.text for copy in linked_emulator.phone.copies].count(told) == 1
    shown = "SELECT 1 FROM wabot_sessions WHERE models_trouble LIKE 'no model answers since %500%'"
    wait_for(lambda: bot.rows(shown), bot)
    model.default = answer
    assert ana.wait_for_replies(2, timeout_seconds=15)[1].text.splitlines() == [
        "What is the capital of Mongolia?",
        "And of Bolivia?",
    ]
    wait_for(lambda: bot.rows("SELECT 1 FROM wabot_sessions WHERE models_trouble = ''"), bot)
    ana.send_media("voice")
    assert "I can't look at or listen to" in ana.wait_for_replies(3)[2].text
    ana.send_media("image")
    time.sleep(0.5)
    assert len(ana.replies) == 3


def test_a_budget_outlives_a_kill_and_its_end_is_no_end_of_the_question(
    start_bot: StartBot, new_customer: MakeCustomer, model: ProviderServer
) -> None:
    bot = start_bot(running=False)

    def limit(calls: int) -> None:
        text = re.sub(r"calls_per_day = \d+\n", "", bot.config.read_text())
        bot.config.write_text(text.replace("[ai]\n", f"[ai]\ncalls_per_day = {calls}\n"))

    limit(2)
    bot.restart()
    ana, eva = new_customer(), new_customer()
    for number, text in enumerate(("One?", "Two?"), start=1):
        ana.send(text)
        assert ana.wait_for_replies(number)[-1].text == text
    bot.kill()
    bot.restart()
    eva.send("What is the capital of Mongolia?")
    assert "can't give you a reliable answer" in eva.wait_for_replies(1)[0].text
    eva.send("And of Bolivia?")
    wait_for(lambda: bot.rows("SELECT count(*) FROM wabot_inbox WHERE state = 'pending'") == [(2,)], bot)
    bot.kill()
    bot.restart()
    # Tried again every few seconds, and refused each time without a word more.
    time.sleep(6)
    assert (len(eva.replies), len(model.requests)) == (1, 2)
    assert bot.rows("SELECT state FROM wabot_outbox WHERE source = 'unanswered'") == [("sent",)]
    assert bot.rows("SELECT provider, calls FROM wabot_model_usage") == [("", 2)]
    assert bot.log().count("budget of all models is spent") == 1
    assert bot.stop() == 0
    limit(3)
    bot.restart()
    assert eva.wait_for_replies(2, timeout_seconds=15)[1].text.splitlines() == [
        "What is the capital of Mongolia?",
        "And of Bolivia?",
    ]


def test_the_model_sees_the_context_and_may_keep_silent_or_call_a_person(
    linked_emulator: Emulator,
    start_bot: StartBot,
    new_customer: MakeCustomer,
    model: ProviderServer,
    tmp_path: Path,
) -> None:
    persona = tmp_path / "persona.txt"
    persona.write_text("Eres Paco.")
    bot = start_bot(running=False)
    text = bot.config.read_text()
    bot.config.write_text(text.replace("[ai]\n", f'[ai]\nsystem_prompt_file = "{persona}"\n'))
    bot.restart()
    ana = new_customer(name="Ana")
    ana.send("¿Tienen tazas?")
    first = ana.wait_for_replies(1)[0]
    # A reaction to what the bot said, and a message that quotes it: context of the next answer.
    persona.write_text("Eres Eva, y la persona ha cambiado.")
    # No person reacts before the bot has written down what it sent.
    wait_for(lambda: bot.rows("SELECT 1 FROM wabot_outbox WHERE state = 'sent'"), bot)
    ana.react(first.message_id, "👍")
    wait_for(lambda: bot.rows("SELECT 1 FROM wabot_inbox WHERE kind = 'reaction'"), bot)
    ana.reply_to(first.message_id, "de estas, dos", quoted_text="¿Tienen tazas?")
    ana.wait_for_replies(2)
    assert "Eres Paco." in model.requests[0].messages[0]["content"]
    assert "Eres Eva, y la persona ha cambiado." in model.requests[1].messages[0]["content"]
    assert model.requests[1].messages[-1]["content"].splitlines() == [
        "[👍] > ¿Tienen tazas?",
        "> ¿Tienen tazas?",
        "de estas, dos",
    ]
    # Silence is an answer.
    model.default = say("NO_REPLY")
    ana.send("Su pedido 123 ha sido entregado")
    settled = "SELECT state FROM wabot_inbox WHERE text LIKE 'Su pedido%' AND state <> 'pending'"
    wait_for(lambda: bot.rows(settled), bot)
    # The model's own signal: the customer is told, the owner too, and the chat is quiet until it is resumed.
    model.default = say("Lamento oírlo, enseguida le atienden. HAND_OVER")
    ana.send("Quiero poner una reclamación")
    assert ana.wait_for_replies(3)[2].text == "Lamento oírlo, enseguida le atienden."
    told = "🤖 Ana: no respondo (quiere hablar con una persona)"
    wait_for(lambda: any(copy.text.startswith(told) for copy in linked_emulator.phone.copies), bot)
    asked = len(model.requests)
    ana.send("¿Hola?")
    wait_for(lambda: bot.rows("SELECT 1 FROM wabot_inbox WHERE text = '¿Hola?' AND state = 'ignored'"), bot)
    assert len(model.requests) == asked
    resumed = subprocess.run(
        [sys.executable, "-m", "wabot", "resume", f"+{ana.phone}", "--config", str(bot.config)],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert resumed.returncode == 0, resumed.stderr
    model.default = repeat_unanswered()
    ana.send("¿Y ahora?")
    assert ana.wait_for_replies(4)[3].text == "¿Y ahora?"
    assert "HAND_OVER" not in "".join(texts(ana))
    assert "NO_REPLY" not in "".join(texts(ana))


def test_replies_beyond_the_rate_wait(start_bot: StartBot, new_customer: MakeCustomer) -> None:
    bot = start_bot("debounce = 0\ntyping = false\nper_minute = 3\nper_chat_per_hour = 2")
    ana, ben = new_customer(), new_customer()
    for text in ("one", "two", "three"):
        ana.send(text)
        wait_for(lambda text=text: bot.rows(f"SELECT 1 FROM wabot_outbox WHERE text = '{text}'"), bot)
    ana.wait_for_replies(2)
    ben.send("hello")
    ben.wait_for_replies(1)
    ben.send("hello again")
    wait_for(lambda: bot.rows("SELECT 1 FROM wabot_outbox WHERE text = 'hello again'"), bot)
    time.sleep(0.5)
    assert texts(ana) == ["one", "two"]
    assert texts(ben) == ["hello"]
    assert bot.rows("SELECT text FROM wabot_outbox WHERE state = 'pending' ORDER BY id") == [
        ("three",),
        ("hello again",),
    ]
