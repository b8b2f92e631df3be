"""The outbox as the sender sees it: which reply is next, and what became of it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.support.arrivals import NOON, arrival, later
from tests.support.replies import QUEUE, a_chat, next_text, reply, stored
from wabot.conversation.inbox import Inbox
from wabot.conversation.outbox import Outbox
from wabot.conversation.send_queue import COPIES_WITHOUT_EVIDENCE, MAX_COPIES, SendQueue
from wabot.database.models import Inbound, Outbound


@pytest.fixture
def outbox(database: Any) -> Outbox:
    return Outbox("shop")


# Which is next


def test_nothing_to_send(outbox: Outbox) -> None:
    assert QUEUE.next(NOON) == (None, None)


def test_the_oldest_reply_goes_first_and_brings_its_address(outbox: Outbox) -> None:
    chat_id = a_chat(7)
    reply(outbox, chat_id, "one", "two")
    row, due = QUEUE.next(NOON)
    assert row is not None
    assert (row.text, row.chat.jid, due) == ("one", "34600000007@s.whatsapp.net", NOON)


def test_a_part_waits_for_its_time(outbox: Outbox) -> None:
    reply(outbox, a_chat(), "slow", not_before=later(5))
    assert QUEUE.next(later(4.9)) == (None, later(5))
    assert next_text(outbox, later(5)) == "slow"


def test_a_chat_keeps_its_order_even_when_a_later_part_is_due_first(outbox: Outbox) -> None:
    chat_id = a_chat()
    reply(outbox, chat_id, "first", not_before=later(60))
    reply(outbox, chat_id, "second")
    assert QUEUE.next(later(1)) == (None, later(60))


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
    QUEUE.mark_sent(rows[0], "3EB0", later(12))
    assert QUEUE.next(later(12), later(5)) == (None, None)
    assert next_text(outbox, later(12)) == "queued while down"


def test_a_reply_in_flight_holds_its_chat(outbox: Outbox) -> None:
    chat_id = a_chat()
    first, _ = reply(outbox, chat_id, "one", "two")
    QUEUE.begin(first, NOON)
    assert next_text(outbox) is None
    QUEUE.mark_in_doubt(first, "timed out")
    assert next_text(outbox) is None
    QUEUE.mark_sent(first, "3EB0", NOON)
    assert next_text(outbox) == "two"


def test_the_replies_of_another_account_are_not_sent(outbox: Outbox) -> None:
    row, _ = reply(outbox, a_chat(), "leaving", "waiting")
    QUEUE.begin(row, NOON)
    assert SendQueue("salon").next(NOON) == (None, None)
    assert SendQueue("salon").unsettled() == []
    assert Outbox("salon").expire(later(1)) == 0
    assert Outbox("salon").count(("pending",)) == 0


# What became of it


def test_sent(outbox: Outbox) -> None:
    (row,) = reply(outbox, a_chat(), "one")
    QUEUE.begin(row, later(1))
    assert [(each.id, each.state, each.sending_at) for each in QUEUE.unsettled()] == [
        (row.id, "sending", later(1))
    ]
    QUEUE.mark_sent(row, "3EB0", later(2))
    row = stored(row)
    assert (row.state, row.message_id, row.sent_at, row.copies) == ("sent", "3EB0", later(2), 1)
    assert QUEUE.unsettled() == []
    assert QUEUE.next(later(9)) == (None, None)


def test_what_surely_did_not_leave_goes_out_again_however_often(outbox: Outbox) -> None:
    (row,) = reply(outbox, a_chat(), "one")
    for attempt in range(50):
        found, _ = QUEUE.next(later(attempt))
        assert found is not None
        QUEUE.begin(found, later(attempt))
        QUEUE.put_back(found, "websocket not connected", later(attempt + 1))
        assert QUEUE.next(later(attempt + 0.5)) == (None, later(attempt + 1))
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
        row, _ = QUEUE.next(later(copy))
        assert row is not None
        assert row.text == "one"
        QUEUE.begin(row, later(copy))
        QUEUE.mark_in_doubt(row, "timed out", f"3EB{copy}")
        state = QUEUE.leave_in_doubt(row, True, later(copy))
        assert state == ("pending" if copy < most else "unsure")
    row = stored(row)
    assert (row.state, row.copies, row.error) == ("unsure", most, "timed out")
    assert next_text(outbox, later(9)) == "two"


def test_a_copy_that_surely_did_not_leave_is_not_counted(outbox: Outbox) -> None:
    (row,) = reply(outbox, a_chat(), "one")
    QUEUE.begin(row, NOON)
    QUEUE.mark_in_doubt(stored(row), "timed out", "3EB0")
    assert QUEUE.leave_in_doubt(stored(row), True, NOON) == "pending"
    for _ in range(5):
        again = stored(row)
        QUEUE.begin(again, NOON)
        QUEUE.put_back(again, "not connected", NOON)
    assert stored(row).copies == 1


def test_what_is_not_taken_now_is_held_for_a_day_and_keeps_its_chat_in_order(outbox: Outbox) -> None:
    reply(outbox, a_chat(), "one", "two")
    for second in (0, 3600, 86_399):
        row, _ = QUEUE.next(later(second))
        assert row is not None
        assert row.text == "one"
        QUEUE.begin(row, later(second))
        assert QUEUE.hold(row, "server returned error 503", later(second), 600) == "pending"
        assert QUEUE.next(later(second)) == (None, later(second + 600))
    row = stored(row)
    assert (row.refusals, row.copies) == (3, 0)
    QUEUE.begin(row, later(86_999))
    assert QUEUE.hold(row, "server returned error 503", later(86_999), 600) == "dead"
    assert next_text(outbox, later(86_999)) == "two"


def test_what_is_refused_for_good_lets_the_next_one_pass(outbox: Outbox) -> None:
    (row, _) = reply(outbox, a_chat(), "one", "two")
    QUEUE.begin(row, NOON)
    QUEUE.mark_refused(row, "server returned error 479")
    row = stored(row)
    assert (row.state, row.refusals, row.copies) == ("dead", 1, 0)
    assert next_text(outbox) == "two"


def test_an_error_of_any_length_can_be_kept(outbox: Outbox) -> None:
    (row,) = reply(outbox, a_chat(), "one")
    QUEUE.begin(row, NOON)
    for change in (
        lambda error: QUEUE.put_back(row, error, NOON),
        lambda error: QUEUE.hold(row, error, NOON, 1),
        lambda error: QUEUE.mark_refused(row, error),
    ):
        change("x" * 10_000)
        assert len(stored(row).error) == 500
    QUEUE.mark_in_doubt(row, "y" * 10_000)
    assert stored(row).error == "y" * 500


def test_what_may_have_left_can_be_held_back(outbox: Outbox) -> None:
    (row,) = reply(outbox, a_chat(), "one")
    QUEUE.begin(row, NOON)
    QUEUE.mark_in_doubt(row, "timed out", "3EB0")
    assert QUEUE.leave_in_doubt(row, False, NOON) == "unsure"
    assert stored(row).copies == 1


def test_each_copy_carries_a_secret_of_its_own(outbox: Outbox) -> None:
    (row,) = reply(outbox, a_chat(), "one")
    seen = {bytes(stored(row).secret)}
    for _ in range(3):
        assert QUEUE.begin(row, NOON)
        assert bytes(row.secret) == bytes(stored(row).secret)
        seen.add(bytes(row.secret))
        QUEUE.put_back(row, "not connected", NOON)
    assert len(seen) == 4


@pytest.mark.parametrize("state", ["in_doubt", "unsure", "pending"])
def test_a_confirmed_message_is_in_doubt_no_more(outbox: Outbox, state: str) -> None:
    row, other = reply(outbox, a_chat(), "one", "two")
    QUEUE.begin(row, later(1))
    QUEUE.mark_in_doubt(row, "timed out", "3EB1")
    if state != "in_doubt":
        QUEUE.leave_in_doubt(row, state == "pending", NOON)
    assert stored(row).state == state
    SendQueue("salon").confirm(["3EB1"], later(5))
    assert stored(row).state == state
    QUEUE.confirm(["3EB1", "3EB9"], later(9))
    row = stored(row)
    assert (row.state, row.sent_at, row.delivered_at) == ("sent", later(1), later(9))
    assert (stored(other).state, stored(other).delivered_at) == ("pending", None)


@pytest.mark.parametrize(("heard_at", "again"), [(None, True), (6, True), (7, False)])
def test_what_the_customer_cannot_read_is_sent_again_unless_the_chat_went_on(
    outbox: Outbox, heard_at: float | None, again: bool
) -> None:
    chat_id = a_chat()
    (row,) = reply(outbox, chat_id, "one")
    QUEUE.begin(row, NOON)
    QUEUE.mark_sent(row, "3EB1", later(5))
    if heard_at is not None:
        Inbox("shop").store(arrival(phone="34600000001"), later(heard_at))
    assert not SendQueue("salon").send_again("3EB1", False, later(9))
    assert QUEUE.send_again("3EB1", False, later(9)) is again
    assert stored(row).state == ("pending" if again else "sent")
    assert not QUEUE.send_again("3EB1", False, later(9))


def test_what_the_customer_cannot_read_is_sent_again_once(outbox: Outbox) -> None:
    (row,) = reply(outbox, a_chat(), "one")
    for copy in range(2):
        QUEUE.begin(stored(row), NOON)
        QUEUE.mark_sent(stored(row), f"3EB{copy}", later(1))
        assert QUEUE.send_again(f"3EB{copy}", False, later(9)) is (copy == 0)
        if copy == 0:
            row, _ = QUEUE.next(later(9))  # type: ignore[assignment]
            assert row.text == "one"
    assert stored(row).state == "sent"


@pytest.mark.parametrize(("sent_at", "again"), [(1, True), (2, False)])
def test_without_a_race_silence_does_not_send_again(outbox: Outbox, sent_at: float, again: bool) -> None:
    (row,) = reply(outbox, a_chat(), "one")
    QUEUE.begin(row, NOON)
    QUEUE.mark_sent(row, "3EB1", later(sent_at))
    assert QUEUE.send_again("3EB1", True, later(40)) is again


def test_what_arrived_is_not_sent_again(outbox: Outbox) -> None:
    (row,) = reply(outbox, a_chat(), "one")
    QUEUE.begin(row, NOON)
    QUEUE.mark_sent(row, "3EB1", later(1))
    QUEUE.confirm(["3EB1"], later(2))
    assert not QUEUE.send_again("3EB1", False, later(9))
    assert not QUEUE.send_again("unknown", False, later(9))


def test_a_deferred_reply_waits(outbox: Outbox) -> None:
    (row,) = reply(outbox, a_chat(), "one")
    QUEUE.defer(row, later(1))
    assert QUEUE.next(NOON) == (None, later(1))


def test_a_delivery_keeps_its_first_time(outbox: Outbox) -> None:
    (row,) = reply(outbox, a_chat(), "one")
    QUEUE.begin(row, NOON)
    QUEUE.mark_sent(row, "3EB1", later(1))
    QUEUE.confirm(["3EB1"], later(2))
    QUEUE.confirm(["3EB1"], later(3))
    assert (stored(row).sent_at, stored(row).delivered_at) == (later(1), later(2))


def test_a_clock_that_was_set_back_holds_no_reply_back(outbox: Outbox) -> None:
    """Neither one that was to wait for its pace, nor one whose next try was put off."""
    reply(outbox, a_chat(), "paced", not_before=later(10))
    assert QUEUE.next(later(5)) == (None, later(10)), "it is in order by itself"
    set_back = NOON - timedelta(hours=1)
    row, _ = QUEUE.next(set_back)
    assert row is not None
    assert row.text == "paced"
    QUEUE.begin(row, later(10))
    QUEUE.hold(row, "server returned error 503", later(10), 590)
    Outbound.update(created_at=later(-7200)).execute()
    assert QUEUE.next(later(11)) == (None, later(600))
    again, _ = QUEUE.next(set_back)
    assert again is not None
    assert again.text == "paced"
