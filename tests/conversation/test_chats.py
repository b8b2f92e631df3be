"""One person, whom WhatsApp shows now by the phone number and now by a hidden id."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

import pytest

from tests.support.arrivals import ANA, ANA_LID, NOON, arrival, later
from wabot.config.phone_numbers import parse_address
from wabot.config.settings import AccountSettings, Settings
from wabot.conversation.chats import find_chats, merge_chats
from wabot.conversation.inbox import Inbox
from wabot.conversation.notices import Notice
from wabot.conversation.outbox import Outbox, Part
from wabot.conversation.owner_chat import add_line
from wabot.conversation.pauses import Pauses
from wabot.conversation.send_queue import SendQueue
from wabot.database.models import Chat, Inbound, Outbound, OwnerLine
from wabot.database.states import PauseReason
from wabot.inbound.reception import reception_of
from wabot.whatsapp.messages import IncomingMessage, MessageKind

LID = "299000111222"
PHONE = "34600111222"
SETTINGS = Settings(account=AccountSettings(user_id="shop", timezone="UTC"))


def by_phone(text: str = "hola") -> IncomingMessage:
    return arrival(text)


def by_lid(text: str = "hola") -> IncomingMessage:
    return arrival(text, chat=ANA_LID, phone="", lid=LID, name="Anita")


def by_both(text: str = "hola", chat: str = ANA) -> IncomingMessage:
    return arrival(text, chat=chat, phone=PHONE, lid=LID)


class Desk:
    """The way in, and what it says is to be answered."""

    def __init__(self) -> None:
        self.inbox, self.outbox = Inbox("shop"), Outbox("shop")
        self.pauses = Pauses(self.inbox, self.outbox)
        self.touched: list[int] = []
        self._reception = reception_of(SETTINGS, self.inbox, self.outbox)
        self.inbox.chats.on_merge = self._touch

    def _touch(self, chat_id: int) -> None:
        assert not Chat._meta.database.in_transaction(), "a worker would not see it yet"
        self.touched.append(chat_id)

    def take(self, *messages: IncomingMessage) -> int | None:
        return [self._reception.receive(message, NOON) for message in messages][-1]


@pytest.fixture
def desk(database: Any) -> Desk:
    return Desk()


@pytest.mark.parametrize("chat", [ANA, ANA_LID])
@pytest.mark.parametrize("first", [by_phone, by_lid])
def test_who_said_baja_under_one_address_is_left_alone_under_both(desk: Desk, first: Any, chat: str) -> None:
    second = by_lid if first is by_phone else by_phone
    desk.take(first("hola"), second("BAJA"), by_both("hola", chat))
    row = Chat.get()
    assert (row.opted_out_at, row.contact, row.phone, row.lid) == (NOON, ANA, PHONE, LID)
    assert desk.touched == [row.id]
    desk.take(by_lid("BAJA"), by_phone("hola"), by_both("hola"))
    assert Chat.select().count() == 1
    assert {message.chat_id for message in Inbound} == {row.id}


@pytest.mark.parametrize(
    "kinds",
    [
        (MessageKind.TEXT, MessageKind.TEXT),
        (MessageKind.SPOILT, MessageKind.TEXT),
        (MessageKind.TEXT, MessageKind.SPOILT),
    ],
)
@pytest.mark.parametrize(("first", "then"), [(ANA, ANA_LID), (ANA_LID, ANA)])
@pytest.mark.parametrize("are_known", [False, True])
def test_a_message_that_comes_again_under_the_other_address_counts_once(
    desk: Desk, first: str, then: str, kinds: tuple[MessageKind, MessageKind], are_known: bool
) -> None:
    if are_known:
        for chat in (then, first, then):
            desk.take(arrival("antes", chat=chat, phone=PHONE, lid=LID))
        Inbound.delete().execute()
    for chat, kind in zip((first, then), kinds, strict=True):
        text = "hola" if kind is MessageKind.TEXT else ""
        desk.take(arrival(text, chat=chat, phone=PHONE, lid=LID, kind=kind, message_id="3EB0"))
    assert [(row.kind, row.text) for row in Inbound.select()] == [("text", "hola")]


def test_what_waits_and_what_was_said_under_both_addresses_stays(desk: Desk) -> None:
    asked, hidden = desk.take(by_phone("¿a qué hora?")), desk.take(by_lid("¿y el sábado?"))
    assert asked is not None and hidden is not None
    desk.outbox.put(hidden, [Part("a las diez", NOON)], "model:x", desk.inbox.pending(hidden), NOON)
    own = desk.take(arrival(chat="34999888777@s.whatsapp.net", phone="34999888777"))
    assert own is not None
    add_line(desk.outbox.notify(own, "", Notice.UNANSWERED, NOON), "🤖 Anita: waits", hidden)
    assert desk.take(by_both("¿oiga?")) == asked
    assert [row.text for row in desk.inbox.pending(asked)] == ["¿a qué hora?", "¿oiga?"]
    assert Outbound.get(Outbound.source == "model:x").chat_id == asked
    assert OwnerLine.get().about_id == asked
    assert Chat.get_by_id(asked).name == "Ana"
    # What is done with the number of the chat that is no more does no harm.
    assert desk.outbox.put(hidden, [Part("tarde", NOON)], "model:x", [], NOON) == 0


@pytest.mark.parametrize(
    ("ends", "longest"),
    [((None, later(60)), None), ((later(60), None), None), ((later(60), later(90)), later(90))],
)
def test_the_longest_pause_of_both_holds(
    desk: Desk, ends: tuple[datetime | None, ...], longest: datetime | None
) -> None:
    for message, until in zip((by_phone(), by_lid()), ends, strict=True):
        chat_id = desk.take(message)
        assert chat_id is not None
        desk.pauses.pause(Chat.get_by_id(chat_id), PauseReason.COMMAND, until)
    desk.take(by_both())
    assert (Chat.get().pause_reason, Chat.get().paused_until) == (PauseReason.COMMAND, longest)


def test_a_pause_that_is_over_does_not_shorten_another(desk: Desk) -> None:
    over, lasting = desk.take(by_phone()), desk.take(by_lid())
    assert over is not None and lasting is not None
    desk.pauses.pause(Chat.get_by_id(over), PauseReason.COMMAND, later(-1))
    desk.pauses.pause(Chat.get_by_id(lasting), PauseReason.OWNER, later(60))
    desk.take(by_both())
    assert (Chat.get().pause_reason, Chat.get().paused_until) == (PauseReason.OWNER, later(60))


def test_other_people_and_other_accounts_are_left_as_they_are(desk: Desk) -> None:
    for user_id in ("shop", "salon"):
        inbox = Inbox(user_id)
        for message in (by_phone(), by_lid(), arrival(chat="301@lid", phone="", lid="301")):
            inbox.store(message, NOON)
    desk.take(by_both())
    assert [chat.user_id for chat in Chat.select().order_by(Chat.id)] == [
        "shop",
        "shop",
        "salon",
        "salon",
        "salon",
    ]


def test_a_number_in_two_spellings_is_one_person(desk: Desk) -> None:
    for phone in ("5531996883193", "553196883193"):
        desk.take(arrival(chat=f"{phone}@s.whatsapp.net", phone=phone))
    assert [(chat.phone, chat.contact) for chat in Chat] == [("553196883193", "553196883193@s.whatsapp.net")]


def test_rows_of_one_person_from_before_become_one_with_the_next_message(desk: Desk) -> None:
    """As older versions left them: the phone's row learnt the hidden id, and the other row stayed."""
    desk.take(by_lid("BAJA"))
    Chat.create(user_id="shop", contact=ANA, jid=ANA, phone=PHONE, lid=LID, created_at=NOON)
    assert len(find_chats("shop", parse_address(PHONE))) == 2
    desk.take(by_phone())
    assert [(chat.contact, chat.opted_out_at) for chat in Chat] == [(ANA, NOON)]


def test_a_reply_that_is_about_to_leave_is_not_taken_back_by_it(desk: Desk) -> None:
    desk.take(by_phone())
    hidden = desk.take(by_lid())
    assert hidden is not None
    desk.outbox.put(hidden, [Part("buenas", NOON)], "model:x", desk.inbox.pending(hidden), NOON)
    send_queue = SendQueue("shop")
    chosen, _ = send_queue.next(NOON)
    assert chosen is not None
    desk.take(by_both())
    assert not send_queue.begin(chosen, NOON)
    again, _ = send_queue.next(NOON)
    assert again is not None and again.id == chosen.id
    assert send_queue.begin(again, NOON)


def test_several_at_once_make_one_of_them_and_lose_nothing(desk: Desk) -> None:
    """Threads that find out together, while others store messages and answers of either chat."""
    database = Chat._meta.database
    chats = [desk.take(by_phone("p")), desk.take(by_lid("l"))]
    together = threading.Barrier(6)

    def merge() -> None:
        together.wait(30)
        with database.atomic():
            merge_chats([chat_id for chat_id in chats if chat_id], NOON)
        database.close()

    def store(make: Any) -> None:
        inbox = Inbox("shop")
        together.wait(30)
        for number in range(5):
            inbox.store(make(f"{number}"), NOON)
        database.close()

    def answer() -> None:
        inbox, outbox = Inbox("shop"), Outbox("shop")
        together.wait(30)
        for chat_id in chats:
            assert chat_id is not None
            outbox.put(chat_id, [Part("answer", NOON)], "model:x", inbox.pending(chat_id)[:1], NOON)
        database.close()

    with ThreadPoolExecutor(6) as pool:
        tasks = [pool.submit(merge), pool.submit(merge), pool.submit(answer), pool.submit(answer)]
        tasks += [pool.submit(store, by_phone), pool.submit(store, by_lid)]
        for task in tasks:
            task.result(60)
    desk.take(by_both("last"))
    assert Chat.select().count() == 1
    assert Inbound.select().count() == 2 + 10 + 1
    answered = Inbound.select().where(Inbound.state == "answered")
    assert {row.reply for row in answered} <= {row.id for row in Outbound}
