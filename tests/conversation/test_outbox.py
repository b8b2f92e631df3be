"""What puts replies into the outbox, and takes them back."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.arrivals import NOON, arrival, later
from tests.support.replies import QUEUE, a_chat, reply, stored
from wabot.conversation.inbox import Inbox
from wabot.conversation.outbox import SECRET_BYTES, Outbox, Part
from wabot.database.models import Inbound, Outbound
from wabot.whatsapp.messages import MessageKind


@pytest.fixture
def outbox(database: Any) -> Outbox:
    return Outbox("shop")


# Storing an answer


def test_an_answer_and_what_it_answers_are_stored_together(outbox: Outbox) -> None:
    chat_id = a_chat()
    rows = Inbox("shop").pending(chat_id)
    parts = [Part("one", later(1)), Part("two", later(2))]
    assert outbox.put(chat_id, parts, "model:x", rows, NOON) == 1
    assert [(row.state, row.reason) for row in Inbound] == [("answered", "model:x")]
    rows = list(Outbound.select().order_by(Outbound.id))
    assert [Part(row.text, row.not_before) for row in rows] == parts
    assert {(row.user_id, row.chat_id, row.source, row.state) for row in rows} == {
        ("shop", chat_id, "model:x", "pending")
    }
    assert {(row.created_at, row.copies, row.refusals, row.message_id) for row in rows} == {(NOON, 0, 0, "")}


def test_every_reply_carries_a_secret_of_its_own(outbox: Outbox) -> None:
    rows = reply(outbox, a_chat(), "one", "two")
    assert [len(bytes(row.secret)) for row in rows] == [SECRET_BYTES, SECRET_BYTES]
    assert bytes(rows[0].secret) != bytes(rows[1].secret)


def test_nothing_is_stored_when_everything_was_taken_back(outbox: Outbox) -> None:
    inbox, message = Inbox("shop"), arrival("oops")
    chat_id = inbox.store(message, NOON)
    assert chat_id is not None
    rows = inbox.pending(chat_id)
    inbox.amend(arrival(kind=MessageKind.REVOKE, target_id=message.message_id), chat_id)
    assert outbox.put(chat_id, [Part("answer", NOON)], "model:x", rows, NOON) == 0
    assert Outbound.select().count() == 0


@pytest.mark.parametrize("change", [MessageKind.EDIT, MessageKind.REVOKE])
def test_an_answer_falls_with_any_part_of_the_question(outbox: Outbox, change: MessageKind) -> None:
    inbox, message = Inbox("shop"), arrival("oops")
    chat_id = inbox.store(message, NOON)
    inbox.store(arrival("size?"), NOON)
    assert chat_id is not None
    rows = inbox.pending(chat_id)
    inbox.amend(arrival("38", kind=change, target_id=message.message_id), chat_id)
    assert outbox.put(chat_id, [Part("answer", NOON)], "model:x", rows, NOON) == 0
    assert Outbound.select().count() == 0
    left = inbox.pending(chat_id)
    assert [row.text for row in left] == (["38", "size?"] if change is MessageKind.EDIT else ["size?"])
    assert outbox.put(chat_id, [Part("answer", NOON)], "model:x", left, NOON) == len(left)


def test_the_same_messages_are_answered_once(outbox: Outbox) -> None:
    chat_id = a_chat()
    rows = Inbox("shop").pending(chat_id)
    assert outbox.put(chat_id, [Part("first", NOON)], "model:x", rows, NOON) == 1
    assert outbox.put(chat_id, [Part("second", NOON)], "model:x", rows, NOON) == 0
    assert [row.text for row in Outbound] == ["first"]


def test_silence_is_an_answer(outbox: Outbox) -> None:
    chat_id = a_chat()
    rows = Inbox("shop").pending(chat_id)
    assert outbox.put(chat_id, [], "silence", rows, NOON) == 1
    assert Inbox("shop").pending_count() == 0


def test_an_answer_that_cannot_be_stored_leaves_the_question_open(outbox: Outbox) -> None:
    chat_id = a_chat()
    rows = Inbox("shop").pending(chat_id)
    with pytest.raises(UnicodeEncodeError):
        outbox.put(chat_id, [Part("good", NOON), Part("bad \ud800", NOON)], "model:x", rows, NOON)
    assert Inbox("shop").pending_count() == 1
    assert Outbound.select().count() == 0


def test_replies_nobody_waits_for_any_more_expire(outbox: Outbox) -> None:
    chat_id = a_chat()
    (old,) = reply(outbox, chat_id, "old")
    (leaving,) = reply(outbox, chat_id, "leaving")
    QUEUE.begin(leaving, NOON)
    (new,) = reply(outbox, chat_id, "new", at=later(100))
    assert outbox.expire(later(100)) == 1
    assert [stored(row).state for row in (old, leaving, new)] == ["dead", "sending", "pending"]
    assert outbox.expire(later(100)) == 0


def test_what_has_not_left_can_be_withdrawn(outbox: Outbox) -> None:
    chat_id, other = a_chat(1), a_chat(2)
    leaving, waiting = reply(outbox, chat_id, "leaving", "waiting")
    QUEUE.begin(leaving, NOON)
    (elsewhere,) = reply(outbox, other, "elsewhere")
    assert outbox.withdraw(chat_id, "the owner answered") == 1
    assert [stored(row).state for row in (leaving, waiting, elsewhere)] == ["sending", "withdrawn", "pending"]
    QUEUE.mark_in_doubt(leaving, "timed out")
    assert outbox.withdraw(chat_id, "the owner answered") == 1
    assert stored(leaving).state == "withdrawn"
    assert stored(waiting).error == "the owner answered"


def test_counting(outbox: Outbox) -> None:
    rows = reply(outbox, a_chat(), "one", "two", "three")
    QUEUE.begin(rows[0], NOON)
    assert outbox.count(("pending", "sending")) == 3
    assert outbox.count(("sending",)) == 1
    assert outbox.count(()) == 0
