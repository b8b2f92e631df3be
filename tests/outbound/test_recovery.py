from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.support.arrivals import NOON, arrival
from wabot.clock import utc_now
from wabot.conversation.inbox import Inbox
from wabot.conversation.outbox import Outbox
from wabot.conversation.send_queue import SendQueue
from wabot.database.models import Outbound
from wabot.outbound.unconfirmed import give_up_old_replies, recover_in_flight

QUEUE = SendQueue("shop")


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
    outbox.put(chat_id, [(text, NOON)], "test", Inbox("shop").pending(chat_id), NOON)
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
