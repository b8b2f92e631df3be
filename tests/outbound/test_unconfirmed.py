from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.support.arrivals import NOON, arrival
from wabot.clock import utc_now
from wabot.conversation.inbox import Inbox
from wabot.conversation.outbox import Outbox, Part
from wabot.conversation.send_queue import SendQueue
from wabot.database.models import Inbound, Outbound
from wabot.outbound.unconfirmed import (
    RECEIPT_SECONDS,
    UnconfirmedSends,
    give_up_old_replies,
    recover_in_flight,
)
from wabot.whatsapp.store_query import StoreSilent

QUEUE = SendQueue("shop")
# As stored; and in monotonic seconds.
LONG_AGO = datetime(2026, 11, 22, 12)
START = 1000.0


def later(seconds: float) -> float:
    return START + seconds


class Trouble:
    """A reply on its way, the library's store, and the customer's phone."""

    def __init__(self, resend: bool = True) -> None:
        self.outbox = Outbox("shop")
        chat_id = Inbox("shop").store(arrival(), LONG_AGO)
        assert chat_id is not None
        rows = Inbox("shop").pending(chat_id)
        self.outbox.put(chat_id, [Part("hello", LONG_AGO)], "test", rows, LONG_AGO)
        self.ids: dict[bytes, str] = {}
        self.arrived: set[str] = set()
        self.lookups = 0
        self.store_is_silent = False
        self.unsure: list[Outbound] = []
        self.unconfirmed = UnconfirmedSends(
            QUEUE, self, SimpleNamespace(arrived=self.arrived.__contains__), resend, self
        )

    def tell_unsure(self, reply: Outbound) -> None:
        self.unsure.append(reply)

    def leave_shut_out(self, reply: Outbound) -> None:
        raise AssertionError("it was taken")

    def message_ids(self, secrets: list[bytes]) -> Mapping[bytes, str]:
        self.lookups += 1
        if self.store_is_silent:
            raise StoreSilent("locked")
        return {secret: self.ids[secret] for secret in secrets if secret in self.ids}

    def send(self, message_id: str = "", known: bool = True, at: datetime = LONG_AGO) -> None:
        """Begin to send; with an id the library wrote it down before the link was cut."""
        row, _ = QUEUE.next(utc_now())
        assert row is not None
        QUEUE.begin(row, at)
        if message_id:
            self.ids[bytes(row.secret)] = message_id
        if known:
            QUEUE.mark_in_doubt(row, "websocket disconnected")
            self.unconfirmed.arose()

    @property
    def row(self) -> Outbound:
        return Outbound.get()


@pytest.fixture
def trouble(database: Any) -> Trouble:
    return Trouble()


def test_without_doubt_nobody_is_asked(trouble: Trouble) -> None:
    assert trouble.unconfirmed.settle(START, START) is None
    assert not trouble.unconfirmed.exist
    trouble.send()
    trouble.unconfirmed.exist = False
    assert trouble.unconfirmed.settle(START, START) is None
    assert trouble.lookups == 0


def test_what_the_library_never_wrote_down_never_left(trouble: Trouble) -> None:
    for second in range(5):
        trouble.send()
        assert trouble.unconfirmed.settle(later(second), START) is None
        assert (trouble.row.state, trouble.row.copies) == ("pending", 0)
        assert trouble.row.not_before <= utc_now()
    assert not trouble.unconfirmed.exist


def test_a_send_that_nobody_follows_any_more_is_in_doubt_too(trouble: Trouble) -> None:
    """Its row was written, and then the database went away."""
    trouble.send("3EB1", known=False)
    assert trouble.unconfirmed.settle(later(1), START) == later(RECEIPT_SECONDS)
    assert (trouble.row.state, trouble.row.message_id) == ("in_doubt", "3EB1")


def test_what_the_phone_confirms_has_arrived(trouble: Trouble) -> None:
    trouble.send("3EB1")
    assert trouble.unconfirmed.settle(later(1), START) == later(RECEIPT_SECONDS)
    trouble.arrived.add("3EB1")
    assert trouble.unconfirmed.settle(later(2), START) is None
    assert (trouble.row.state, trouble.row.sent_at) == ("sent", LONG_AGO)
    assert trouble.row.delivered_at is not None
    assert trouble.lookups == 1


def test_a_confirmation_is_waited_for_while_the_link_is_up(trouble: Trouble) -> None:
    trouble.send("3EB1")
    assert trouble.unconfirmed.settle(later(100), later(98)) == later(98 + RECEIPT_SECONDS)
    assert trouble.row.state == "in_doubt"
    assert trouble.unconfirmed.settle(later(98 + RECEIPT_SECONDS), later(98)) is None
    assert trouble.row.state == "pending"


def test_what_a_phone_that_is_there_does_not_confirm_is_sent_five_times_and_then_the_owner_is_told(
    trouble: Trouble,
) -> None:
    """Each copy is given twice as long as the one before it."""
    now = 0.0
    for copy in range(1, 6):
        assert trouble.unsure == []
        trouble.send(f"3EB{copy}")
        patience_seconds = RECEIPT_SECONDS * 2 ** (copy - 1)
        assert trouble.unconfirmed.settle(later(now), later(now)) == later(now + patience_seconds)
        now += patience_seconds
        assert trouble.unconfirmed.settle(later(now), later(now - patience_seconds)) is None
    assert (trouble.row.state, trouble.row.copies, trouble.row.message_id) == ("unsure", 5, "3EB5")
    assert [row.id for row in trouble.unsure] == [trouble.row.id]


def test_what_a_phone_that_may_be_away_does_not_confirm_is_sent_once_more(trouble: Trouble) -> None:
    Inbound.update(received_at=LONG_AGO - timedelta(hours=1)).execute()
    trouble.send("3EB1")
    trouble.unconfirmed.settle(later(10), START)
    assert trouble.row.state == "pending"
    trouble.send("3EB2")
    trouble.unconfirmed.settle(later(30), START)
    assert (trouble.row.state, trouble.row.copies, trouble.row.message_id) == ("unsure", 2, "3EB2")


def test_a_late_receipt_of_an_earlier_copy_is_as_good(trouble: Trouble) -> None:
    trouble.send("3EB1")
    trouble.unconfirmed.settle(later(10), START)
    trouble.send("3EB2")
    trouble.unconfirmed.settle(later(11), later(10))
    assert trouble.row.state == "in_doubt"
    trouble.arrived.add("3EB1")
    assert trouble.unconfirmed.settle(later(12), later(10)) is None
    assert (trouble.row.state, trouble.row.copies) == ("sent", 2)


def test_what_is_not_confirmed_is_held_back_where_that_is_wanted_and_people_are_told(
    database: Any, caplog: pytest.LogCaptureFixture
) -> None:
    trouble = Trouble(resend=False)
    trouble.send("3EB1")
    trouble.unconfirmed.settle(later(10), START)
    assert (trouble.row.state, trouble.row.copies) == ("unsure", 1)
    assert [record.levelname for record in caplog.records] == ["WARNING"]


def test_a_store_that_does_not_answer_is_asked_again_later(trouble: Trouble) -> None:
    trouble.store_is_silent = True
    trouble.send("3EB1")
    assert trouble.unconfirmed.settle(later(1), START) == later(6)
    assert trouble.unconfirmed.settle(later(3), START) == later(6)
    assert trouble.lookups == 1
    trouble.store_is_silent = False
    assert trouble.unconfirmed.settle(later(6), later(5)) == later(5 + RECEIPT_SECONDS)
    assert (trouble.row.state, trouble.row.message_id) == ("in_doubt", "3EB1")


@pytest.mark.parametrize("ahead", [timedelta(hours=-2), timedelta(0), timedelta(hours=1)])
def test_a_doubt_lasts_no_longer_for_a_clock_that_was_set(trouble: Trouble, ahead: timedelta) -> None:
    """By the clock of now, the reply left an hour from now, or two hours ago."""
    trouble.send("3EB1", at=utc_now() + ahead)
    due = trouble.unconfirmed.settle(later(1), START)
    assert due is not None
    assert later(RECEIPT_SECONDS) <= due <= later(1 + RECEIPT_SECONDS)
    assert trouble.unconfirmed.settle(later(3), START) == due
    assert trouble.unconfirmed.settle(due, START) is None
    assert trouble.row.state == "pending"


# What the last process left


@pytest.fixture
def outbox(database: Any) -> Outbox:
    return Outbox("shop")


@pytest.fixture
def store(tmp_path: Path) -> Path:
    path = tmp_path / "whatsapp.db"
    with closing(sqlite3.connect(path)) as library:
        library.execute("CREATE TABLE whatsmeow_message_secrets (message_id TEXT, key BLOB)")
        library.commit()
    return path


def reply(outbox: Outbox, text: str) -> Outbound:
    chat_id = Inbox("shop").store(arrival(), NOON)
    assert chat_id is not None
    outbox.put(chat_id, [Part(text, NOON)], "test", Inbox("shop").pending(chat_id), NOON)
    found: Outbound = Outbound.get(Outbound.text == text)
    return found


def write_down(store: Path, row: Outbound, message_id: str) -> None:
    """What the library does before a frame leaves."""
    with closing(sqlite3.connect(store)) as library:
        library.execute(
            "INSERT INTO whatsmeow_message_secrets VALUES (?, ?)", (message_id, bytes(row.secret))
        )
        library.commit()


def test_what_never_left_is_sent_as_if_nothing_had_happened(outbox: Outbox, store: Path) -> None:
    QUEUE.begin(reply(outbox, "hello"), NOON)
    recover_in_flight(QUEUE, store)
    row = Outbound.get()
    assert (row.state, row.copies, row.error) == ("pending", 0, "the process ended before it left")


def test_without_a_store_nothing_ever_left(outbox: Outbox, tmp_path: Path) -> None:
    QUEUE.begin(reply(outbox, "hello"), NOON)
    recover_in_flight(QUEUE, tmp_path / "none.db")
    assert Outbound.get().state == "pending"


def test_what_may_have_left_is_in_doubt_under_the_id_it_left_with(outbox: Outbox, store: Path) -> None:
    row = reply(outbox, "hello")
    QUEUE.begin(row, NOON)
    write_down(store, row, "3EB0")
    recover_in_flight(QUEUE, store)
    row = Outbound.get()
    assert (row.state, row.copies, row.message_id) == ("in_doubt", 1, "3EB0")
    store.unlink()
    recover_in_flight(QUEUE, store)
    assert Outbound.get().state == "in_doubt"


@pytest.mark.parametrize(
    ("is_known", "state", "message_id"), [(False, "pending", "3EB0"), (True, "in_doubt", "3EB1")]
)
def test_of_a_second_copy_the_id_of_the_first_says_nothing(
    outbox: Outbox, store: Path, is_known: bool, state: str, message_id: str
) -> None:
    row = reply(outbox, "hello")
    QUEUE.begin(row, NOON)
    QUEUE.mark_in_doubt(row, "timed out", "3EB0")
    QUEUE.leave_in_doubt(row, True, NOON)
    QUEUE.begin(row, NOON)
    if is_known:
        write_down(store, row, "3EB1")
    recover_in_flight(QUEUE, store)
    assert (Outbound.get().state, Outbound.get().message_id) == (state, message_id)


def test_what_was_in_doubt_and_had_no_id_yet_is_looked_up(outbox: Outbox, store: Path) -> None:
    row = reply(outbox, "hello")
    QUEUE.begin(row, NOON)
    QUEUE.mark_in_doubt(row, "timed out")
    recover_in_flight(QUEUE, store)
    assert Outbound.get().state == "pending"


def test_what_was_settled_is_left_alone(outbox: Outbox, store: Path) -> None:
    sent, waiting = reply(outbox, "sent"), reply(outbox, "waiting")
    QUEUE.begin(sent, NOON)
    QUEUE.mark_sent(sent, "3EB0", NOON)
    recover_in_flight(QUEUE, store)
    states = {row.text: row.state for row in Outbound}
    assert states == {"sent": "sent", "waiting": "pending"}
    assert waiting.copies == 0


def test_only_replies_older_than_a_day_are_given_up(outbox: Outbox) -> None:
    old, new = reply(outbox, "old"), reply(outbox, "new")
    now = utc_now()
    for row, age in ((old, timedelta(hours=24, minutes=1)), (new, timedelta(hours=23, minutes=59))):
        Outbound.update(created_at=now - age).where(Outbound.id == row.id).execute()
    give_up_old_replies(outbox)
    assert {row.text: row.state for row in Outbound} == {"old": "dead", "new": "pending"}
