from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import peewee
import psycopg2
import pytest

from tests.support import REPOSITORY
from tests.support.arrivals import ANA, GROUP, arrival
from tests.support.provider_server import ProviderServer
from tests.support.threads import Wakes
from wabot.answers import answering
from wabot.answers.budget import DailyBudget
from wabot.answers.worker import MAX_ATTEMPTS, make_workers, start_workers
from wabot.brain.brain import Answer, Brain
from wabot.brain.conversation import Conversation
from wabot.brain.output.control_words import HAND_OVER, TELL_TEAM
from wabot.brain.providers.budget import BudgetUnknown
from wabot.brain.providers.counts import ChatCallCounts
from wabot.brain.settings import ProviderSettings
from wabot.brain.texts import texts_for
from wabot.clock import utc_now
from wabot.config.settings import AccountSettings, AiSettings, ChatSettings, ReplySettings, Settings
from wabot.conversation import owner_chat
from wabot.conversation.inbox import Inbox
from wabot.conversation.outbox import Outbox
from wabot.conversation.owner_chat import text_of
from wabot.conversation.schedule import ChatSchedule
from wabot.conversation.send_queue import SendQueue
from wabot.database.engine import migrate, open_database
from wabot.database.models import Chat, Inbound, Outbound, PauseReason, Session
from wabot.database.models import database as bound
from wabot.inbound.reception import reception_of
from wabot.outbound.chat_presence import ChatPresence
from wabot.outbound.pacing import paced
from wabot.system.threads import Pulse
from wabot.trials.peers.model_behaviours import say
from wabot.trials.peers.model_server import Handler
from wabot.whatsapp.messages import IncomingMessage, MessageKind

DEPARTURES = SendQueue("shop")

SPANISH, ENGLISH = texts_for("es"), texts_for("en")
SORRY = Answer((SPANISH.cannot_answer,), "polite")
PROVIDER = ProviderSettings("test", "http://127.0.0.1:9/v1", "model")


class Model:
    """Stands in for the brain: answers as told, and remembers what it was asked."""

    def __init__(self) -> None:
        self.answers: list[Answer | Callable[[], Answer]] = []
        self.asked: list[Conversation] = []

    def reply(self, conversation: Conversation, now: datetime) -> Answer:
        assert now.tzinfo is not None
        self.asked.append(conversation)
        answer = self.answers.pop(0) if self.answers else Answer(("Claro.",), "model:test")
        return answer() if callable(answer) else answer

    @property
    def heard(self) -> list[str]:
        """What it was to answer the last time."""
        return [turn.text for turn in self.asked[-1].unanswered]


class Shop:
    """Reception, worker and outbox of one account, without threads."""

    def __init__(self, *, models: bool = True, typing: bool = False, **chats: Any) -> None:
        self.settings = Settings(
            account=AccountSettings(user_id="shop", timezone="UTC"),
            ai=AiSettings(providers=(PROVIDER,) if models else ()),
            chats=ChatSettings(**chats),
            replies=ReplySettings(typing=typing),
        )
        self.model = Model()
        self.wakes = Wakes()
        self.inbox, self.outbox = Inbox("shop"), Outbox("shop", self.wakes)
        self.schedule = ChatSchedule(0)
        self.presence = ChatPresence(threading.Event())
        self.presence.link_up()
        self.shown: list[tuple[str, Any]] = []
        self.reception = reception_of(self.settings, self.inbox, self.outbox, presence=self.presence)
        brain: Any = self.model
        (self.worker,) = make_workers(
            self.settings,
            self.inbox,
            self.outbox,
            self.schedule,
            brain,
            self.presence,
            [Pulse()],
        )

    def hear(self, *messages: IncomingMessage | str) -> int:
        """Messages arrive now."""
        for message in messages:
            if isinstance(message, str):
                message = arrival(message)
            self.reception.receive(replace(message, sent_at=message.sent_at + (utc_now() - _NOON)), utc_now())
        return int(Inbound.select().order_by(Inbound.id.desc()).first().chat_id)

    def answer(self, *messages: IncomingMessage | str) -> list[str]:
        """Messages arrive and their chat is answered; what there is to send then."""
        self.worker.answer(self.hear(*messages))
        return [
            text_of(row) for row in Outbound.select().where(Outbound.state == "pending").order_by(Outbound.id)
        ]

    def announce(self, available: bool) -> bool:
        return True

    def show(self) -> list[tuple[str, Any]]:
        """What customers see now, since the last look."""
        self.shown.clear()
        self.presence.show(self, time.monotonic(), Pulse())
        return list(self.shown)

    def leave(self) -> None:
        """What is to be sent leaves."""
        for row in Outbound.select().where(Outbound.state == "pending"):
            self.presence.message_sent(row.chat.jid, time.monotonic())

    def show_typing(self, jid: str, typing: bool) -> None:
        self.shown.append(("typing" if typing else "paused", jid))

    def mark_read(self, jid: str, sender: str, message_ids: list[str]) -> None:
        self.shown.append(("read", (jid, sender, len(message_ids))))


_NOON = arrival().sent_at


@pytest.fixture
def shop(sqlite_database: Any) -> Shop:
    return Shop()


def states() -> list[tuple[str, str]]:
    return [(row.state, row.reason) for row in Inbound.select().order_by(Inbound.id)]


def test_a_burst_gets_one_answer_and_the_model_sees_each_message(shop: Shop) -> None:
    assert shop.answer("hola", "quiero dos tazas", "azules") == ["Claro."]
    assert shop.model.heard == ["hola", "quiero dos tazas", "azules"]
    assert states() == [("answered", "model:test")] * 3


def test_what_arrives_while_the_model_thinks_is_answered_next(shop: Shop) -> None:
    shop.model.answers.append(lambda: (shop.hear("y azules"), Answer(("Dos.",), "model:test"))[1])
    assert shop.answer("dos tazas") == ["Dos."]
    assert [state for state, _ in states()] == ["answered", "pending"]
    shop.worker.answer(Chat.get().id)
    assert shop.model.heard == ["y azules"]
    assert [turn.text for turn in shop.model.asked[1].turns] == ["dos tazas", "Dos.", "y azules"]


@pytest.mark.parametrize("chats", [{}, {"trigger_type": "keyword", "trigger_values": ("x",)}])
def test_more_messages_of_one_chat_than_are_answered_at_once_have_an_end_all_the_same(
    sqlite_database: Any, chats: dict[str, Any]
) -> None:
    shop = Shop(**chats)
    shop.schedule.touch(shop.hear(*(f"pregunta {number}" for number in range(350))))
    rounds = 0
    while shop.schedule._queue:
        chat_id = shop.schedule.take()
        assert chat_id is not None
        shop.worker.answer(chat_id)
        shop.schedule.done(chat_id)
        rounds += 1
        assert rounds <= 4
    assert rounds == 4
    assert all(state != "pending" for state, _ in states())
    assert len(states()) == 350


def test_a_full_round_that_is_kept_for_a_model_is_not_asked_again_at_once(sqlite_database: Any) -> None:
    shop = Shop()
    shop.model.answers = [SORRY]
    shop.schedule.touch(shop.hear(*(f"pregunta {number}" for number in range(150))))
    chat_id = shop.schedule.take()
    assert chat_id is not None
    shop.worker.answer(chat_id)
    shop.schedule.done(chat_id)
    ((due, _),) = shop.schedule._queue
    assert due > time.monotonic() + 2


def test_the_next_question_comes_with_the_history(shop: Shop) -> None:
    shop.answer("¿tienen tazas?")
    shop.answer("¿azules?")
    assert [turn.text for turn in shop.model.asked[1].turns] == ["¿tienen tazas?", "Claro.", "¿azules?"]
    assert shop.model.asked[1].language == "es"
    assert shop.model.asked[1].customer_name == "Ana"


def test_quotes_captions_and_reactions_are_context(shop: Shop) -> None:
    shop.answer("¿me la reserva?")
    row = Outbound.get()
    DEPARTURES.begin(row, utc_now())
    DEPARTURES.mark_sent(row, "3EB0A", utc_now())
    shop.answer(
        arrival("👍", kind=MessageKind.REACTION, target_id="3EB0A"),
        arrival("esta", quoted_text="la taza azul\nde 4 €"),
        arrival("y esta", kind=MessageKind.IMAGE),
    )
    assert shop.model.heard == ["[👍] > Claro.\n> la taza azul\n> de 4 €\nesta", "[image] y esta"]


def test_silence_sends_nothing(shop: Shop) -> None:
    shop.model.answers.append(Answer((), "silence"))
    assert shop.answer("ok gracias") == []
    assert states() == [("answered", "silence")]


# Who steps in while the model thinks


@pytest.mark.parametrize(
    ("event", "state"),
    [
        (lambda first: arrival("yo sigo", from_me=True, sender="1@lid"), "ignored"),
        (lambda first: arrival("#bot off", from_me=True, sender="1@lid"), "ignored"),
        (lambda first: arrival("BAJA"), "ignored"),
        (lambda first: arrival("", kind=MessageKind.REVOKE, target_id=first.message_id), "ignored"),
        (lambda first: arrival("¿y rojas?", kind=MessageKind.EDIT, target_id=first.message_id), "pending"),
    ],
    ids=["owner", "command", "opt-out", "deletion", "edit"],
)
def test_an_answer_that_is_overtaken_is_never_stored(
    shop: Shop, event: Callable[[IncomingMessage], IncomingMessage], state: str
) -> None:
    first = arrival("¿tienen tazas?")
    shop.model.answers.append(lambda: (shop.hear(event(first)), Answer(("Sí.",), "model:test"))[1])
    assert "Sí." not in shop.answer(first)
    assert states()[0][0] == state
    if state == "pending":
        chat_id = shop.schedule.take()
        assert chat_id is not None
        shop.worker.answer(chat_id)
        assert shop.model.heard == ["¿y rojas?"]


def test_a_chat_that_was_erased_meanwhile_is_let_go(shop: Shop) -> None:
    shop.model.answers.append(lambda: (Chat.delete().execute(), Answer(("Sí.",), "model:test"))[1])
    assert shop.answer("hola") == []
    shop.worker.answer(999)


# When nothing is answered


def test_a_paused_chat_is_not_answered(shop: Shop) -> None:
    shop.hear(arrival("hola", from_me=True, sender="1@lid"))
    assert shop.answer("hola") == []
    assert states()[1] == ("ignored", "paused: the owner wrote")
    Chat.update(paused_until=utc_now()).execute()
    assert shop.answer("¿sigue ahí?") == ["Claro."]


def test_what_became_too_old_while_it_waited_is_not_answered(shop: Shop) -> None:
    chat_id = shop.hear("hola", "¿hola?")
    Inbound.update(sent_at=utc_now() - timedelta(hours=1)).where(Inbound.text == "hola").execute()
    shop.worker.answer(chat_id)
    assert states() == [("ignored", "too old"), ("answered", "model:test")]
    assert shop.model.heard == ["¿hola?"]


def test_a_message_that_breaks_the_worker_is_given_up(shop: Shop, caplog: pytest.LogCaptureFixture) -> None:
    def fail() -> Answer:
        raise RuntimeError("boom")

    Session.create(user_id="shop", phone="34999888777", updated_at=utc_now())
    chat_id = shop.hear("hola")
    for _ in range(MAX_ATTEMPTS):
        shop.model.answers.append(fail)
        with pytest.raises(RuntimeError):
            shop.worker.answer(chat_id)
    shop.worker.answer(chat_id)
    (told_owner,) = Outbound.select()
    assert (told_owner.chat.phone, text_of(told_owner)) == (
        "34999888777",
        "🤖 Ana: pregunta algo que no sé responder.",
    )
    assert shop.wakes.is_set()
    assert states() == [("failed", f"no answer after {MAX_ATTEMPTS} attempts")]
    (told,) = [record for record in caplog.records if "was given up" in record.message]
    assert told.levelname == "ERROR", "no answer will ever come: the owner finds it among the errors"
    assert f"given up after {MAX_ATTEMPTS} attempts" in told.message


def test_workers_are_known_by_name_and_keep_no_process_alive(shop: Shop) -> None:
    shop.schedule.close()
    threads = start_workers([shop.worker, shop.worker])
    assert [(thread.name, thread.daemon) for thread in threads] == [("reply-1", True), ("reply-2", True)]
    for thread in threads:
        thread.join(10)
        assert not thread.is_alive()


def test_a_loop_of_the_same_message_is_stopped(sqlite_database: Any) -> None:
    shop = Shop(loop_repetitions=3)
    for _ in range(3):
        shop.answer("We are closed. Thank you for your message.")
    shop.answer("We are closed. Thank you for your message.")
    assert Outbound.select().count() == 3
    assert states()[-1] == ("ignored", "paused: it looks like another bot")
    assert Chat.get().paused_until > utc_now() + timedelta(minutes=59)


def test_a_loop_of_different_messages_is_stopped_by_the_ceiling(sqlite_database: Any) -> None:
    shop = Shop(loop_ceiling=4)
    for number in range(9):
        shop.answer(f"message {number}")
    assert Outbound.select().count() == 4
    assert Chat.get().pause_reason == "it looks like another bot"


def test_outside_the_hours_the_customer_is_told_once(sqlite_database: Any) -> None:
    closed = (utc_now() + timedelta(hours=3)).strftime("%a %H:%M-23:59").lower()
    shop = Shop(business_hours=(closed,))
    assert shop.answer("hello, good morning") == [ENGLISH.away]
    assert shop.answer("are you there?") == [ENGLISH.away]
    assert states() == [("answered", "away"), ("ignored", "closed")]
    assert shop.model.asked == []


def test_the_away_text_can_be_the_owners(sqlite_database: Any) -> None:
    closed = (utc_now() + timedelta(hours=3)).strftime("%a %H:%M-23:59").lower()
    assert Shop(business_hours=(closed,), away_text="Cerrado.").answer("hola") == ["Cerrado."]


def test_who_asks_for_a_person_is_left_to_one(sqlite_database: Any, caplog: pytest.LogCaptureFixture) -> None:
    shop = Shop(escalation_words=("una persona",))
    shop.model.answers.append(Answer(("Hola.",), "model:test"))
    told = shop.answer("quiero hablar con una persona")
    assert len(told) == 1
    assert "persona del equipo" in told[0]
    assert Chat.get().pause_reason == "the customer asked for a person"
    assert shop.answer("¿hola?") == told
    assert states() == [
        ("answered", "handed-over"),
        ("ignored", "paused: the customer asked for a person"),
    ]
    row, _ = DEPARTURES.next(utc_now())
    assert row is not None
    assert DEPARTURES.begin(row, utc_now())
    assert "wants a person" in caplog.text


def test_the_model_can_call_a_person_and_the_owner_is_told(sqlite_database: Any) -> None:
    shop = Shop()
    Session.create(user_id="shop", phone="34999888777", updated_at=utc_now())
    shop.model.answers.append(Answer(("Entiendo su enfado.",), "model:test", calls=frozenset({HAND_OVER})))
    told = shop.answer("¡es la tercera vez que llega rota!")
    assert told[0] == "Entiendo su enfado."
    assert told[1].startswith("🤖 Ana: no respondo (quiere hablar con una persona) hasta el ")
    assert [row.chat.jid for row in Outbound.select().order_by(Outbound.id)] == [
        ANA,
        "34999888777@s.whatsapp.net",
    ]
    shop.model.answers.append(Answer((), "model:test", calls=frozenset({HAND_OVER})))
    Chat.update(pause_reason="").execute()
    assert "persona del equipo" in shop.answer("¿hola?")[2]


def test_the_owner_hears_of_what_a_model_does_not_know(sqlite_database: Any) -> None:
    shop = Shop()
    Session.create(user_id="shop", phone="34999888777", updated_at=utc_now())
    called = frozenset({TELL_TEAM})
    shop.model.answers.append(
        Answer(("Eso no lo sé; le contestará una persona.",), "model:test", calls=called)
    )
    assert shop.answer("¿hacen bodas?") == [
        "Eso no lo sé; le contestará una persona.",
        "🤖 Ana: pregunta algo que no sé responder.",
    ]
    assert Chat.get(Chat.jid == ANA).pause_reason == "", "the bot goes on in that chat"
    shop.model.answers.append(Answer((), "model:test", calls=called))
    assert "persona del equipo" in shop.answer("¿y bautizos?")[2]


# What cannot be read


def test_media_gets_one_polite_text_an_hour_in_the_customers_language(
    shop: Shop, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    shop.answer("good morning, are you open today?")
    image = {"kind": MessageKind.IMAGE, "text": ""}
    assert shop.answer(arrival(**image), arrival("", kind=MessageKind.AUDIO))[1:] == [ENGLISH.text_only]
    assert shop.answer(arrival(**image))[1:] == [ENGLISH.text_only]
    assert states()[-1] == ("ignored", "nothing to read, told already")
    assert ", +34…22: not answered: nothing to read, told already" in caplog.text
    Outbound.update(created_at=utc_now() - timedelta(hours=2)).execute()
    assert len(shop.answer(arrival(**image))) == 3


def test_media_with_words_beside_it_is_answered_by_the_words(shop: Shop) -> None:
    assert shop.answer(arrival("", kind=MessageKind.IMAGE), "¿tienen esta?") == ["Claro."]
    assert shop.model.heard == ["¿tienen esta?"]


# When no model answers


def test_no_model_one_apology_an_hour_and_the_question_is_kept(shop: Shop) -> None:
    shop.model.answers += [SORRY] * 6
    assert shop.answer("¿a qué hora abren?") == [SPANISH.cannot_answer]
    for _ in range(4):
        shop.worker.answer(Chat.get().id)
    assert shop.answer("¿y los sábados?") == [SPANISH.cannot_answer]
    assert [state for state, _ in states()] == ["pending", "pending"]
    shop.worker.answer(Chat.get().id)
    assert [text_of(row) for row in Outbound.select().order_by(Outbound.id)][1:] == ["Claro."]
    assert shop.model.heard == ["¿a qué hora abren?", "¿y los sábados?"]
    assert [state for state, _ in states()] == ["answered", "answered"]


def test_what_the_knowledge_base_answers_meanwhile_takes_no_kept_question_along(shop: Shop) -> None:
    shop.model.answers += [SORRY, SORRY, Answer(("Abrimos a las nueve.",), "knowledge")]
    shop.answer("¿hacen bodas?")
    shop.answer("¿y bautizos?")
    assert shop.answer("¿a qué hora abren?")[-1] == "Abrimos a las nueve."
    assert [state for state, _ in states()] == ["pending", "pending", "answered"]
    assert shop.schedule._seconds_to_wait(time.monotonic()), "the kept ones are asked again by themselves"
    shop.model.answers.append(Answer(("Sí, las dos cosas.",), "model:test"))
    shop.worker.answer(Chat.get().id)
    assert [state for state, _ in states()] == ["answered"] * 3


def test_a_message_whose_attempt_broke_off_is_no_kept_question(shop: Shop) -> None:
    """The answer covers it, too: left open, it would be answered once more."""
    shop.hear("¿a qué hora abren?")
    Inbound.update(attempts=1).execute()
    shop.model.answers.append(Answer(("A las nueve; el envío cuesta 5 €.",), "knowledge"))
    shop.answer("¿y el envío?")
    assert [state for state, _ in states()] == ["answered"] * 2


def test_what_the_knowledge_base_knows_by_now_is_answered_though_it_was_kept(shop: Shop) -> None:
    shop.model.answers += [SORRY, Answer(("Sí.",), "knowledge")]
    shop.answer("¿hacen bodas?")
    shop.worker.answer(Chat.get().id)
    assert [state for state, _ in states()] == ["answered"]


def test_the_promise_of_a_person_is_kept_the_owner_is_told_who_waits(shop: Shop) -> None:
    Session.create(user_id="shop", phone="34999888777", updated_at=utc_now())
    shop.model.answers += [SORRY] * 4
    told = shop.answer("¿a qué hora abren?")
    assert told == [SPANISH.cannot_answer, "🤖 Ana: espera respuesta; ahora no contesta ningún modelo."]
    assert shop.wakes.is_set(), "else the sender lies down again"
    assert shop.answer("¿y los sábados?") == told, "once an hour"
    Outbound.update(created_at=utc_now() - timedelta(hours=2)).execute()
    assert len(shop.answer("¿hola?")) == 4


def test_the_customer_is_promised_a_person_only_where_the_owner_learns_of_it(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A crash between the two would leave a promise that nobody keeps."""
    Session.create(user_id="shop", phone="34999888777", updated_at=utc_now())
    shop.model.answers += [SORRY] * 2
    with monkeypatch.context() as broken:
        broken.setattr(owner_chat, "unanswered_text", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            shop.answer("¿a qué hora abren?")
    assert Outbound.select().count() == 0
    assert [state for state, _ in states()] == ["pending"]
    shop.worker.answer(Chat.get().id)
    assert [row.chat.phone for row in Outbound.select().order_by(Outbound.id)] == [
        "34600111222",
        "34999888777",
    ]


def test_a_kept_question_that_is_not_fresh_any_more_is_let_go(
    shop: Shop, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    shop.model.answers.append(SORRY)
    Session.create(user_id="shop", phone="34999888777", updated_at=utc_now())
    shop.answer("¿a qué hora abren?")
    Inbound.update(sent_at=utc_now() - timedelta(hours=1)).execute()
    shop.worker.answer(Chat.get().id)
    assert states() == [("ignored", "too old")]
    assert f"chat {Chat.get(Chat.jid == ANA).id}, +34…22: not answered: too old" in caplog.text
    last = Outbound.select().order_by(Outbound.id.desc()).get()
    assert text_of(last) == "🤖 Ana: escribió hace demasiado para que yo le conteste."


def test_without_any_model_the_apology_is_the_answer(sqlite_database: Any) -> None:
    shop = Shop(models=False)
    shop.model.answers.append(SORRY)
    assert shop.answer("¿capital de Mongolia?") == [SPANISH.cannot_answer]
    assert states() == [("answered", "apology")]


# Manners


def test_typing_then_the_answer_and_seen(sqlite_database: Any) -> None:
    shop = Shop(typing=True)
    seen: list[Any] = []
    shop.model.answers.append(lambda: (seen.extend(shop.show()), Answer(("Sí.",), "model:test"))[1])
    shop.answer("hola", "¿tienen tazas?")
    assert seen == [("typing", ANA)]
    assert shop.show() == []
    shop.leave()
    assert shop.show()[0] == ("read", (ANA, ANA, 2)), "once the answer has left: it might be withdrawn"
    assert Outbound.get().not_before > utc_now()


def test_each_member_of_a_group_gets_their_own_ticks(sqlite_database: Any) -> None:
    shop = Shop(groups="all")
    eva = "34911@s.whatsapp.net"
    shop.answer(
        arrival("a", chat=GROUP, phone="", sender=ANA),
        arrival("b", chat=GROUP, phone="", sender=ANA),
        arrival("c", chat=GROUP, phone="", sender=eva),
    )
    shop.leave()
    assert shop.show() == [("read", (GROUP, ANA, 2)), ("read", (GROUP, eva, 1))]


def test_without_typing_nobody_types_but_messages_are_seen(shop: Shop) -> None:
    shop.answer("hola")
    shop.leave()
    assert shop.show() == [("read", (ANA, ANA, 1))]
    assert Outbound.get().not_before <= utc_now()


@pytest.mark.parametrize("trouble", ["silence", "apology", "overtaken", "failure"])
def test_typing_is_taken_back_when_no_answer_comes(sqlite_database: Any, trouble: str) -> None:
    shop = Shop(typing=True)

    def think() -> Answer:
        assert ("typing", ANA) in shop.show()
        if trouble == "overtaken":
            shop.hear(arrival("yo sigo", from_me=True, sender="1@lid"))
        if trouble == "failure":
            raise RuntimeError("boom")
        return {"silence": Answer((), "silence"), "apology": SORRY}.get(trouble, Answer(("x",), "model:test"))

    shop.model.answers.append(think)
    chat_id = shop.hear("hola")
    if trouble == "failure":
        with pytest.raises(RuntimeError):
            shop.worker.answer(chat_id)
    else:
        shop.worker.answer(chat_id)
    assert shop.show() == [("paused", ANA)]


def test_a_question_that_is_asked_again_for_itself_shows_nothing(sqlite_database: Any) -> None:
    shop = Shop(typing=True)
    shop.model.answers += [SORRY, SORRY]
    chat_id = shop.hear("hola")
    shop.worker.answer(chat_id)
    shop.show()
    shop.worker.answer(chat_id)
    assert shop.show() == []


@pytest.mark.parametrize(
    ("parts", "thought_seconds", "seconds"),
    [
        (("x" * 100,), 0, [4.0]),
        (("x" * 100,), 3, [4.0]),
        (("x" * 100,), 60, [60.0]),
        (("x" * 10_000,), 0, [21.0]),
        (("x" * 100, "y" * 100), 0, [4.0, 8.0]),
        (("x" * 100, "y" * 100), 60, [60.0, 64.0]),
        ((), 0, []),
    ],
)
def test_the_pace_counts_from_the_arrival(
    parts: tuple[str, ...], thought_seconds: float, seconds: list[float]
) -> None:
    arrived_at = datetime(2026, 11, 22, 12)
    now = arrived_at + timedelta(seconds=thought_seconds)
    times = paced(parts, arrived_at, now, ReplySettings())
    assert [(at - arrived_at).total_seconds() for _, at in times] == seconds
    assert [text for text, _ in times] == list(parts)
    assert [at for _, at in paced(parts, arrived_at, now, ReplySettings(typing=False))] == [now] * len(parts)
    set_back = now - timedelta(hours=1)
    at_most = set_back + timedelta(seconds=50)
    assert all(at <= at_most for _, at in paced(parts, now, set_back, ReplySettings()))


def test_a_customer_whose_messages_were_lost_is_asked_once_to_repeat_them(shop: Shop) -> None:
    lost = [arrival("", kind=MessageKind.LOST) for _ in range(3)]
    assert shop.answer(*lost[:2]) == [SPANISH.ask_to_repeat]
    assert states() == [("answered", "ask-to-repeat")] * 2
    assert shop.answer(lost[2]) == [SPANISH.ask_to_repeat]
    assert states()[2] == ("ignored", "lost; asked to repeat already")
    assert shop.model.asked == []


def test_a_customer_who_did_repeat_is_asked_again_when_more_is_lost(shop: Shop) -> None:
    shop.answer(arrival("", kind=MessageKind.LOST))
    shop.answer("¿tienen tazas azules?")
    assert shop.answer(arrival("", kind=MessageKind.LOST))[2:] == [SPANISH.ask_to_repeat]
    shop.answer(arrival("", kind=MessageKind.LOST))
    assert states()[2:] == [("answered", "ask-to-repeat"), ("ignored", "lost; asked to repeat already")]


def test_a_lost_message_beside_one_that_arrived(shop: Shop) -> None:
    assert shop.answer(arrival("", kind=MessageKind.LOST), "do you have blue cups?") == [
        ENGLISH.ask_to_repeat,
        "Claro.",
    ]
    assert shop.model.heard == ["do you have blue cups?"]


def test_a_customer_who_is_not_written_to_is_not_asked_to_repeat(shop: Shop) -> None:
    shop.answer("baja")
    Outbound.delete().execute()
    assert shop.answer(arrival("", kind=MessageKind.LOST)) == []
    assert states()[1] == ("ignored", "opted out")


def age(**ago: float) -> None:
    """All messages came so long ago."""
    Inbound.update(received_at=utc_now() - timedelta(**ago)).execute()


def due_in(shop: Shop) -> list[float]:
    """In how many seconds each chat is looked at again."""
    return [due - time.monotonic() for due in shop.schedule._due.values()]


def test_what_could_not_be_decrypted_is_waited_for_and_then_asked_for_once(shop: Shop) -> None:
    assert shop.answer(arrival("", kind=MessageKind.SPOILT)) == []
    assert states() == [("pending", "")]
    assert due_in(shop) == [pytest.approx(120, abs=5)]
    age(seconds=119)
    shop.worker.answer(1)
    assert states() == [("pending", "")]
    age(seconds=121)
    assert shop.answer(arrival("", kind=MessageKind.SPOILT)) == [SPANISH.ask_to_repeat]
    age(seconds=121)
    assert shop.worker.answer(1) is None
    assert states() == [("answered", "ask-to-repeat"), ("ignored", "lost; asked to repeat already")]
    assert shop.model.asked == []


def test_what_comes_again_in_time_is_answered_and_nobody_is_asked(shop: Shop) -> None:
    shop.answer(arrival("", kind=MessageKind.SPOILT, message_id="M1"))
    assert shop.answer(arrival("do you have blue cups?", message_id="M1")) == ["Claro."]
    age(minutes=5)
    shop.worker.answer(1)
    assert states() == [("answered", "model:test")]
    assert Outbound.select().count() == 1


def test_what_comes_later_still_is_answered_as_well(shop: Shop) -> None:
    shop.hear(arrival("", kind=MessageKind.SPOILT, message_id="M1"))
    age(minutes=3)
    shop.worker.answer(1)
    assert shop.answer(arrival("do you have blue cups?", message_id="M1"))[1:] == ["Claro."]


def test_what_may_come_again_keeps_nothing_else_waiting(shop: Shop) -> None:
    assert shop.answer(arrival("", kind=MessageKind.SPOILT), "do you have blue cups?") == ["Claro."]
    assert states() == [("pending", ""), ("answered", "model:test")]
    assert shop.model.heard == ["do you have blue cups?"]


def test_what_is_not_received_again_changes_nothing_about_what_was(shop: Shop) -> None:
    shop.answer(arrival("do you have blue cups?", message_id="M1"))
    assert shop.answer(arrival("", kind=MessageKind.SPOILT, message_id="M1")) == ["Claro."]
    assert states() == [("answered", "model:test")]


def test_what_is_kept_from_linked_devices_cannot_be_opened(shop: Shop) -> None:
    assert shop.answer(arrival("", kind=MessageKind.WITHHELD)) == [SPANISH.cannot_open]
    assert shop.answer(arrival("", kind=MessageKind.WITHHELD)) == [SPANISH.cannot_open]
    assert states() == [("answered", "cannot-open"), ("ignored", "cannot be opened, told already")]
    assert shop.model.asked == []


@pytest.mark.parametrize("kind", [MessageKind.SPOILT, MessageKind.WITHHELD])
def test_who_is_not_answered_is_not_asked_either(shop: Shop, kind: MessageKind) -> None:
    shop.hear("hello")
    Chat.update(pause_reason="command", paused_until=None).execute()
    Inbound.delete().execute()
    shop.hear(arrival("", kind=kind))
    age(minutes=3)
    shop.worker.answer(1)
    assert Outbound.select().count() == 0
    assert states() == [("ignored", "paused: command")]


@pytest.mark.parametrize("kind", [MessageKind.SPOILT, MessageKind.WITHHELD])
def test_nothing_is_asked_of_a_group_that_is_not_answered(shop: Shop, kind: MessageKind) -> None:
    shop.hear(arrival("", kind=kind, chat=GROUP, phone=""))
    assert states() == [("ignored", "group")]


def test_what_is_no_message_to_its_sender_either_is_not_asked_for(shop: Shop) -> None:
    assert shop.answer(arrival("", kind=MessageKind.HIDDEN)) == []
    assert states() == [("ignored", "nothing to answer (hidden)")]


_FULL = """
CREATE FUNCTION is_full() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = '53100'; END $$;
CREATE TRIGGER full_disk BEFORE INSERT ON wabot_outbox EXECUTE FUNCTION is_full()
"""


@pytest.fixture
def shop_on_full_disk(postgresql_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    """Its database takes what fits into the room it has, as the count of attempts, and no answer."""
    monkeypatch.setattr(answering, "DATABASE_RETRY_SECONDS", 0.05)
    opened = open_database(postgresql_url)
    migrate(opened)
    opened.execute_sql(_FULL)
    yield Shop()
    opened.close()


@pytest.mark.postgresql
def test_an_answer_waits_for_room_and_is_asked_for_once(shop_on_full_disk: Shop, postgresql_url: str) -> None:
    def make_room() -> None:
        with closing(psycopg2.connect(postgresql_url)) as connection:
            connection.cursor().execute("DROP TRIGGER full_disk ON wabot_outbox")
            connection.commit()

    timer = threading.Timer(1, make_room)
    timer.start()
    assert shop_on_full_disk.answer("hola") == ["Claro."]
    timer.join()
    assert len(shop_on_full_disk.model.asked) == 1
    assert [(row.state, row.attempts) for row in Inbound.select()] == [("answered", 1)]


def test_a_question_waits_while_the_days_count_cannot_be_asked(
    sqlite_database: Any, server: ProviderServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is no reason to tell the customer that nobody knows, or to answer without the model."""
    monkeypatch.setattr(answering, "DATABASE_RETRY_SECONDS", 0.05)
    shop = Shop()
    provider = ProviderSettings("test", server.base_url, "model")
    ai = AiSettings(providers=(provider,), calls_per_day=10)
    settings = replace(shop.settings, ai=ai)
    brain = Brain(settings.brain, DailyBudget(settings))

    def bring_back() -> None:
        sqlite_database.execute_sql("ALTER TABLE gone RENAME TO wabot_model_usage")
        sqlite_database.close()

    sqlite_database.execute_sql("ALTER TABLE wabot_model_usage RENAME TO gone")
    timer = threading.Timer(0.5, bring_back)
    timer.start()
    shop.model.answers += [lambda: brain.reply(shop.model.asked[-1], utc_now())] * 100
    assert shop.answer("hola") == ["echo: hola"]
    timer.join()
    assert len(server.requests) == 1
    assert [(row.state, row.attempts) for row in Inbound.select()] == [("answered", 1)]


@pytest.mark.parametrize("error", [BudgetUnknown("not known"), peewee.OperationalError("gone")], ids=repr)
def test_what_waits_for_the_database_at_the_end_is_no_failure(
    sqlite_database: Any, caplog: pytest.LogCaptureFixture, error: Exception
) -> None:
    shop = Shop()

    def fail() -> Answer:
        shop.schedule.close()
        raise error

    shop.model.answers.append(fail)
    shop.schedule.touch(shop.hear("hola"))
    shop.worker.run()
    assert [(row.state, row.attempts) for row in Inbound.select()] == [("pending", 1)], "for the next start"
    assert [record.message for record in caplog.records if record.levelname != "INFO"] == [
        f"database: {error}; the answer to chat 1, +34…22 waits",
        f"database: {error}; chat 1, +34…22 waits",
    ]


@pytest.mark.postgresql
def test_an_answer_that_waits_is_given_up_at_the_end_or_when_it_is_too_late(shop_on_full_disk: Shop) -> None:
    shop = shop_on_full_disk
    chat_id = shop.hear("hola")
    shop.schedule.close()
    with pytest.raises(peewee.OperationalError, match="No space left"):
        shop.worker.answer(chat_id)
    assert [(row.state, row.attempts) for row in Inbound.select()] == [("pending", 1)], "for the next start"

    shop.schedule = shop.worker._schedule = shop.worker._answering._schedule = ChatSchedule(0)
    row = Inbound.get()
    soon = utc_now() - timedelta(seconds=shop.settings.replies.max_age_seconds - 0.5)
    Inbound.update(sent_at=soon).where(Inbound.id == row.id).execute()
    with pytest.raises(peewee.OperationalError, match="No space left"):
        shop.worker.answer(chat_id)
    shop.worker.answer(chat_id)
    assert states() == [("ignored", "too old")]


def test_what_nobody_knows_is_told_to_the_customer_and_to_the_owner_once_an_hour(
    sqlite_database: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    Session.create(user_id="shop", phone="34600000001", updated_at=utc_now())
    shop = Shop(models=False)
    shop.model.answers += [SORRY, SORRY]
    shop.answer("¿capital de Mongolia?")
    assert shop.wakes.is_set(), "else the sender lies down again"
    shop.answer("¿y su bandera?")
    said = [(row.chat.phone, text_of(row)) for row in Outbound.select().order_by(Outbound.id)]
    assert said == [
        ("34600111222", SPANISH.cannot_answer),
        ("34600000001", "🤖 Ana: pregunta algo que no sé responder."),
        ("34600000001", "🤖 Ana: sigue escribiendo; por ahora no le contesto más."),
    ]
    assert states() == [("answered", "apology"), ("ignored", "not known, told already")]
    assert ", +34…22: not answered: not known, told already" in caplog.text


# Who makes models be asked again and again.


@pytest.mark.parametrize("way", ["silence", "delete", "edit", "refused"])
def test_every_call_of_a_model_counts_whatever_it_comes_to(
    sqlite_database: Any, server: ProviderServer, way: str
) -> None:
    """Silence, a message that is gone meanwhile or another one by then, a text that is refused."""
    shop = Shop()
    provider = ProviderSettings("own", server.base_url, "m", timeout_seconds=5)
    shop.settings = replace(shop.settings, ai=AiSettings(providers=(provider,), calls_per_chat_per_hour=5))
    calls = ChatCallCounts()

    def meddle(handler: Handler, body: dict[str, Any]) -> None:
        waiting = Inbound.state == "pending"
        if way == "delete":
            Inbound.update(state="ignored", reason="deleted").where(waiting).execute()
        elif way == "edit":
            Inbound.update(revision=Inbound.revision + 1).where(waiting).execute()
        bound.close()
        say("" if way == "refused" else "NO_REPLY" if way == "silence" else "Sí.")(handler, body)

    server.default = meddle
    (worker,) = make_workers(
        shop.settings,
        shop.inbox,
        shop.outbox,
        shop.schedule,
        Brain(shop.settings.brain, calls=calls),
        shop.presence,
        [Pulse()],
        calls,
    )
    for number in range(12):
        worker.answer(shop.hear(f"¿y el {number}?"))
    assert len(server.requests) == 5
    chat = Chat.get()
    assert chat.pause_reason == PauseReason.LOOP
    assert chat.paused_until - utc_now() > timedelta(minutes=50)
    # Nobody else rests for that.
    worker.answer(shop.hear(arrival("hola", chat="34699000111@s.whatsapp.net", phone="34699000111")))
    assert len(server.requests) == 6


def test_calls_are_forgotten_after_an_hour() -> None:
    clock = [0.0]
    calls = ChatCallCounts(lambda: clock[0])
    calls.add("ana")
    clock[0] = 1800
    calls.add("ana")
    calls.add("luz")
    assert (calls.within_hour("ana"), calls.within_hour("luz"), calls.within_hour("max")) == (2, 1, 0)
    clock[0] = 3601
    assert calls.within_hour("ana") == 1
    clock[0] = 5401
    assert (calls.within_hour("ana"), calls.within_hour("luz")) == (0, 0)


def test_a_text_that_every_model_refuses_is_the_owners_at_once(shop: Shop) -> None:
    shop.model.answers.append(replace(SORRY, refused=True))
    assert shop.answer("veneno")[0] == SPANISH.cannot_answer
    assert states() == [("answered", "apology")]


def test_the_longer_a_question_waits_the_rarer_the_models_are_asked(shop: Shop) -> None:
    pauses = []
    shop.schedule.postpone = lambda _chat, seconds: pauses.append(seconds)  # type: ignore[method-assign]
    chat = shop.hear("¿abren hoy?")
    for waited_seconds in (0, 30, 600):
        Inbound.update(received_at=utc_now() - timedelta(seconds=waited_seconds)).execute()
        shop.model.answers.append(SORRY)
        shop.worker.answer(chat)
    assert [round(seconds) for seconds in pauses] == [5, 15, 60]


def test_the_journal_names_the_customer_each_time(shop: Shop, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    shop.answer(arrival("¿tienen tazas?"))
    lines = [line for record in caplog.records if "answered by" in (line := record.getMessage())]
    assert [line.partition(":")[0] for line in lines] == [f"chat {Chat.get().id}, +34…22"]
    alone = re.compile(r"\bchat %d|\breply %d(?! to %s| waits| sent as)")
    for path in (REPOSITORY / "wabot").rglob("*.py"):
        assert not alone.search(path.read_text()), path
