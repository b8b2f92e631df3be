from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.support.arrivals import NOON, arrival, later
from wabot.conversation.inbox import Inbox
from wabot.conversation.outbox import SECRET_BYTES, Outbox
from wabot.conversation.send_queue import COPIES_WITHOUT_EVIDENCE, MAX_COPIES, SendQueue
from wabot.database.models import Chat, Inbound, Outbound
from wabot.whatsapp.messages import MessageKind

DEPARTURES = SendQueue("shop")


@pytest.fixture
def outbox(database: Any) -> Outbox:
    return Outbox("shop")


def a_chat(number: int = 1) -> int:
    """A chat whose customer wrote."""
    jid = f"3460000000{number}@s.whatsapp.net"
    chat_id = Inbox("shop").store(arrival(chat=jid, phone=jid.partition("@")[0]), NOON)
    assert chat_id is not None
    return chat_id


def reply(
    outbox: Outbox, chat_id: int, *parts: str, at: datetime = NOON, not_before: datetime | None = None
) -> list[Outbound]:
    """Answer what is pending in a chat; the rows stored."""
    if not Inbox("shop").pending(chat_id):
        chat = Chat.get_by_id(chat_id)
        Inbox("shop").store(arrival(chat=chat.jid, phone=chat.phone), at)
    before = Outbound.select().count()
    rows = Inbox("shop").pending(chat_id)
    outbox.put(chat_id, [(part, not_before or at) for part in parts], "knowledge", rows, at)
    return list(Outbound.select().order_by(Outbound.id).offset(before).limit(1000))


def stored(row: Outbound) -> Outbound:
    return Outbound.get_by_id(row.id)


def next_text(outbox: Outbox, now: datetime = NOON, composed_after: datetime | None = None) -> str | None:
    row, _ = DEPARTURES.next(now, composed_after)
    return row.text if row else None


# Storing an answer


def test_an_answer_and_what_it_answers_are_stored_together(outbox: Outbox) -> None:
    chat_id = a_chat()
    rows = Inbox("shop").pending(chat_id)
    parts = [("one", later(1)), ("two", later(2))]
    assert outbox.put(chat_id, parts, "model:x", rows, NOON) == 1
    assert [(row.state, row.reason) for row in Inbound] == [("answered", "model:x")]
    rows = list(Outbound.select().order_by(Outbound.id))
    assert [(row.text, row.not_before) for row in rows] == parts
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
    assert outbox.put(chat_id, [("answer", NOON)], "model:x", rows, NOON) == 0
    assert Outbound.select().count() == 0


@pytest.mark.parametrize("change", [MessageKind.EDIT, MessageKind.REVOKE])
def test_an_answer_falls_with_any_part_of_the_question(outbox: Outbox, change: MessageKind) -> None:
    inbox, message = Inbox("shop"), arrival("oops")
    chat_id = inbox.store(message, NOON)
    inbox.store(arrival("size?"), NOON)
    assert chat_id is not None
    rows = inbox.pending(chat_id)
    inbox.amend(arrival("38", kind=change, target_id=message.message_id), chat_id)
    assert outbox.put(chat_id, [("answer", NOON)], "model:x", rows, NOON) == 0
    assert Outbound.select().count() == 0
    left = inbox.pending(chat_id)
    assert [row.text for row in left] == (["38", "size?"] if change is MessageKind.EDIT else ["size?"])
    assert outbox.put(chat_id, [("answer", NOON)], "model:x", left, NOON) == len(left)


def test_the_same_messages_are_answered_once(outbox: Outbox) -> None:
    chat_id = a_chat()
    rows = Inbox("shop").pending(chat_id)
    assert outbox.put(chat_id, [("first", NOON)], "model:x", rows, NOON) == 1
    assert outbox.put(chat_id, [("second", NOON)], "model:x", rows, NOON) == 0
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
        outbox.put(chat_id, [("good", NOON), ("bad \ud800", NOON)], "model:x", rows, NOON)
    assert Inbox("shop").pending_count() == 1
    assert Outbound.select().count() == 0


# Which is next


def test_nothing_to_send(outbox: Outbox) -> None:
    assert DEPARTURES.next(NOON) == (None, None)


def test_the_oldest_reply_goes_first_and_brings_its_address(outbox: Outbox) -> None:
    chat_id = a_chat(7)
    reply(outbox, chat_id, "one", "two")
    row, due = DEPARTURES.next(NOON)
    assert row is not None
    assert (row.text, row.chat.jid, due) == ("one", "34600000007@s.whatsapp.net", NOON)


def test_a_part_waits_for_its_time(outbox: Outbox) -> None:
    reply(outbox, a_chat(), "slow", not_before=later(5))
    assert DEPARTURES.next(later(4.9)) == (None, later(5))
    assert next_text(outbox, later(5)) == "slow"


def test_a_chat_keeps_its_order_even_when_a_later_part_is_due_first(outbox: Outbox) -> None:
    chat_id = a_chat()
    reply(outbox, chat_id, "first", not_before=later(60))
    reply(outbox, chat_id, "second")
    assert DEPARTURES.next(later(1)) == (None, later(60))


def test_one_chat_does_not_hold_up_another(outbox: Outbox) -> None:
    reply(outbox, a_chat(1), "later", not_before=later(60))
    reply(outbox, a_chat(2), "now")
    assert next_text(outbox) == "now"


def test_what_was_composed_before_the_link_came_up_waits_and_holds_its_chat(outbox: Outbox) -> None:
    old, new = a_chat(1), a_chat(2)
    reply(outbox, old, "queued while down")
    reply(outbox, old, "in the same chat", at=later(10))
    reply(outbox, new, "composed since", at=later(11))
    assert next_text(outbox, later(12), later(5)) == "composed since"
    rows = list(Outbound.select().where(Outbound.text == "composed since"))
    DEPARTURES.mark_sent(rows[0], "3EB0", later(12))
    assert DEPARTURES.next(later(12), later(5)) == (None, None)
    assert next_text(outbox, later(12)) == "queued while down"


def test_a_reply_in_flight_holds_its_chat(outbox: Outbox) -> None:
    chat_id = a_chat()
    first, _ = reply(outbox, chat_id, "one", "two")
    DEPARTURES.begin(first, NOON)
    assert next_text(outbox) is None
    DEPARTURES.mark_in_doubt(first, "timed out")
    assert next_text(outbox) is None
    DEPARTURES.mark_sent(first, "3EB0", NOON)
    assert next_text(outbox) == "two"


def test_the_replies_of_another_account_are_not_sent(outbox: Outbox) -> None:
    row, _ = reply(outbox, a_chat(), "leaving", "waiting")
    DEPARTURES.begin(row, NOON)
    assert SendQueue("salon").next(NOON) == (None, None)
    assert SendQueue("salon").unsettled() == []
    assert Outbox("salon").expire(later(1)) == 0
    assert Outbox("salon").count(("pending",)) == 0


# What became of it


def test_sent(outbox: Outbox) -> None:
    (row,) = reply(outbox, a_chat(), "one")
    DEPARTURES.begin(row, later(1))
    assert [(each.id, each.state, each.sending_at) for each in DEPARTURES.unsettled()] == [
        (row.id, "sending", later(1))
    ]
    DEPARTURES.mark_sent(row, "3EB0", later(2))
    row = stored(row)
    assert (row.state, row.message_id, row.sent_at, row.copies) == ("sent", "3EB0", later(2), 1)
    assert DEPARTURES.unsettled() == []
    assert DEPARTURES.next(later(9)) == (None, None)


def test_what_surely_did_not_leave_goes_out_again_however_often(outbox: Outbox) -> None:
    (row,) = reply(outbox, a_chat(), "one")
    for attempt in range(50):
        found, _ = DEPARTURES.next(later(attempt))
        assert found is not None
        DEPARTURES.begin(found, later(attempt))
        DEPARTURES.put_back(found, "websocket not connected", later(attempt + 1))
        assert DEPARTURES.next(later(attempt + 0.5)) == (None, later(attempt + 1))
    row = stored(row)
    assert (row.state, row.copies, row.error) == ("pending", 0, "websocket not connected")


@pytest.mark.parametrize(
    ("wrote_seconds_ago", "confirmed_seconds_ago", "most"),
    [
        (3600, None, COPIES_WITHOUT_EVIDENCE),
        (3600, 3600, COPIES_WITHOUT_EVIDENCE),
        (60, None, MAX_COPIES),
        (3600, 60, MAX_COPIES),
    ],
)
def test_what_may_have_left_is_sent_again_as_often_as_the_phone_is_known_to_be_there(
    outbox: Outbox, wrote_seconds_ago: float, confirmed_seconds_ago: float | None, most: int
) -> None:
    chat_id = a_chat()
    reply(outbox, chat_id, "one", "two")
    Inbound.update(received_at=later(-wrote_seconds_ago)).execute()
    if confirmed_seconds_ago is not None:
        Outbound.insert(
            user_id="shop",
            chat=chat_id,
            text="before",
            state="sent",
            secret=b"",
            created_at=NOON,
            not_before=NOON,
            delivered_at=later(-confirmed_seconds_ago),
        ).execute()
    for copy in range(1, most + 1):
        row, _ = DEPARTURES.next(later(copy))
        assert row is not None
        assert row.text == "one"
        DEPARTURES.begin(row, later(copy))
        DEPARTURES.mark_in_doubt(row, "timed out", f"3EB{copy}")
        state = DEPARTURES.leave_in_doubt(row, True, later(copy))
        assert state == ("pending" if copy < most else "unsure")
    row = stored(row)
    assert (row.state, row.copies, row.error) == ("unsure", most, "timed out")
    assert next_text(outbox, later(9)) == "two"


def test_a_copy_that_surely_did_not_leave_is_not_counted(outbox: Outbox) -> None:
    (row,) = reply(outbox, a_chat(), "one")
    DEPARTURES.begin(row, NOON)
    DEPARTURES.mark_in_doubt(stored(row), "timed out", "3EB0")
    assert DEPARTURES.leave_in_doubt(stored(row), True, NOON) == "pending"
    for _ in range(5):
        again = stored(row)
        DEPARTURES.begin(again, NOON)
        DEPARTURES.put_back(again, "not connected", NOON)
    assert stored(row).copies == 1


def test_what_is_not_taken_now_is_held_for_a_day_and_keeps_its_chat_in_order(outbox: Outbox) -> None:
    reply(outbox, a_chat(), "one", "two")
    for second in (0, 3600, 86_399):
        row, _ = DEPARTURES.next(later(second))
        assert row is not None
        assert row.text == "one"
        DEPARTURES.begin(row, later(second))
        assert DEPARTURES.hold(row, "server returned error 503", later(second), 600) == "pending"
        assert DEPARTURES.next(later(second)) == (None, later(second + 600))
    row = stored(row)
    assert (row.refusals, row.copies) == (3, 0)
    DEPARTURES.begin(row, later(86_999))
    assert DEPARTURES.hold(row, "server returned error 503", later(86_999), 600) == "dead"
    assert next_text(outbox, later(86_999)) == "two"


def test_what_is_refused_for_good_lets_the_next_one_pass(outbox: Outbox) -> None:
    (row, _) = reply(outbox, a_chat(), "one", "two")
    DEPARTURES.begin(row, NOON)
    DEPARTURES.mark_refused(row, "server returned error 479")
    row = stored(row)
    assert (row.state, row.refusals, row.copies) == ("dead", 1, 0)
    assert next_text(outbox) == "two"


def test_an_error_of_any_length_can_be_kept(outbox: Outbox) -> None:
    (row,) = reply(outbox, a_chat(), "one")
    DEPARTURES.begin(row, NOON)
    for change in (
        lambda error: DEPARTURES.put_back(row, error, NOON),
        lambda error: DEPARTURES.hold(row, error, NOON, 1),
        lambda error: DEPARTURES.mark_refused(row, error),
    ):
        change("x" * 10_000)
        assert len(stored(row).error) == 500
    DEPARTURES.mark_in_doubt(row, "y" * 10_000)
    assert stored(row).error == "y" * 500


def test_what_may_have_left_can_be_held_back(outbox: Outbox) -> None:
    (row,) = reply(outbox, a_chat(), "one")
    DEPARTURES.begin(row, NOON)
    DEPARTURES.mark_in_doubt(row, "timed out", "3EB0")
    assert DEPARTURES.leave_in_doubt(row, False, NOON) == "unsure"
    assert stored(row).copies == 1


def test_each_copy_carries_a_secret_of_its_own(outbox: Outbox) -> None:
    (row,) = reply(outbox, a_chat(), "one")
    seen = {bytes(stored(row).secret)}
    for _ in range(3):
        assert DEPARTURES.begin(row, NOON)
        assert bytes(row.secret) == bytes(stored(row).secret)
        seen.add(bytes(row.secret))
        DEPARTURES.put_back(row, "not connected", NOON)
    assert len(seen) == 4


@pytest.mark.parametrize("state", ["in_doubt", "unsure", "pending"])
def test_a_confirmed_message_is_in_doubt_no_more(outbox: Outbox, state: str) -> None:
    row, other = reply(outbox, a_chat(), "one", "two")
    DEPARTURES.begin(row, later(1))
    DEPARTURES.mark_in_doubt(row, "timed out", "3EB1")
    if state != "in_doubt":
        DEPARTURES.leave_in_doubt(row, state == "pending", NOON)
    assert stored(row).state == state
    SendQueue("salon").confirm(["3EB1"], later(5))
    assert stored(row).state == state
    DEPARTURES.confirm(["3EB1", "3EB9"], later(9))
    row = stored(row)
    assert (row.state, row.sent_at, row.delivered_at) == ("sent", later(1), later(9))
    assert (stored(other).state, stored(other).delivered_at) == ("pending", None)


@pytest.mark.parametrize(("heard_at", "again"), [(None, True), (6, True), (7, False)])
def test_what_the_customer_cannot_read_is_sent_again_unless_the_chat_went_on(
    outbox: Outbox, heard_at: float | None, again: bool
) -> None:
    chat_id = a_chat()
    (row,) = reply(outbox, chat_id, "one")
    DEPARTURES.begin(row, NOON)
    DEPARTURES.mark_sent(row, "3EB1", later(5))
    if heard_at is not None:
        Inbox("shop").store(arrival(phone="34600000001"), later(heard_at))
    assert not SendQueue("salon").send_again("3EB1", False, later(9))
    assert DEPARTURES.send_again("3EB1", False, later(9)) is again
    assert stored(row).state == ("pending" if again else "sent")
    assert not DEPARTURES.send_again("3EB1", False, later(9))


def test_what_the_customer_cannot_read_is_sent_again_once(outbox: Outbox) -> None:
    (row,) = reply(outbox, a_chat(), "one")
    for copy in range(2):
        DEPARTURES.begin(stored(row), NOON)
        DEPARTURES.mark_sent(stored(row), f"3EB{copy}", later(1))
        assert DEPARTURES.send_again(f"3EB{copy}", False, later(9)) is (copy == 0)
        if copy == 0:
            row, _ = DEPARTURES.next(later(9))  # type: ignore[assignment]
            assert row.text == "one"
    assert stored(row).state == "sent"


@pytest.mark.parametrize(("sent_at", "again"), [(1, True), (2, False)])
def test_without_a_race_silence_does_not_send_again(outbox: Outbox, sent_at: float, again: bool) -> None:
    (row,) = reply(outbox, a_chat(), "one")
    DEPARTURES.begin(row, NOON)
    DEPARTURES.mark_sent(row, "3EB1", later(sent_at))
    assert DEPARTURES.send_again("3EB1", True, later(40)) is again


def test_what_arrived_is_not_sent_again(outbox: Outbox) -> None:
    (row,) = reply(outbox, a_chat(), "one")
    DEPARTURES.begin(row, NOON)
    DEPARTURES.mark_sent(row, "3EB1", later(1))
    DEPARTURES.confirm(["3EB1"], later(2))
    assert not DEPARTURES.send_again("3EB1", False, later(9))
    assert not DEPARTURES.send_again("unknown", False, later(9))


def test_a_deferred_reply_waits(outbox: Outbox) -> None:
    (row,) = reply(outbox, a_chat(), "one")
    DEPARTURES.defer(row, later(1))
    assert DEPARTURES.next(NOON) == (None, later(1))


def test_a_delivery_keeps_its_first_time(outbox: Outbox) -> None:
    (row,) = reply(outbox, a_chat(), "one")
    DEPARTURES.begin(row, NOON)
    DEPARTURES.mark_sent(row, "3EB1", later(1))
    DEPARTURES.confirm(["3EB1"], later(2))
    DEPARTURES.confirm(["3EB1"], later(3))
    assert (stored(row).sent_at, stored(row).delivered_at) == (later(1), later(2))


def test_replies_nobody_waits_for_any_more_expire(outbox: Outbox) -> None:
    chat_id = a_chat()
    (old,) = reply(outbox, chat_id, "old")
    (leaving,) = reply(outbox, chat_id, "leaving")
    DEPARTURES.begin(leaving, NOON)
    (new,) = reply(outbox, chat_id, "new", at=later(100))
    assert outbox.expire(later(100)) == 1
    assert [stored(row).state for row in (old, leaving, new)] == ["dead", "sending", "pending"]
    assert outbox.expire(later(100)) == 0


def test_what_has_not_left_can_be_withdrawn(outbox: Outbox) -> None:
    chat_id, other = a_chat(1), a_chat(2)
    leaving, waiting = reply(outbox, chat_id, "leaving", "waiting")
    DEPARTURES.begin(leaving, NOON)
    (elsewhere,) = reply(outbox, other, "elsewhere")
    assert outbox.withdraw(chat_id, "the owner answered") == 1
    assert [stored(row).state for row in (leaving, waiting, elsewhere)] == ["sending", "withdrawn", "pending"]
    DEPARTURES.mark_in_doubt(leaving, "timed out")
    assert outbox.withdraw(chat_id, "the owner answered") == 1
    assert stored(leaving).state == "withdrawn"
    assert stored(waiting).error == "the owner answered"


def test_counting(outbox: Outbox) -> None:
    rows = reply(outbox, a_chat(), "one", "two", "three")
    DEPARTURES.begin(rows[0], NOON)
    assert outbox.count(("pending", "sending")) == 3
    assert outbox.count(("sending",)) == 1
    assert outbox.count(()) == 0


def test_a_clock_that_was_set_back_holds_no_reply_back(outbox: Outbox) -> None:
    """Neither one that was to wait for its pace, nor one whose next try was put off."""
    reply(outbox, a_chat(), "paced", not_before=later(10))
    assert DEPARTURES.next(later(5)) == (None, later(10)), "it is in order by itself"
    set_back = NOON - timedelta(hours=1)
    row, _ = DEPARTURES.next(set_back)
    assert row is not None
    assert row.text == "paced"
    DEPARTURES.begin(row, later(10))
    DEPARTURES.hold(row, "server returned error 503", later(10), 590)
    Outbound.update(created_at=later(-7200)).execute()
    assert DEPARTURES.next(later(11)) == (None, later(600))
    again, _ = DEPARTURES.next(set_back)
    assert again is not None
    assert again.text == "paced"
