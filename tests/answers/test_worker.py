"""The reply workers: what the gate says of a chat, and what becomes of its messages."""

from __future__ import annotations

import re
import time
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tests.support import REPOSITORY
from tests.support.arrivals import arrival
from tests.support.provider_server import ProviderServer
from tests.support.shop import ENGLISH, SORRY, Shop, states
from wabot.answers.worker import MAX_ATTEMPTS, make_workers, start_workers
from wabot.brain.brain import Answer, Brain
from wabot.brain.providers.counts import ChatCallCounts
from wabot.brain.settings import ProviderSettings
from wabot.clock import utc_now
from wabot.config.settings import AiSettings
from wabot.conversation.files import received_files
from wabot.conversation.files.received_files import PATIENCE_SECONDS, ReceivedFiles
from wabot.conversation.owner_chat import text_of
from wabot.conversation.send_queue import SendQueue
from wabot.database.models import Chat, Inbound, Outbound, ReceivedFile, Session
from wabot.database.models import database as bound
from wabot.database.states import PauseReason
from wabot.system.threads import Pulse
from wabot.trials.peers.model_behaviours import say
from wabot.trials.peers.model_server import Handler
from wabot.whatsapp.messages import MessageKind

QUEUE = SendQueue("shop")


@pytest.fixture
def shop(sqlite_database: Any) -> Shop:
    return Shop()


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
    row, _ = QUEUE.next(utc_now())
    assert row is not None
    assert QUEUE.begin(row, utc_now())
    assert "wants a person" in caplog.text


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


def test_the_journal_names_the_customer_each_time(shop: Shop, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    shop.answer(arrival("¿tienen tazas?"))
    lines = [line for record in caplog.records if "answered by" in (line := record.getMessage())]
    assert [line.partition(":")[0] for line in lines] == [f"chat {Chat.get().id}, +34…22"]
    alone = re.compile(r"\bchat %d|\breply %d(?! to %s| waits| sent as)")
    for path in (REPOSITORY / "wabot").rglob("*.py"):
        assert not alone.search(path.read_text()), path


def test_what_came_with_a_voice_note_waits_until_it_is_heard_or_given_up(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = ReceivedFiles("shop")
    for number, settle in enumerate((files.understood, files.failed)):
        before = len(states())
        chat_id = shop.hear(arrival("", kind=MessageKind.AUDIO), f"y platos {number}")
        note = Inbound.get(Inbound.kind == MessageKind.AUDIO, Inbound.state == "pending")
        file = ReceivedFile.create(user_id="shop", message=note, kind=note.kind, not_before=utc_now())
        shop.worker.answer(chat_id)
        assert [state for state, _ in states()[before:]] == ["pending"] * 2
        assert 200 < shop.schedule._due[chat_id] - time.monotonic() <= PATIENCE_SECONDS
        if settle == files.understood:
            files.understood(file, "dos macetas", "ears", utc_now())
            Inbound.update(text="dos macetas").where(Inbound.id == note.id).execute()
        else:
            files.failed(file, "gone", utc_now())
        shop.worker.answer(chat_id)
        assert "pending" not in [state for state, _ in states()]
        assert shop.model.heard[-1] == f"y platos {number}"
    # Not for ever: what reads it may be gone.
    chat_id = shop.hear(arrival("", kind=MessageKind.AUDIO), "¿hola?")
    note = Inbound.get(Inbound.kind == MessageKind.AUDIO, Inbound.state == "pending")
    ReceivedFile.create(user_id="shop", message=note, kind=note.kind, not_before=utc_now())
    monkeypatch.setattr(received_files, "PATIENCE_SECONDS", -1)
    shop.worker.answer(chat_id)
    assert shop.model.heard[-1] == "¿hola?"
