from __future__ import annotations

import dataclasses
import threading
from contextlib import closing
from datetime import timedelta
from typing import Any

import psycopg2
import pytest
from peewee import IntegrityError

from tests.support.arrivals import ANA, ANA_LID, GROUP, NOON, arrival, later
from tests.support.neonize_events import e2e
from tests.support.threads import Wakes
from wabot.config.settings import AccountSettings, ChatSettings, Settings
from wabot.conversation.inbox import Inbox
from wabot.conversation.notices import Notice
from wabot.conversation.outbox import Outbox
from wabot.conversation.owner_chat import text_of
from wabot.conversation.send_queue import SendQueue
from wabot.database.models import Chat, Inbound, Outbound, PauseReason, Session
from wabot.emulator.signal import plaintexts
from wabot.inbound.reception import reception_of
from wabot.whatsapp.messages import IncomingMessage, MessageKind
from wabot.whatsapp.store import Account, Device
from wabot.whatsapp.translation import edited_text

DEPARTURES = SendQueue("shop")

OWNER_LID = "299999888777@lid"
OWNER = "34999888777@s.whatsapp.net"


class Desk:
    """A reception with what it told others."""

    def __init__(self, **chats: Any) -> None:
        self.wakes = Wakes()
        self.inbox, self.outbox = Inbox("shop"), Outbox("shop", self.wakes)
        self.hushed: list[str] = []
        settings = Settings(
            account=AccountSettings(user_id="shop", timezone="UTC"), chats=ChatSettings(**chats)
        )
        self.reception = reception_of(
            settings,
            self.inbox,
            self.outbox,
            Account(Device(OWNER, OWNER_LID)),
            self,
            self,
        )

    def answer_withdrawn(self, jid: str) -> None:
        self.hushed.append(jid)

    def read_edit(self, plaintext: bytes) -> str:
        return edited_text(e2e.Message.FromString(plaintext))

    def take(self, *messages: IncomingMessage, now: Any = NOON) -> int | None:
        """Take messages in; what came of the last one."""
        chat_id = None
        for message in messages:
            chat_id = self.reception.receive(message, now)
        return chat_id

    def answer(self, *parts: str, at: Any = NOON) -> None:
        """Compose an answer to everything that is open."""
        for waiting in self.inbox.waiting():
            rows = self.inbox.pending(waiting.chat_id)
            assert self.outbox.put(waiting.chat_id, [(part, at) for part in parts], "model:x", rows, NOON)


@pytest.fixture
def desk(database: Any) -> Desk:
    return Desk()


def owners(text: str, **changes: Any) -> IncomingMessage:
    return arrival(text, from_me=True, sender=OWNER, name="The shop", **changes)


def rows() -> list[tuple[str, str, str]]:
    return [(row.text, row.state, row.reason) for row in Inbound.select().order_by(Inbound.id)]


def replies() -> list[tuple[str, str]]:
    return [(text_of(row), row.state) for row in Outbound.select().order_by(Outbound.id)]


def test_a_message_is_kept_and_its_chat_is_to_be_answered(desk: Desk) -> None:
    message = arrival("hola")
    chat_id = desk.take(message)
    assert chat_id == Chat.get().id
    assert desk.take(message) is None
    assert rows() == [("hola", "pending", "")]


def test_what_devices_tell_each_other_is_not_kept(desk: Desk) -> None:
    assert desk.take(arrival("", kind=MessageKind.PROTOCOL)) is None
    assert (Inbound.select().count(), Chat.select().count()) == (0, 0)


@pytest.mark.parametrize(
    ("message", "row"),
    [
        (arrival("hi all", chat=GROUP, phone=""), ("", "ignored", "group")),
        (arrival("look", chat="status@broadcast", phone=""), ("", "ignored", "not a conversation")),
        (
            arrival("milk", chat=OWNER, sender=OWNER, phone="", from_me=True),
            ("", "ignored", "the owner's own notes"),
        ),
        (arrival("hola", sent_at=NOON - timedelta(hours=8)), ("hola", "ignored", "too old")),
        (arrival("", kind=MessageKind.MARK), ("", "ignored", "nothing to answer (mark)")),
    ],
)
def test_what_is_not_answered_has_its_reason_in_the_row_and_in_the_log(
    desk: Desk, message: IncomingMessage, row: tuple[str, str, str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    assert desk.take(message) is None
    assert rows() == [row]
    assert row[2] in caplog.text
    assert "34600111222" not in caplog.text
    assert Chat.get().pause_reason == ""


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


def test_a_mention_of_the_account_is_found(database: Any) -> None:
    desk = Desk(groups="mention")
    mention = arrival("@34999888777 hola", chat=GROUP, phone="", mentions=("34999888777",))
    other = arrival("@34911 hola", chat=GROUP, phone="", mentions=("34911",))
    swipe = arrival("¿y mañana?", chat=GROUP, phone="", quoted_sender="34999888777")
    aside = arrival("¿y mañana?", chat=GROUP, phone="", quoted_sender="34911")
    assert desk.take(swipe) is not None, "a reply by swipe speaks to who is quoted"
    assert desk.take(aside) is None
    assert desk.take(mention) is not None
    assert desk.take(other) is None


# A phone number in a rule, a hidden id on the wire


def test_a_rule_finds_a_hidden_customer_by_the_number_in_the_message(database: Any) -> None:
    desk = Desk(allow=("+34 600 111 222",))
    assert desk.take(arrival(chat=ANA_LID, phone="34600111222", lid="299000111222")) is not None
    assert desk.take(arrival(chat="301@lid", phone="34911", lid="301")) is None


def test_a_rule_finds_a_hidden_customer_by_the_number_known_from_before(database: Any) -> None:
    desk = Desk(allow=("34600111222",))
    desk.take(arrival(chat=ANA_LID, phone="34600111222", lid="299000111222"))
    assert desk.take(arrival(chat=ANA_LID, phone="", lid="299000111222")) is not None


@pytest.mark.parametrize(
    "rule", ["5531996883193", "553196883193", "55319968*", "5531996883193@s.whatsapp.net"]
)
@pytest.mark.parametrize("jid", ["553196883193", "5531996883193"])
def test_a_rule_means_each_spelling_of_a_number(sqlite_database: Any, rule: str, jid: str) -> None:
    desk = Desk(groups="all", deny=(rule,))
    assert desk.take(arrival(chat=f"{jid}@s.whatsapp.net", phone=jid)) is None
    assert desk.take(arrival(chat=GROUP, phone="", sender=f"{jid}@s.whatsapp.net")) is None
    assert desk.take(arrival(chat="55@lid", phone=jid, lid="55")) is None
    assert desk.take(arrival(chat="55@lid", phone="", lid="55")) is None
    assert desk.take(arrival()) is not None


def test_a_rule_finds_a_groups_member_by_the_other_address(database: Any) -> None:
    desk = Desk(groups="all", deny=("34600111222",))
    hidden = arrival(chat=GROUP, phone="", sender=ANA_LID, sender_alt=ANA)
    assert desk.take(hidden) is None
    assert rows()[0][2] == "denied"


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
    row, _ = DEPARTURES.next(NOON)
    assert row is not None
    DEPARTURES.begin(row, NOON)
    desk.take(owners("Buenas.", message_id="3EB0A"))
    DEPARTURES.mark_sent(row, "3EB0B", NOON)
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
    row, _ = DEPARTURES.next(NOON)
    assert row is not None
    DEPARTURES.begin(row, NOON)
    assert desk.take(arrival("size 39?", kind=MessageKind.EDIT, target_id=message.message_id)) is None
    assert rows()[0] == ("size 39?", "answered", "model:x")
    assert [state for _, state in replies()] == ["sending", "pending"]


@pytest.mark.parametrize("is_answered", [False, True])
def test_an_edit_to_the_word_that_opts_out_does(desk: Desk, is_answered: bool) -> None:
    message = arrival("hola")
    desk.take(message)
    if is_answered:
        desk.answer("Hola.")
        row, _ = DEPARTURES.next(NOON)
        assert row is not None
        DEPARTURES.begin(row, NOON)
        DEPARTURES.mark_sent(row, "3EB0A", NOON)
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
    row, _ = DEPARTURES.next(NOON)
    assert row is not None
    DEPARTURES.begin(row, NOON)
    DEPARTURES.mark_sent(row, "3EB0A", NOON)
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


# Edits that are sealed with the secret of the message they change

SECRET = bytes(range(32))


def sealed(
    message: IncomingMessage, text: str, *, secret: bytes = SECRET, writer: str = ANA
) -> IncomingMessage:
    body = plaintexts.sealed_edit(ANA, message.message_id, text, secret=secret, sender=writer, at=0)
    found = e2e.Message.FromString(body).secretEncryptedMessage
    content = f"{found.encIV.hex()} {found.encPayload.hex()}"
    return arrival("", kind=MessageKind.EDIT, target_id=message.message_id, sealed=content)


def with_secret(text: str) -> IncomingMessage:
    return arrival(text, lid="299000111222", secret=SECRET.hex())


@pytest.mark.parametrize("writer", [ANA, ANA_LID])
def test_a_sealed_edit_is_opened(desk: Desk, writer: str) -> None:
    message = with_secret("size 38?")
    desk.take(message)
    desk.answer("Yes, 38.")
    assert desk.take(sealed(message, "size 39?", writer=writer)) == Chat.get().id
    assert rows() == [("size 39?", "pending", ""), ("size 39?", "ignored", "nothing to answer (edit)")]
    assert [state for _, state in replies()] == ["withdrawn"]


def test_a_sealed_edit_to_the_word_that_opts_out_does(desk: Desk) -> None:
    message = with_secret("hola")
    desk.take(message, sealed(message, "BAJA"))
    assert Chat.get().opted_out_at == NOON


@pytest.mark.parametrize("writer", [OWNER, OWNER_LID])
def test_the_owners_sealed_edit_to_a_command_is_one(desk: Desk, writer: str) -> None:
    slip = owners("#bot of", secret=SECRET.hex())
    edit = sealed(slip, "#bot off", writer=writer)
    desk.take(arrival("hola"), slip, dataclasses.replace(edit, from_me=True, sender=OWNER))
    assert Chat.get().pause_reason == PauseReason.COMMAND


@pytest.mark.parametrize("changes", [{"secret": b"x" * 32}, {"writer": "34911@s.whatsapp.net"}])
def test_the_old_text_is_not_answered_when_an_edit_cannot_be_opened(
    desk: Desk, changes: dict[str, Any]
) -> None:
    message = with_secret("size 38?")
    desk.take(message)
    desk.answer("Yes, 38.")
    assert desk.take(sealed(message, "size 39?", **changes)) == Chat.get().id
    assert rows()[0] == ("", "pending", "")
    changed = Inbound.get(Inbound.message_id == message.message_id)
    assert changed.kind == MessageKind.OTHER, "something that only a person can read"
    assert [state for _, state in replies()] == ["withdrawn"]


def test_an_edit_that_cannot_be_opened_after_the_answer_is_told_to_the_owner(desk: Desk) -> None:
    Session.create(user_id="shop", phone="34999888777", updated_at=NOON)
    message = arrival("size 38?")
    desk.take(message)
    desk.answer("Yes, 38.")
    row, _ = DEPARTURES.next(NOON)
    assert row is not None
    DEPARTURES.begin(row, NOON)
    DEPARTURES.mark_sent(row, "3EB0A", NOON)
    assert desk.take(sealed(message, "size 39?"), sealed(message, "size 40?")) is None
    assert rows()[0] == ("", "answered", "model:x")
    told = Outbound.select().where(Outbound.source == Notice.UNANSWERED)
    assert [text_of(each) for each in told] == ["🤖 Ana: envió algo que solo puede leer una persona."]


@pytest.mark.parametrize("content", ["00 00", f"{'00' * 12} {'00' * 15}", f"{'00' * 200} {'00' * 40}", " "])
def test_what_was_never_sealed_is_not_opened(desk: Desk, content: str) -> None:
    message = with_secret("size 38?")
    desk.take(message, arrival("", kind=MessageKind.EDIT, target_id=message.message_id, sealed=content))
    assert rows()[0] == ("", "pending", "")


def test_a_secret_is_kept_as_long_as_its_text(database: Any) -> None:
    desk = Desk(deny=("34911",))
    message = with_secret("hola")
    desk.take(message)
    assert bytes(Inbound.get().secret) == SECRET
    desk.take(arrival("", kind=MessageKind.REVOKE, target_id=message.message_id))
    desk.take(arrival("x", chat="34911@s.whatsapp.net", phone="34911", secret=SECRET.hex()))
    assert [row.secret for row in Inbound.select()] == [None, None, None]


# Chats whose messages disappear


def test_the_timer_is_that_of_the_chats_last_message(desk: Desk) -> None:
    def timer() -> int | None:
        return Chat.get().expiration_seconds  # type: ignore[no-any-return]

    desk.take(arrival("hola", expiration_seconds=86400))
    assert timer() == 86400
    desk.take(arrival("👍", kind=MessageKind.REACTION))
    assert timer() == 86400, "a reaction says nothing of it"
    desk.take(owners("le llamo", expiration_seconds=604800))
    assert timer() == 604800
    desk.take(arrival("gracias", expiration_seconds=0))
    assert timer() == 0
    desk.take(arrival("¿y?", expiration_seconds=86400))
    desk.take(arrival("¿y?", expiration_seconds=86400))
    desk.answer("Sí.")
    row, _ = DEPARTURES.next(NOON)
    assert row is not None and row.chat.expiration_seconds == 86400


@pytest.mark.postgresql
@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
@pytest.mark.parametrize("word", ["BAJA", "hola"])
def test_a_chat_that_another_process_makes_at_this_moment_is_found(
    database: Any, postgresql_url_of_all: str, word: str
) -> None:
    desk = Desk()
    done: list[int | None] = []

    def receive() -> None:
        done.append(desk.take(arrival(word)))
        database.close()

    with closing(psycopg2.connect(postgresql_url_of_all)) as other:
        columns = "user_id, contact, jid, phone, lid, name, language, pause_reason, created_at"
        other.cursor().execute(
            f"INSERT INTO wabot_chats ({columns}) VALUES ('shop', %s, %s, '', '', '', '', '', now())",
            (ANA, ANA),
        )
        receiver = threading.Thread(target=receive)
        receiver.start()
        waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
        while not database.execute_sql(waiting).fetchone()[0]:
            assert receiver.is_alive()
        other.commit()
        receiver.join(30)
    assert len(done) == 1
    assert Chat.select().count() == 1
    assert bool(Chat.get().opted_out_at) == (word == "BAJA")
    assert Inbound.get().text == word


def test_an_edit_does_not_bring_back_a_text_that_is_not_kept(database: Any) -> None:
    desk = Desk(deny=("34600111222",))
    message = arrival("secret")
    desk.take(message, arrival("more secret", kind=MessageKind.EDIT, target_id=message.message_id))
    assert [text for text, _, _ in rows()] == ["", ""]


def test_a_reaction_is_kept_with_what_it_is_about(desk: Desk) -> None:
    desk.take(arrival("hola"))
    desk.answer("¿Se lo reservo?")
    row, _ = DEPARTURES.next(NOON)
    assert row is not None
    DEPARTURES.begin(row, NOON)
    DEPARTURES.mark_sent(row, "3EB0A", NOON)
    desk.take(arrival("👍", kind=MessageKind.REACTION, target_id="3EB0A"))
    reaction = Inbound.get(Inbound.kind == MessageKind.REACTION)
    assert (reaction.text, reaction.quoted_text) == ("👍", "¿Se lo reservo?")


# Trouble


def test_a_failure_in_the_middle_leaves_nothing_behind(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise IntegrityError("no")

    monkeypatch.setattr(desk.outbox, "notify", fail)
    message = arrival("baja")
    with pytest.raises(IntegrityError):
        desk.take(message)
    assert (Chat.select().count(), Inbound.select().count()) == (0, 0)
    monkeypatch.undo()
    other = desk.take(arrival(chat="34911@s.whatsapp.net", phone="34911", name="Eva"))
    desk.take(message)
    assert {row.chat_id for row in Inbound.select().where(Inbound.text == "baja")} != {other}
    assert Chat.get(Chat.phone == "34600111222").opted_out_at == NOON


def test_a_chat_that_was_erased_meanwhile_is_made_anew(desk: Desk) -> None:
    desk.take(arrival("hola"))
    Chat.delete().execute()
    assert desk.take(arrival("otra vez")) == Chat.get().id
    Chat.delete().execute()
    desk.take(owners("aquí"))
    assert Chat.get().pause_reason == "the owner wrote"
