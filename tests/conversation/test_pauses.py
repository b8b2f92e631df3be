from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from tests.support.arrivals import NOON, arrival, later
from wabot.conversation.inbox import Inbox
from wabot.conversation.notices import Notice
from wabot.conversation.outbox import Outbox, Part
from wabot.conversation.pauses import Pauses, pause_reason, paused_chats
from wabot.conversation.send_queue import SendQueue
from wabot.database.models import Chat, Inbound, Outbound
from wabot.database.states import PauseReason

QUEUE = SendQueue("shop")

LATE = datetime(2026, 11, 23, 12)


@pytest.fixture
def inbox(database: Any) -> Inbox:
    return Inbox("shop")


@pytest.fixture
def outbox(inbox: Inbox) -> Outbox:
    return Outbox("shop")


@pytest.fixture
def pauses(inbox: Inbox, outbox: Outbox) -> Pauses:
    return Pauses(inbox, outbox)


@pytest.fixture
def chat_id(inbox: Inbox, outbox: Outbox) -> int:
    """A chat with an answer of two parts on its way and a question still open."""
    found = inbox.store(arrival("first"), NOON)
    assert found is not None
    outbox.put(found, [Part("one", NOON), Part("two", later(9))], "model:x", inbox.pending(found), NOON)
    inbox.store(arrival("second"), later(1))
    return found


def outbound() -> list[tuple[str, str]]:
    return [(row.text, row.state) for row in Outbound.select().order_by(Outbound.id)]


def inbound() -> list[tuple[str, str]]:
    return [(row.state, row.reason) for row in Inbound.select().order_by(Inbound.id)]


def test_a_pause_takes_back_what_is_open(pauses: Pauses, chat_id: int) -> None:
    assert pauses.pause(Chat.get_by_id(chat_id), PauseReason.OWNER, LATE) == 2
    assert outbound() == [("one", "withdrawn"), ("two", "withdrawn")]
    assert inbound() == [("ignored", "paused: the owner wrote"), ("ignored", "paused: the owner wrote")]
    assert pause_reason(Chat.get(), NOON) == "the owner wrote"
    assert pause_reason(Chat.get(), LATE) == ""
    assert [chat.id for chat in paused_chats("shop", NOON)] == [chat_id]
    assert paused_chats("shop", LATE) == []
    assert paused_chats("salon", NOON) == []


def test_what_is_leaving_cannot_be_called_back(pauses: Pauses, outbox: Outbox, chat_id: int) -> None:
    QUEUE.begin(Outbound.select().order_by(Outbound.id).first(), NOON)
    assert pauses.pause(Chat.get_by_id(chat_id), PauseReason.OWNER, LATE) == 1
    assert outbound() == [("one", "sending"), ("two", "withdrawn")]


def test_a_pause_without_an_end_lasts_until_it_is_ended(pauses: Pauses, chat_id: int) -> None:
    pauses.pause(Chat.get_by_id(chat_id), PauseReason.COMMAND, None)
    assert pause_reason(Chat.get(), datetime(2099, 1, 1)) == "the owner asked for it"
    assert [chat.id for chat in paused_chats("shop", datetime(2099, 1, 1))] == [chat_id]
    assert pauses.resume(Chat.get_by_id(chat_id))
    assert not pauses.resume(Chat.get_by_id(chat_id))
    assert pause_reason(Chat.get(), NOON) == ""


def test_the_pause_counts_from_the_owners_last_message(pauses: Pauses, chat_id: int) -> None:
    pauses.hand_over(Chat.get_by_id(chat_id), later(100))
    pauses.hand_over(Chat.get_by_id(chat_id), later(200))
    pauses.hand_over(Chat.get_by_id(chat_id), later(150))
    assert Chat.get().paused_until == later(200)


def test_a_longer_pause_stays(pauses: Pauses, inbox: Inbox, chat_id: int) -> None:
    pauses.pause(Chat.get_by_id(chat_id), PauseReason.COMMAND, None)
    inbox.store(arrival("third"), NOON)
    pauses.hand_over(Chat.get_by_id(chat_id), later(100))
    chat = Chat.get()
    assert (chat.pause_reason, chat.paused_until) == ("the owner asked for it", None)
    assert inbox.pending(chat_id) == []


def test_opting_out_takes_back_what_is_open_and_opting_in_ends_it(pauses: Pauses, chat_id: int) -> None:
    assert pauses.opt_out(Chat.get_by_id(chat_id), NOON) == 2
    assert inbound()[1] == ("ignored", "opted out")
    assert Chat.get().opted_out_at == NOON
    pauses.opt_in(Chat.get_by_id(chat_id))
    assert Chat.get().opted_out_at is None


# At the moment of sending


@pytest.mark.parametrize(
    ("source", "paused", "opted_out", "leaves"),
    [
        ("model:x", False, False, True),
        ("model:x", True, False, False),
        ("model:x", False, True, False),
        ("knowledge", True, False, False),
        (Notice.APOLOGY, True, False, False),
        (Notice.AWAY, True, False, False),
        (Notice.TEXT_ONLY, False, True, False),
        (Notice.HANDED_OVER, True, False, True),
        (Notice.HANDED_OVER, False, True, False),
        (Notice.OPTED_IN, True, False, True),
        (Notice.OPTED_IN, False, True, False),
        (Notice.OPTED_OUT, True, True, True),
        (Notice.STATUS, True, True, True),
        (Notice.UNANSWERED, True, True, True),
    ],
)
def test_what_may_leave_is_looked_at_again_when_it_leaves(
    pauses: Pauses, outbox: Outbox, inbox: Inbox, source: Any, paused: bool, opted_out: bool, leaves: bool
) -> None:
    chat_id = inbox.store(arrival(), NOON)
    assert chat_id is not None
    outbox.notify(chat_id, "text", source, NOON)
    # Behind the back of the outbox, as in a crash between the two.
    Chat.update(
        pause_reason="the owner wrote" if paused else "",
        paused_until=LATE if paused else None,
        opted_out_at=NOON if opted_out else None,
    ).execute()
    row, _ = QUEUE.next(NOON)
    assert row is not None
    assert QUEUE.begin(row, NOON) is leaves
    assert outbound() == [("text", "sending" if leaves else "withdrawn")]
    if paused and not opted_out and not leaves:
        Outbound.update(state="pending").execute()
        assert QUEUE.begin(row, LATE)


@pytest.mark.parametrize("copies", [0, 1])
def test_a_copy_that_was_in_flight_at_the_opt_out_is_not_repeated(
    pauses: Pauses, outbox: Outbox, chat_id: int, copies: int
) -> None:
    row, _ = QUEUE.next(NOON)
    assert row is not None
    assert QUEUE.begin(row, NOON)
    pauses.opt_out(Chat.get_by_id(chat_id), NOON)
    if copies:
        QUEUE.mark_in_doubt(row, "timeout")
        QUEUE.leave_in_doubt(row, True, NOON)
    else:
        QUEUE.put_back(row, "not connected", NOON)
    again, _ = QUEUE.next(NOON)
    assert again is not None
    assert not QUEUE.begin(again, NOON)
    assert outbound() == [("one", "withdrawn"), ("two", "withdrawn")]


def test_what_was_erased_meanwhile_does_not_leave(outbox: Outbox, chat_id: int) -> None:
    row, _ = QUEUE.next(NOON)
    assert row is not None
    Chat.delete().execute()
    assert not QUEUE.begin(row, NOON)


def test_what_was_withdrawn_meanwhile_does_not_leave(outbox: Outbox, chat_id: int) -> None:
    row, _ = QUEUE.next(NOON)
    assert row is not None
    outbox.withdraw(chat_id, "paused")
    assert not QUEUE.begin(row, NOON)
    assert outbound()[0] == ("one", "withdrawn")


# An answer to a question that changed


def test_a_whole_answer_is_recalled_or_nothing_of_it(outbox: Outbox, chat_id: int) -> None:
    first = Outbound.select().order_by(Outbound.id).first()
    assert outbox.recall(first.id)
    assert outbound() == [("one", "withdrawn"), ("two", "withdrawn")]
    assert not outbox.recall(first.id)


@pytest.mark.parametrize("fate", ["sending", "sent", "in doubt", "to be sent again"])
def test_an_answer_that_began_to_leave_stays(outbox: Outbox, chat_id: int, fate: str) -> None:
    row = Outbound.select().order_by(Outbound.id).first()
    QUEUE.begin(row, NOON)
    if fate == "sent":
        QUEUE.mark_sent(row, "3EB0", NOON)
    elif fate != "sending":
        QUEUE.mark_in_doubt(row, "timeout")
    if fate == "to be sent again":
        QUEUE.leave_in_doubt(row, True, NOON)
    before = outbound()
    assert not outbox.recall(row.id)
    assert outbound() == before


def test_a_deferred_reply_holds_its_chat(outbox: Outbox, chat_id: int) -> None:
    row, _ = QUEUE.next(later(10))
    assert row is not None
    QUEUE.defer(row, later(60))
    assert QUEUE.next(later(10)) == (None, later(60))
