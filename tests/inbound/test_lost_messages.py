from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import peewee
import pytest

from tests.support.arrivals import ANA, ANA_LID, NOON, arrival, later
from wabot.clock import utc_now
from wabot.conversation.inbox import Inbox
from wabot.database.models import Fact, Inbound
from wabot.inbound.lost_messages import MOST_LOST, LostMessages, StoreCursor, load_mark, save_mark
from wabot.whatsapp.messages import IncomingMessage, MessageKind, Trace
from wabot.whatsapp.store import Traces, read_traces
from wabot.whatsapp.store_query import OpenStore

OWN, OWN_LID = "34600999888:15@s.whatsapp.net", "199000999888:15@lid"
TABLES = """
    CREATE TABLE whatsmeow_device (jid TEXT PRIMARY KEY, lid TEXT);
    CREATE TABLE whatsmeow_message_secrets (
        our_jid TEXT, chat_jid TEXT, sender_jid TEXT, message_id TEXT, key BLOB NOT NULL,
        PRIMARY KEY (our_jid, chat_jid, sender_jid, message_id)
    );
    CREATE TABLE whatsmeow_lid_map (lid TEXT PRIMARY KEY, pn TEXT UNIQUE NOT NULL);
"""


OLD = "failed to decrypt normal message: received message with old counter (index: 1, count: 0)"


class Session:
    """The library's store, the inbox, and what is found missing in it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.inbox = Inbox("shop")
        self.taken: list[IncomingMessage] = []
        self.is_behind = False
        with closing(sqlite3.connect(path)) as store, store:
            store.executescript(TABLES)
            store.execute("INSERT INTO whatsmeow_device VALUES (?, ?)", (OWN, OWN_LID))

    def decrypt(self, *message_ids: str, chat: str = ANA, sender: str = "", secret: bytes = b"s") -> None:
        """The library decrypts messages."""
        with closing(sqlite3.connect(self.path)) as store, store:
            store.executemany(
                "INSERT INTO whatsmeow_message_secrets VALUES (?, ?, ?, ?, ?)",
                [(OWN, chat, sender or chat, message_id, secret) for message_id in message_ids],
            )

    def hand_over(self, *message_ids: str) -> None:
        """And Python stores them."""
        for message_id in message_ids:
            self.inbox.store(arrival(message_id=message_id), NOON)

    def take_lost(self, message: IncomingMessage) -> None:
        self.taken.append(message)

    def process(self) -> LostMessages:
        """A process that begins."""
        rest: Any = self
        lost = LostMessages("shop", self.path, self.inbox, rest, rest)
        lost.begin()
        lost.start()
        return lost

    def search(self) -> list[str]:
        """What a process finds that begins now, and is killed."""
        self.taken.clear()
        self.process().stop(5, in_order=False)
        return [message.message_id for message in self.taken]


@pytest.fixture
def session(database: Any, tmp_path: Path) -> Session:
    return Session(tmp_path / "whatsapp.db")


def test_what_is_safe_on_the_disk_is_not_lost(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    """A kill while the database was away: the messages are not in the inbox yet."""
    monkeypatch.setattr("wabot.inbound.lost_messages._DATABASE_RETRY_SECONDS", 0.05)
    session.decrypt("A1")
    session.hand_over("A1")
    assert session.search() == []
    session.decrypt("A2", "A3")
    session.is_behind = True
    lost = session.process()
    time.sleep(0.3)
    assert session.taken == []
    session.hand_over("A2")
    session.is_behind = False
    deadline = time.monotonic() + 5
    while not session.taken:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    lost.stop(5, in_order=True)
    assert [message.message_id for message in session.taken] == ["A3"]


def test_a_database_that_is_away_at_the_end_is_no_crash(
    session: Session, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(_user_id: str, _mark: StoreCursor) -> None:
        raise peewee.OperationalError("could not connect to server")

    lost = session.process()
    monkeypatch.setattr("wabot.inbound.lost_messages.save_mark", refuse)
    lost.stop(5, in_order=True)
    assert "the next start looks for lost messages" in caplog.text


def test_after_an_end_in_order_nothing_is_searched(session: Session) -> None:
    session.decrypt("A1")
    session.process().stop(5, in_order=True)
    session.decrypt("A2")
    assert session.search() == []


def test_after_a_kill_what_came_last_and_is_not_in_the_inbox_was_lost(session: Session) -> None:
    session.decrypt("OLD")
    assert session.search() == []
    session.decrypt("A1", "A2", "A3", "A4")
    session.hand_over("A1", "A2")
    assert session.search() == ["A3", "A4"]


def test_what_was_found_once_is_not_found_again(session: Session) -> None:
    session.search()
    session.decrypt("A1")
    assert session.search() == ["A1"]
    assert session.search() == []


def test_what_is_missing_before_the_last_one_stored_was_deleted_not_lost(session: Session) -> None:
    session.search()
    session.decrypt("FORGOTTEN", "A1")
    session.hand_over("A1")
    assert session.search() == []


def test_a_message_that_came_once_more_hides_none_that_came_before_it(session: Session) -> None:
    session.search()
    session.decrypt("A1", "A2", "A3", "A4")
    session.hand_over("A1")
    rest: Any = session
    lost = LostMessages("shop", session.path, session.inbox, rest, rest)
    lost.begin()
    session.inbox.store(arrival(message_id="A3"), utc_now())
    lost.start()
    lost.stop(5, in_order=False)
    assert [message.message_id for message in session.taken] == ["A2", "A4"]


def test_own_messages_are_not_lost(session: Session) -> None:
    session.search()
    session.decrypt("B1", chat=ANA, sender="34600999888@s.whatsapp.net")
    session.decrypt("A1")
    session.decrypt("B2", chat=ANA_LID, sender="199000999888@lid")
    assert session.search() == ["A1"]


def test_a_lost_message_is_of_the_chat_it_was_written_in(session: Session) -> None:
    session.search()
    with closing(sqlite3.connect(session.path)) as store, store:
        store.execute("INSERT INTO whatsmeow_lid_map VALUES ('299000111222', '34600111222')")
    session.decrypt("A1", chat=ANA_LID)
    session.decrypt("A2", chat=ANA)
    session.search()
    by_lid, by_phone = session.taken
    assert (by_lid.chat, by_lid.lid, by_lid.phone) == (ANA_LID, "299000111222", "34600111222")
    assert (by_phone.chat, by_phone.lid, by_phone.phone) == (ANA, "", "34600111222")
    assert {by_lid.kind, by_phone.kind} == {MessageKind.LOST}
    assert by_lid.contact == by_phone.contact


def test_another_account_in_the_store_begins_anew(session: Session) -> None:
    session.search()
    with closing(sqlite3.connect(session.path)) as store, store:
        store.execute("UPDATE whatsmeow_device SET jid = '34600999888:16@s.whatsapp.net'")
    session.decrypt("A1")
    assert session.search() == []


def test_the_history_of_an_account_is_not_asked_for(session: Session, caplog: Any) -> None:
    session.search()
    session.decrypt(*(f"H{number}" for number in range(MOST_LOST)))
    assert session.search() == []
    assert "cannot have been lost lately" in caplog.text


def test_what_came_long_ago_is_not_asked_for(session: Session) -> None:
    session.search()
    mark = load_mark("shop")
    assert mark is not None
    save_mark("shop", replace(mark, at=utc_now() - timedelta(days=2)))
    session.decrypt("A1")
    assert session.search() == []
    session.decrypt("A2", "A3")
    session.hand_over("A2")
    save_mark("shop", replace(mark, at=utc_now() - timedelta(days=2)))
    assert session.search() == ["A3"]


def test_what_the_library_dropped_between_two_connections_is_found(session: Session) -> None:
    lost = session.process()
    session.decrypt("A1", "A2")
    session.hand_over("A1")
    lost.link_ended()
    session.decrypt("A3")
    session.hand_over("A3")
    lost.stop(20, in_order=True)
    assert [message.message_id for message in session.taken] == ["A2"]
    assert session.search() == []


def test_a_history_that_was_announced_is_skipped(session: Session) -> None:
    lost = session.process()
    session.decrypt("H1", "H2")
    lost.start_over()
    lost.stop(20, in_order=False)
    session.decrypt("A1")
    assert session.search() == ["A1"]


def test_an_ignored_message_that_is_not_in_the_inbox_was_lost(session: Session) -> None:
    lost = session.process()
    session.hand_over("A1")
    for message_id in ("A1", "A2", "A2"):
        lost.ignored(Trace(ANA, ANA, message_id))
    lost.stop(5, in_order=True)
    assert [message.message_id for message in session.taken] == ["A2"]


def test_nobody_without_a_chat_is_written_to_for_a_line_of_a_log(session: Session) -> None:
    lost = session.process()
    session.inbox.store(arrival(message_id="A0", lid="299000111222"), NOON)
    stranger = "34699888777@s.whatsapp.net"
    for trace in (Trace(stranger, stranger, "A1"), Trace("123@g.us", ANA, "A2")):
        lost.ignored(trace)
    lost.ignored(Trace(ANA_LID, ANA_LID, "A3"))  # the same person under the other address
    lost.stop(5, in_order=True)
    assert [message.message_id for message in session.taken] == ["A3"]


def test_ignored_messages_are_looked_at_after_a_while(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wabot.inbound.lost_messages._STILL_COMING_SECONDS", 0.3)
    lost = session.process()
    lost.ignored(Trace(ANA, ANA, "A1"))
    lost.ignored(Trace(ANA, ANA, "A2"))
    time.sleep(0.1)  # it is still on its way to the inbox
    session.hand_over("A1")
    deadline = time.monotonic() + 5
    while not session.taken and time.monotonic() < deadline:
        time.sleep(0.01)
    assert [message.message_id for message in session.taken] == ["A2"]
    lost.stop(5, in_order=True)


def test_ignored_messages_outlast_a_database_that_is_away(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wabot.inbound.lost_messages._DATABASE_RETRY_SECONDS", 0.05)
    lost = session.process()
    session.hand_over("A0")
    known, tries = session.inbox.known, []

    def be_away_once(message_ids: Any) -> Any:
        tries.append(1)
        if len(tries) == 1:
            raise peewee.OperationalError("server closed the connection unexpectedly")
        return known(message_ids)

    monkeypatch.setattr(session.inbox, "known", be_away_once)
    monkeypatch.setattr("wabot.inbound.lost_messages._STILL_COMING_SECONDS", 0.0)
    lost.ignored(Trace(ANA, ANA, "A1"))
    deadline = time.monotonic() + 5
    while not session.taken and time.monotonic() < deadline:
        time.sleep(0.01)
    lost.stop(5, in_order=True)
    assert [message.message_id for message in session.taken] == ["A1"]


def test_a_failed_search_leaves_no_end_in_order(session: Session) -> None:
    lost = session.process()
    session.path.write_bytes(b"no database any more" * 100)
    lost.start_over()
    lost.stop(3, in_order=True)
    mark = load_mark("shop")
    assert mark is not None
    assert not mark.in_order


def test_a_store_that_cannot_be_read_is_no_reason_not_to_start(session: Session, caplog: Any) -> None:
    session.path.write_bytes(b"no database any more" * 100)
    assert session.search() == []
    assert "cannot be searched" in caplog.text


@pytest.mark.parametrize("value", ["", "[]", "{}", '{"device": 1, "position": "x"}', "null", "7"])
def test_a_mark_that_cannot_be_understood_is_none(database: Any, value: str) -> None:
    Fact.create(key="intake:shop", value=value)
    assert load_mark("shop") is None


def test_a_mark_is_kept(database: Any) -> None:
    for position in (1, 2):
        save_mark("shop", StoreCursor(OWN, position, later(position), in_order=True))
    save_mark("salon", StoreCursor("", 0, NOON))
    assert load_mark("shop") == StoreCursor(OWN, 2, later(2), in_order=True)
    assert load_mark("salon") == StoreCursor("", 0, NOON)
    assert load_mark("bakery") is None


def test_another_process_can_be_asked_about_the_store(session: Session) -> None:
    session.decrypt("A1", secret=b"\x01" * 32)
    session.decrypt("A2", secret=b"\x02" * 32)
    store = OpenStore(session.path)
    assert store.message_ids([b"\x02" * 32, b"\x03" * 32]) == {b"\x02" * 32: "A2"}
    assert store.traces(1) == Traces(OWN, 2, (Trace(ANA, ANA, "A2"),)) == read_traces(session.path, 1)


def test_a_store_without_tables_has_no_traces(tmp_path: Path) -> None:
    assert read_traces(tmp_path / "missing.db", 0) == Traces("", 0, ())
    assert not (tmp_path / "missing.db").exists()
    sqlite3.connect(tmp_path / "empty.db").close()
    assert read_traces(tmp_path / "empty.db", 0) == Traces("", 0, ())


def test_a_lost_message_that_comes_after_all_takes_its_place(database: Any) -> None:
    inbox = Inbox("shop")
    lost = arrival("", message_id="A1", kind=MessageKind.LOST)
    chat_id = inbox.store(lost, NOON)
    assert chat_id is not None
    inbox.settle([row.id for row in inbox.pending(chat_id)], "answered", "ask-to-repeat")
    assert inbox.store(lost, NOON) is None
    assert inbox.store(arrival("hello", message_id="A1"), later(1)) == chat_id
    assert [(row.kind, row.text, row.state) for row in Inbound] == [("text", "hello", "pending")]
    assert inbox.store(arrival("hello", message_id="A1"), later(2)) is None
    assert inbox.store(lost, later(3)) is None
    assert [(row.kind, row.received_at) for row in Inbound] == [("text", later(1))]
