"""The way in: what the gate decides of a message, and what is kept of it."""

from __future__ import annotations

import dataclasses
import threading
from contextlib import closing
from datetime import timedelta
from typing import Any

import psycopg2
import pytest
from peewee import IntegrityError

from tests.support.arrivals import ANA, ANA_LID, GROUP, NOON, arrival
from tests.support.desk import OWNER, OWNER_LID, Desk, owners, replies, rows
from tests.support.neonize_events import e2e
from wabot.conversation.notices import Notice
from wabot.conversation.owner_chat import text_of
from wabot.conversation.send_queue import SendQueue
from wabot.database.models import Chat, Inbound, Outbound, ReceivedFile, Session
from wabot.database.states import PauseReason
from wabot.emulator.signal import plaintexts
from wabot.whatsapp.messages import Attachment, IncomingMessage, MessageKind

QUEUE = SendQueue("shop")


@pytest.fixture
def desk(database: Any) -> Desk:
    return Desk()


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
    row, _ = QUEUE.next(NOON)
    assert row is not None
    QUEUE.begin(row, NOON)
    QUEUE.mark_sent(row, "3EB0A", NOON)
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
    row, _ = QUEUE.next(NOON)
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
    row, _ = QUEUE.next(NOON)
    assert row is not None
    QUEUE.begin(row, NOON)
    QUEUE.mark_sent(row, "3EB0A", NOON)
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


VOICE = Attachment("audio/ogg; codecs=opus", "", 4000, 3, True, "https://h/p", "/p?x", "00", "11", "22")


def spoken(**changes: Any) -> IncomingMessage:
    return arrival("", kind=MessageKind.AUDIO, attachment=VOICE, **changes)


def files() -> list[tuple[str, str]]:
    return [(row.state, row.reason) for row in ReceivedFile.select().order_by(ReceivedFile.id)]


def test_a_file_is_stored_with_its_message_or_not_at_all(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    message = spoken()
    assert desk.take(message) is not None and desk.take(message) is None
    assert files() == [("pending", "")] and desk.files.wakeup.is_set()
    monkeypatch.setattr(desk.files, "add", failing)
    with pytest.raises(RuntimeError):
        desk.take(spoken())
    assert Inbound.select().count() == 1


def failing(*_arguments: Any) -> None:
    raise RuntimeError("the process ends here")


@pytest.mark.parametrize(
    ("message", "kept"),
    [
        (spoken(from_me=True, sender=OWNER), [("kept out", "the owner wrote")]),
        (spoken(sent_at=NOON - timedelta(hours=8)), [("kept out", "too old")]),
        (spoken(chat=GROUP, phone=""), []),
    ],
)
def test_a_file_whose_message_is_not_answered_is_not_fetched(
    desk: Desk, message: IncomingMessage, kept: list[tuple[str, str]]
) -> None:
    assert desk.take(message) is None
    assert files() == kept


def test_a_voice_note_that_is_taken_back_is_forgotten(desk: Desk) -> None:
    message = spoken()
    desk.take(message)
    row = ReceivedFile.get()
    desk.files.understood(row, "un secreto", "ear", NOON)
    desk.take(arrival("", kind=MessageKind.REVOKE, target_id=message.message_id))
    row = ReceivedFile.get()
    assert (row.state, row.reason, row.text, row.source) == ("kept out", "taken back", "", "")
    assert desk.reception.heard(Inbound.get(), "un secreto", NOON) is None
    assert Inbound.get().text == ""


def test_what_is_lost_and_comes_after_all_brings_its_file(desk: Desk) -> None:
    desk.take(arrival("", kind=MessageKind.LOST, message_id="3EB0F1"))
    assert desk.take(spoken(message_id="3EB0F1")) is not None
    assert files() == [("pending", "")]


def test_what_is_heard_counts_as_what_its_sender_says(desk: Desk) -> None:
    chat_id = desk.take(spoken())
    assert desk.reception.heard(Inbound.get(), "¿tienen tazas?", NOON) == chat_id
    assert rows() == [("¿tienen tazas?", "pending", "")]
    desk.answer("Sí.")
    # Again, after its answer, as when a process ended between the two.
    assert desk.reception.heard(Inbound.get(), "¿tienen tazas?", NOON) == chat_id
    assert rows() == [("¿tienen tazas?", "pending", "")], "the answer had not left"


def test_who_says_the_word_aloud_opts_out_and_in_again(desk: Desk) -> None:
    desk.take(spoken())
    assert desk.reception.heard(Inbound.get(), "Baja.", NOON) is None
    assert Chat.get().opted_out_at is not None
    assert [state for _text, state, _reason in rows()] == ["ignored"]
    assert "no le enviaremos más mensajes" in replies()[0][0]
    desk.take(spoken())
    assert files()[-1] == ("kept out", "opted out")


def test_a_person_who_is_asked_for_aloud_after_the_answer_is_called(desk: Desk) -> None:
    chat_id = desk.take(spoken())
    desk.answer("Por escrito, por favor.")
    Outbound.update(state="sent").execute()
    assert desk.reception.heard(Inbound.get(), "da igual", NOON) is None
    assert desk.reception.heard(Inbound.get(), "quiero hablar con una persona", NOON) == chat_id
    assert rows() == [("quiero hablar con una persona", "pending", "")]


def test_no_word_of_a_place_or_a_contact_decides(desk: Desk) -> None:
    for kind in (MessageKind.LOCATION, MessageKind.CONTACT):
        assert desk.take(arrival("BAJA", kind=kind)) is not None
    assert Chat.get().opted_out_at is None
