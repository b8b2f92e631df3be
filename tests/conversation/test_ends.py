"""Every message has an end, and the table of ends is what really happens."""

from __future__ import annotations

import itertools
from datetime import timedelta
from typing import Any

import pytest

from tests.answers.test_worker import Shop
from tests.support.arrivals import GROUP, NOON, arrival
from tests.support.neonize_events import e2e, events, jid
from wabot.brain.texts import texts_for
from wabot.clock import utc_now
from wabot.conversation.ends import ENDS, Arrival, End, Writer, what_is
from wabot.conversation.notices import TO_OWNER
from wabot.conversation.owner_chat import text_of
from wabot.database.models import Chat, Inbound, Outbound, ReceivedFile, Session
from wabot.database.states import FileFailure
from wabot.whatsapp.messages import NOT_RECEIVED_KINDS, IncomingMessage, MessageKind
from wabot.whatsapp.reading.translation import incoming_message

OWNER = "34999888777"
ONLY_A_PERSON = "envió algo que solo puede leer una persona."
KINDS = [
    (kind, text)
    for kind, text in itertools.product(MessageKind, ("hola", ""))
    if not (text and (kind in NOT_RECEIVED_KINDS or kind is MessageKind.PROTOCOL))
]


def message(kind: MessageKind, text: str, sender: Writer, late: bool, group: bool) -> IncomingMessage:
    where: dict[str, Any] = {"chat": GROUP, "phone": ""} if group else {}
    from_me = sender is Writer.OWNER
    who = f"{OWNER}@s.whatsapp.net" if from_me else arrival().sender
    sent_at = NOON - timedelta(hours=8 if late else 0)
    return arrival(text, **where, sender=who, kind=kind, from_me=from_me, sent_at=sent_at)


class Ending:
    """What became of one message: its end, and whether it got blue ticks."""

    def __init__(self, shop: Shop, message: IncomingMessage) -> None:
        told_before = len(said_to_owner())
        before = Inbound.select().count()
        shop.reception.receive(
            arrival(**{**fields(message), "sent_at": message.sent_at + (utc_now() - NOON)}), utc_now()
        )
        row = Inbound.select().order_by(Inbound.id.desc()).first()
        self.ticks = 0
        if row is None or Inbound.select().count() == before:
            self.end = End.NO_MESSAGE
            return
        shop.worker.answer(row.chat_id)
        shop.leave()
        row = Inbound.get_by_id(row.id)
        self.reason = row.reason
        self.ticks = sum(shown[1][2] for shown in shop.show() if shown[0] == "read")
        is_told = len(said_to_owner()) > told_before
        is_answered = row.state == "answered" and Outbound.get_by_id(row.reply).text != ""
        assert row.state in ("answered", "ignored", "owner") and row.reason
        self.end = (
            (End.ANSWERED_AND_TOLD if is_told else End.ANSWERED)
            if is_answered
            else (End.TOLD if is_told else End.REFUSED)
        )


def fields(message: IncomingMessage) -> dict[str, Any]:
    return {name: getattr(message, name) for name in type(message).__dataclass_fields__}


def said_to_owner() -> list[str]:
    rows = Outbound.select().where(Outbound.source.in_(TO_OWNER)).order_by(Outbound.id)
    return [line for row in rows for line in text_of(row).split("\n")]


@pytest.fixture
def shop(sqlite_database: Any, monkeypatch: pytest.MonkeyPatch) -> Shop:
    """Where nobody waits for what may come again."""
    monkeypatch.setattr("wabot.answers.worker.SPOILT_SECONDS", 0.0)
    Session.create(user_id="shop", phone=OWNER, updated_at=utc_now())
    return Shop(groups="all")


@pytest.mark.parametrize("late", [False, True], ids=["live", "late"])
@pytest.mark.parametrize("group", [False, True], ids=["person", "group"])
@pytest.mark.parametrize("sender", Writer)
@pytest.mark.parametrize(("kind", "text"), KINDS)
def test_the_end_of_every_message_is_that_of_the_table(
    shop: Shop, kind: MessageKind, text: str, sender: Writer, group: bool, late: bool
) -> None:
    what = what_is(kind, text)
    found = Ending(shop, message(kind, text, sender, late, group))
    assert found.end is ENDS[what, sender][late].end
    is_answered = found.end in (End.ANSWERED, End.ANSWERED_AND_TOLD)
    has_ticks = is_answered and what not in (Arrival.LOST, Arrival.MEDIA)
    assert found.ticks == has_ticks, "blue ticks are for what got an answer"


def test_the_table_has_an_end_for_everything() -> None:
    assert {what for what, _sender in ENDS} == set(Arrival)
    assert {what_is(kind, text) for kind, text in KINDS} == set(Arrival)


@pytest.mark.parametrize("field", list(e2e.Message.DESCRIPTOR.fields), ids=lambda field: field.name)
@pytest.mark.parametrize("sender", Writer)
def test_every_field_of_the_protocol_has_an_end(shop: Shop, field: Any, sender: Writer) -> None:
    event = events.Message()
    event.Info.ID = "3EB0"
    event.Info.Timestamp = int(NOON.timestamp() * 1000)
    source = event.Info.MessageSource
    source.Chat.CopyFrom(jid(arrival().chat))
    source.Sender.CopyFrom(jid(f"{OWNER}@s.whatsapp.net" if sender is Writer.OWNER else arrival().chat))
    source.IsFromMe = sender is Writer.OWNER
    if field.message_type is not None:
        getattr(event.Message, field.name).SetInParent()
    found = incoming_message(event)
    what = what_is(found.kind, found.text)
    assert Ending(shop, arrival(**{**fields(found), "sent_at": NOON})).end is ENDS[what, sender][0].end


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        (MessageKind.AUDIO, "envió un audio que no he podido escuchar."),
        (MessageKind.IMAGE, "envió una foto que no he podido ver."),
        (MessageKind.VIDEO, "envió un video que no puedo ver."),
        (MessageKind.DOCUMENT, "envió un documento que no he podido leer."),
        (MessageKind.STICKER, ONLY_A_PERSON),
        (MessageKind.OTHER, ONLY_A_PERSON),
        (MessageKind.POLL, ONLY_A_PERSON),
    ],
)
def test_the_second_within_the_hour_is_told_to_the_owner_once_and_gets_no_ticks(
    shop: Shop, kind: MessageKind, told: str
) -> None:
    ends = [Ending(shop, arrival("", kind=kind)) for _ in range(4)]
    what = what_is(kind, "")
    first = End.ANSWERED if what is Arrival.STICKER else End.ANSWERED_AND_TOLD
    second = End.TOLD if what is Arrival.STICKER else End.REFUSED
    assert [found.end for found in ends] == [first, second, End.REFUSED, End.REFUSED]
    assert [found.ticks for found in ends] == [int(what is not Arrival.MEDIA), 0, 0, 0]
    assert said_to_owner() == [f"🤖 Ana: {told}"]
    assert {found.reason for found in ends[1:]} == {"nothing to read, told already"}


def test_what_only_a_person_can_read_is_said_to_be_so_in_the_customers_language(shop: Shop) -> None:
    shop.answer("good morning, are you open today?")
    shop.answer(arrival("", kind=MessageKind.OTHER))
    said = [row.text for row in Outbound.select().where(Outbound.source == "for-person")]
    assert said == [texts_for("en").for_person]
    assert Chat.get(Chat.jid == arrival().chat).pause_reason == "", "the bot goes on answering"


def test_beside_words_it_is_left_to_the_owner(shop: Shop) -> None:
    shop.answer(
        "¿tienen tazas?",
        *(arrival("", kind=kind) for kind in (MessageKind.OTHER, MessageKind.IMAGE, MessageKind.STICKER)),
    )
    rows = [(row.state, row.reason) for row in Inbound.select().order_by(Inbound.id)]
    assert rows == [
        ("answered", "model:test"),
        ("ignored", "only a person can read it"),
        ("ignored", "only a person can read it"),
        ("answered", "model:test"),
    ]
    assert said_to_owner() == [f"🤖 Ana: {ONLY_A_PERSON}", "🤖 Ana: envió una foto que no he podido ver."]
    shop.leave()
    assert shop.show() == [("read", (arrival().chat, arrival().chat, 2))]


def test_what_could_not_be_fetched_is_asked_for_again(shop: Shop) -> None:
    shop.hear(arrival("", kind=MessageKind.AUDIO))
    row = Inbound.get()
    ReceivedFile.create(
        user_id="shop", message=row, kind="audio", state="failed", reason=FileFailure.GONE, not_before=NOON
    )
    shop.worker.answer(row.chat_id)
    assert [reply.text for reply in Outbound.select().where(Outbound.source == "text-only")] == [
        texts_for("es").ask_to_repeat
    ]
    shop.leave()
    assert shop.show() == []


@pytest.mark.parametrize(("state", "text"), [("understood", "tazas"), ("fetched", "")])
def test_a_file_that_is_understood_is_answered_as_words_are(shop: Shop, state: str, text: str) -> None:
    shop.hear(arrival("", kind=MessageKind.IMAGE))
    row = Inbound.get()
    ReceivedFile.create(user_id="shop", message=row, kind="image", state=state, text=text, not_before=NOON)
    shop.worker.answer(row.chat_id)
    assert [row.reason for row in Inbound.select()] == ["model:test"] and said_to_owner() == []


def test_outside_business_hours_the_owner_is_told_once(sqlite_database: Any) -> None:
    Session.create(user_id="shop", phone=OWNER, updated_at=utc_now())
    closed = (utc_now() + timedelta(hours=3)).strftime("%a %H:%M-23:59").lower()
    shop = Shop(business_hours=(closed,))
    ends = [Ending(shop, arrival(text)) for text in ("hola", "¿hay alguien?", "¿hola?")]
    assert [found.end for found in ends] == [End.ANSWERED_AND_TOLD, End.REFUSED, End.REFUSED]
    assert [found.ticks for found in ends] == [1, 0, 0]
    assert said_to_owner() == ["🤖 Ana: escribió fuera de horario."]


def test_a_second_question_that_nobody_knows_gets_no_ticks(sqlite_database: Any) -> None:
    Session.create(user_id="shop", phone=OWNER, updated_at=utc_now())
    shop = Shop(models=False)
    from tests.answers.test_worker import SORRY

    shop.model.answers += [SORRY] * 3
    ends = [Ending(shop, arrival(text)) for text in ("¿capital de Mongolia?", "¿su bandera?", "¿y?")]
    assert [found.end for found in ends] == [End.ANSWERED_AND_TOLD, End.TOLD, End.REFUSED]
    assert [found.ticks for found in ends] == [1, 0, 0]


def test_the_models_silence_gets_no_ticks(shop: Shop) -> None:
    from wabot.brain.brain import Answer

    shop.model.answers.append(Answer((), "silence"))
    shop.answer("ok gracias")
    shop.presence.message_sent(arrival().chat, 0)
    assert shop.show() == []


def test_what_is_withdrawn_before_it_leaves_gets_no_ticks(shop: Shop) -> None:
    shop.answer("hola")
    shop.hear(arrival("yo sigo", from_me=True, sender=f"{OWNER}@s.whatsapp.net"))
    shop.leave()
    shop.presence.message_sent(arrival().chat, 0)
    assert shop.show() == []
