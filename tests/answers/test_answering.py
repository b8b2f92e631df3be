"""An answer: what the brain said is stored, a person is told, or it waits."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.support.arrivals import ANA, GROUP, arrival
from tests.support.shop import ENGLISH, SORRY, SPANISH, Shop, states
from wabot.brain.brain import Answer
from wabot.brain.output.control_words import HAND_OVER, TELL_TEAM
from wabot.clock import utc_now
from wabot.config.settings import ReplySettings
from wabot.conversation import owner_chat
from wabot.conversation.owner_chat import text_of
from wabot.database.models import Chat, Inbound, Outbound, Session
from wabot.outbound.pacing import paced
from wabot.whatsapp.messages import IncomingMessage, MessageKind


@pytest.fixture
def shop(sqlite_database: Any) -> Shop:
    return Shop()


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
    assert [(at - arrived_at).total_seconds() for at in times] == seconds
    assert paced(parts, arrived_at, now, ReplySettings(typing=False)) == [now] * len(parts)
    set_back = now - timedelta(hours=1)
    at_most = set_back + timedelta(seconds=50)
    assert all(at <= at_most for at in paced(parts, now, set_back, ReplySettings()))


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
