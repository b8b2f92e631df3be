"""What follows from a message: the owner writes, a customer opts out, a question changes."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.support.arrivals import ANA, NOON, arrival, later
from tests.support.desk import OWNER, OWNER_LID, Desk, owners, replies, rows
from wabot.conversation.owner_chat import text_of
from wabot.conversation.send_queue import SendQueue
from wabot.database.models import Chat, Inbound, Outbound, Session
from wabot.database.states import PauseReason
from wabot.whatsapp.messages import MessageKind

QUEUE = SendQueue("shop")


@pytest.fixture
def desk(database: Any) -> Desk:
    return Desk()


def test_the_owner_is_told_once_of_who_wrote_while_nobody_answered(desk: Desk) -> None:
    Session.create(user_id="shop", phone="34999888777", updated_at=NOON)
    early = NOON - timedelta(hours=8)
    for number in range(3):
        assert desk.take(arrival("hola", name="Ana", sent_at=early, message_id=f"M{number}")) is None
    eva = {"chat": "34600333444@s.whatsapp.net", "phone": "34600333444", "name": ""}
    desk.take(arrival("hola", sent_at=early, **eva))
    assert [(row.chat.phone, text_of(row)) for row in Outbound.select().order_by(Outbound.id)] == [
        ("34999888777", "🤖 Ana: escribió hace demasiado para que yo le conteste."),
        ("34999888777", "🤖 +34600333444: escribió hace demasiado para que yo le conteste."),
    ]
    assert desk.wakes.count > 0
    desk.take(arrival("hola", name="Ana", sent_at=early, message_id="M9"), now=NOON + timedelta(hours=2))
    assert text_of(Outbound.select().order_by(Outbound.id.desc()).get()).startswith("🤖 Ana: escribió hace")


def test_who_wrote_too_long_ago_in_a_paused_chat_is_with_the_owner_already(desk: Desk) -> None:
    Session.create(user_id="shop", phone="34999888777", updated_at=NOON)
    desk.take(arrival("le llamo", from_me=True, sender="34999888777@s.whatsapp.net"))
    desk.take(arrival("hola", sent_at=NOON - timedelta(hours=8)))
    assert Outbound.select().count() == 0


# The owner writes


def test_the_owner_writes_and_the_chat_is_theirs(desk: Desk) -> None:
    desk.take(arrival("¿me oye?"))
    desk.answer("Sí.", "Dígame.")
    desk.take(arrival("hola"))
    desk.take(owners("yo le atiendo", sent_at=later(60)), now=later(61))
    chat = Chat.get()
    assert (chat.pause_reason, chat.paused_until) == ("the owner wrote", later(60 + 43_200))
    assert replies() == [("Sí.", "withdrawn"), ("Dígame.", "withdrawn")]
    assert rows() == [
        ("¿me oye?", "ignored", "paused: the owner wrote"),
        ("hola", "ignored", "paused: the owner wrote"),
        ("yo le atiendo", "owner", "the owner wrote"),
    ]
    assert desk.hushed == [ANA]


def test_what_the_owner_wrote_long_ago_pauses_nothing(desk: Desk) -> None:
    desk.take(arrival("hola", sent_at=later(43_300)), now=later(43_300))
    desk.take(owners("ayer", sent_at=NOON), now=later(43_301))
    assert Chat.get().pause_reason == ""
    assert rows()[0][1] == "pending"


def test_without_a_pause_the_owner_and_the_bot_both_write(database: Any) -> None:
    desk = Desk(handover_pause_seconds=0.0)
    desk.take(arrival("hola"), owners("buenas"))
    assert Chat.get().pause_reason == ""
    assert [state for _, state, _ in rows()] == ["pending", "owner"]


def test_media_of_the_owners_is_a_hand_over_a_reaction_is_not(desk: Desk) -> None:
    desk.take(arrival("hola"), owners("👍", kind=MessageKind.REACTION))
    assert Chat.get().pause_reason == ""
    desk.take(owners("", kind=MessageKind.AUDIO))
    assert Chat.get().pause_reason == "the owner wrote"


def test_an_echo_of_a_reply_is_not_the_owner(desk: Desk) -> None:
    desk.take(arrival("hola"))
    desk.answer("Buenas.")
    row, _ = QUEUE.next(NOON)
    assert row is not None
    QUEUE.begin(row, NOON)
    desk.take(owners("Buenas.", message_id="3EB0A"))
    QUEUE.mark_sent(row, "3EB0B", NOON)
    desk.take(owners("Buenas.", message_id="3EB0B"))
    assert Chat.get().pause_reason == ""
    assert [reason for _, _, reason in rows()[1:]] == ["own echo", "own echo"]
    desk.take(owners("Buenas.", message_id="3EB0C"))
    assert Chat.get().pause_reason == "the owner wrote"


def test_the_owner_writing_first_keeps_the_bot_out(desk: Desk) -> None:
    desk.take(owners("Hola Ana, soy del taller"))
    assert Chat.get().pause_reason == "the owner wrote"


def test_the_owners_commands(desk: Desk) -> None:
    desk.take(arrival("hola"), owners("#bot off"))
    ana, own = Chat.select().order_by(Chat.id)
    assert (ana.pause_reason, ana.paused_until) == ("the owner asked for it", None)
    assert own.jid == OWNER
    desk.take(owners("#bot status"), owners("#bot on"))
    assert Chat.get_by_id(ana.id).pause_reason == ""
    assert replies() == [
        ("🤖 Ana: no respondo (usted lo pidió) hasta nuevo aviso.", "pending"),
        ("🤖 Ana: no respondo (usted lo pidió) hasta nuevo aviso.", "pending"),
        ("🤖 Ana: respondo.", "pending"),
    ]
    assert {row.chat_id for row in Outbound} == {own.id}
    assert desk.wakes.count == 3
    assert [state for _, state, _ in rows()[1:]] == ["ignored", "ignored", "ignored"]


def test_in_their_own_chat_the_owner_is_told_of_every_paused_one(desk: Desk) -> None:
    note = {"chat": OWNER, "phone": "34999888777"}
    desk.take(owners("#bot status", **note))
    desk.take(arrival("hola"), owners("a"))
    desk.take(arrival("hi", chat="34911@s.whatsapp.net", phone="34911", name=""))
    desk.take(owners("b", chat="34911@s.whatsapp.net", phone="34911"))
    desk.take(owners("#bot status", **note))
    nothing, both = (text for text, _ in replies())
    assert nothing == "🤖 Respondo en todos los chats."
    assert both.splitlines() == [
        "🤖 +34911: no respondo (usted escribió) hasta el 23/11 00:00.",
        "🤖 Ana: no respondo (usted escribió) hasta el 23/11 00:00.",
    ]


@pytest.mark.parametrize(
    "note",
    [
        {"chat": OWNER_LID, "phone": "", "lid": "", "sender": OWNER},
        {"chat": OWNER, "phone": "34999888777", "sender": OWNER_LID},
        {"chat": OWNER_LID, "phone": "34999888777", "sender": OWNER_LID},
        {"chat": "34999888777@s.whatsapp.net", "phone": "", "sender": "288888@lid", "sender_alt": OWNER},
    ],
)
def test_the_owners_own_chat_is_that_under_each_address_of_the_account(
    desk: Desk, note: dict[str, str]
) -> None:
    desk.take(arrival("milk, and the code is 1234", from_me=True, **note))
    assert rows() == [("", "ignored", "the owner's own notes")]
    desk.take(arrival("hola"), owners("a"), arrival("#bot status", from_me=True, **note))
    assert [text for text, _ in replies()] == [
        "🤖 Ana: no respondo (usted escribió) hasta el 23/11 00:00.",
    ]
    assert Chat.get(Chat.name == "Ana").pause_reason == "the owner wrote"


# Opting out


def test_opting_out_is_confirmed_once_and_takes_back_what_was_on_its_way(desk: Desk) -> None:
    desk.take(arrival("hola"))
    desk.answer("Buenas.")
    desk.take(arrival("BAJA"), arrival("baja"), arrival("¿hola?"))
    assert replies() == [
        ("Buenas.", "withdrawn"),
        ("De acuerdo, no le enviaremos más mensajes. Si cambia de idea, escriba ALTA.", "pending"),
    ]
    assert [row[1:] for row in rows()] == [
        ("ignored", "opted out"),
        ("ignored", "opted out"),
        ("ignored", "opted out"),
        ("pending", ""),
    ]
    assert desk.wakes.count == 2, "once for the answer to the first"


def test_opting_in_again_is_confirmed_and_undoes_it(desk: Desk) -> None:
    desk.take(arrival("stop"), arrival("Start!"), arrival("start"))
    assert Chat.get().opted_out_at is None
    assert [text for text, _ in replies()][1:] == [
        "¡Bienvenido de nuevo! Volveremos a responder a sus mensajes."
    ]
    assert rows()[2] == ("start", "pending", "")


def test_the_word_that_undoes_it_is_the_one_of_the_same_place(desk: Desk) -> None:
    desk.take(arrival("stop"))
    assert replies()[0][0].endswith("escriba START.")


def test_without_a_word_that_undoes_it_none_is_named(database: Any) -> None:
    desk = Desk(opt_in_words=())
    desk.take(arrival("stop"))
    assert replies()[0][0] == "De acuerdo, no le enviaremos más mensajes."


def test_the_confirmation_is_in_the_customers_language(desk: Desk) -> None:
    desk.take(arrival("hello"))
    Chat.update(language="pt").execute()
    desk.take(arrival("stop"))
    assert "START" in replies()[0][0]
    assert replies()[0][0].startswith("Está bem")


# The question changes


def test_an_edit_before_the_answer_left_brings_another_answer(desk: Desk) -> None:
    message = arrival("size 38?")
    desk.take(message)
    desk.answer("Yes, 38.", "In blue.")
    chat_id = desk.take(arrival("size 39?", kind=MessageKind.EDIT, target_id=message.message_id))
    assert chat_id == Chat.get().id
    assert rows()[0] == ("size 39?", "pending", "")
    assert [state for _, state in replies()] == ["withdrawn", "withdrawn"]


def test_a_deletion_before_the_answer_left_withdraws_it(desk: Desk) -> None:
    message = arrival("oops")
    desk.take(message)
    desk.answer("What do you mean?")
    assert desk.take(arrival("", kind=MessageKind.REVOKE, target_id=message.message_id)) is None
    assert rows()[0] == ("", "ignored", "taken back")
    assert replies() == [("What do you mean?", "withdrawn")]


def test_a_deletion_leaves_the_rest_of_the_question_to_be_answered_anew(desk: Desk) -> None:
    gone, kept = arrival("oops"), arrival("size?")
    desk.take(gone, kept)
    desk.answer("oops what? And 38.")
    assert desk.take(arrival("", kind=MessageKind.REVOKE, target_id=gone.message_id)) == Chat.get().id
    assert [row[:2] for row in rows()[:2]] == [("", "ignored"), ("size?", "pending")]


def test_an_edit_after_the_answer_left_is_only_noted(desk: Desk) -> None:
    message = arrival("size 38?")
    desk.take(message)
    desk.answer("Yes.", "Really.")
    row, _ = QUEUE.next(NOON)
    assert row is not None
    QUEUE.begin(row, NOON)
    assert desk.take(arrival("size 39?", kind=MessageKind.EDIT, target_id=message.message_id)) is None
    assert rows()[0] == ("size 39?", "answered", "model:x")
    assert [state for _, state in replies()] == ["sending", "pending"]


@pytest.mark.parametrize("is_answered", [False, True])
def test_an_edit_to_the_word_that_opts_out_does(desk: Desk, is_answered: bool) -> None:
    message = arrival("hola")
    desk.take(message)
    if is_answered:
        desk.answer("Hola.")
        row, _ = QUEUE.next(NOON)
        assert row is not None
        QUEUE.begin(row, NOON)
        QUEUE.mark_sent(row, "3EB0A", NOON)
    desk.take(arrival("BAJA", kind=MessageKind.EDIT, target_id=message.message_id))
    assert Chat.get().opted_out_at == NOON
    assert rows()[0][1:] == (("answered", "model:x") if is_answered else ("ignored", "opted out"))
    assert "no le enviaremos más mensajes" in replies()[-1][0]
    assert desk.inbox.waiting() == []


def test_an_edit_to_the_word_that_opts_in_does(desk: Desk) -> None:
    message = arrival("hola")
    desk.take(arrival("BAJA"), message, arrival("ALTA", kind=MessageKind.EDIT, target_id=message.message_id))
    assert Chat.get().opted_out_at is None


def test_an_edit_after_the_answer_that_asks_for_a_person_is_decided_anew(desk: Desk) -> None:
    message = arrival("¿abren hoy?", sent_at=NOON - timedelta(minutes=14))
    desk.take(message)
    desk.answer("Sí.")
    row, _ = QUEUE.next(NOON)
    assert row is not None
    QUEUE.begin(row, NOON)
    QUEUE.mark_sent(row, "3EB0A", NOON)
    wanted = arrival("quiero hablar con una persona", kind=MessageKind.EDIT, target_id=message.message_id)
    assert desk.take(wanted) == Chat.get().id
    assert rows()[0] == ("quiero hablar con una persona", "pending", "")
    assert Inbound.get(Inbound.message_id == message.message_id).sent_at == NOON, "it was said now"


def test_an_edit_to_what_begins_a_chat_begins_it(desk: Desk) -> None:
    message = arrival("hola")
    desk.take(message)
    Inbound.update(state="ignored", reason="nothing began the chat").execute()
    assert desk.take(arrival("pedido", kind=MessageKind.EDIT, target_id=message.message_id)) == Chat.get().id
    assert rows()[0] == ("pedido", "pending", "")


def test_an_edit_to_the_owners_command_is_one(desk: Desk) -> None:
    desk.take(arrival("hola"))
    slip = arrival("#bot of", from_me=True, sender=OWNER)
    desk.take(slip)
    edit = arrival("#bot off", from_me=True, sender=OWNER, kind=MessageKind.EDIT, target_id=slip.message_id)
    desk.take(edit)
    assert Chat.get().pause_reason == PauseReason.COMMAND


def test_an_edit_that_takes_the_words_away_leaves_none(desk: Desk) -> None:
    message = arrival("this one?", kind=MessageKind.IMAGE)
    desk.take(message, arrival("", kind=MessageKind.EDIT, target_id=message.message_id))
    assert rows()[0] == ("", "pending", "")
