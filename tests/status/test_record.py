from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import peewee
import pytest

from wabot.application.row import ConnectionRow
from wabot.clock import utc_now
from wabot.config.settings import DatabaseSettings
from wabot.database.models import Session
from wabot.status import record as session_record
from wabot.status.record import SessionRecord

WAIT_SECONDS = 10.0


class Row(ConnectionRow):
    """The application's row, in a database that goes away for a few writes."""

    def __init__(self) -> None:
        super().__init__("shop", DatabaseSettings())
        self.away = 0
        self.broken: Exception | None = None

    def write(self, *arguments: Any) -> None:
        if self.away:
            self.away -= 1
            raise peewee.OperationalError("server closed the connection unexpectedly")
        if self.broken is not None:
            broken, self.broken = self.broken, None
            raise broken
        super().write(*arguments)


@pytest.fixture
def row(database: Any, monkeypatch: pytest.MonkeyPatch) -> Row:
    monkeypatch.setattr(session_record, "_RETRY_SECONDS", 0.05)
    monkeypatch.setattr(session_record, "_UNHURRIED_SECONDS", 0.05)
    return Row()


@pytest.fixture
def record(row: Row) -> Iterator[SessionRecord]:
    found = SessionRecord("shop", row)
    found.start()
    yield found
    found.stop(WAIT_SECONDS)


def session() -> Session | None:
    found: Session | None = Session.get_or_none(Session.user_id == "shop")
    return found


def wait_until(condition: Callable[[], Any]) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "it never came to that"
        time.sleep(0.01)


def is_in(state: str) -> bool:
    found = session()
    return found is not None and found.state == state


def test_what_is_said_of_a_session_is_written_soon(record: SessionRecord) -> None:
    assert session() is None
    record.update(state="connecting", reason="first dial")
    wait_until(lambda: is_in("connecting"))
    record.update(state="connected", reason="", phone="34600111222")
    wait_until(lambda: is_in("connected"))
    found = session()
    assert found is not None
    assert (found.reason, found.phone) == ("", "34600111222")
    assert abs((found.updated_at - utc_now()).total_seconds()) < WAIT_SECONDS


def test_the_writer_is_woken_for_news_and_not_for_every_message_of_a_busy_hour(
    row: Row, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session_record, "_UNHURRIED_SECONDS", 1.0)
    record = SessionRecord("shop", row)
    woken: list[int] = []
    monkeypatch.setattr(record, "rouse", lambda: woken.append(1))
    for _ in range(3):
        record.update(last_inbound_at=utc_now())
    assert len(woken) == 1
    record.update(state="connected")
    assert len(woken) == 2, "a state waits for no hour to end"


def test_what_there_is_to_do_is_counted_every_few_seconds_and_at_the_end(
    row: Row, monkeypatch: pytest.MonkeyPatch
) -> None:
    counts = iter("abc")
    monkeypatch.setattr(session_record, "count_backlog", lambda *_: next(counts))
    monkeypatch.setattr(session_record, "_COUNT_SECONDS", 3600.0)
    record = SessionRecord("shop", row)
    record._count()
    assert record.backlog == "a", "at once"
    record._count()
    assert record.backlog == "a"
    record.start()
    record.stop(WAIT_SECONDS)
    assert record.backlog == "b"


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("server closed the connection unexpectedly", "the database does not answer"),
        (
            'connection to server at "db" failed: FATAL:  28P01: password authentication failed',
            "the database refuses: wrong password or role; see sudo wabot doctor",
        ),
    ],
)
def test_a_database_that_is_away_is_told_from_one_that_refuses(
    row: Row, monkeypatch: pytest.MonkeyPatch, said: str, told: str
) -> None:
    def fail(*_: Any) -> None:
        raise peewee.OperationalError(said)

    monkeypatch.setattr(session_record, "count_backlog", fail)
    record = SessionRecord("shop", row)
    record._count()
    assert record.backlog == told


def test_of_a_flurry_of_states_the_last_is_written(row: Row, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[str] = []
    write = row.write
    monkeypatch.setattr(row, "write", lambda news, now: (written.append(news["state"]), write(news, now)))
    monkeypatch.setattr(session_record, "_FLURRY_SECONDS", 0.5)
    record = SessionRecord("shop", row)
    record.start()
    for state in ("reconnecting", "connecting", "connected"):
        record.update(state=state)
        time.sleep(0.01)
    wait_until(lambda: is_in("connected"))
    record.update(state="reconnecting")
    began = time.monotonic()
    record.stop(WAIT_SECONDS)
    assert time.monotonic() - began < 0.5
    assert written == ["connected", "reconnecting"]


def test_the_last_word_is_written_before_the_end(row: Row) -> None:
    record = SessionRecord("shop", row)
    record.start()
    for number in range(100):
        record.update(state=f"state {number}")
    record.update(state="stopped", last_inbound_at=utc_now())
    record.stop(WAIT_SECONDS)
    assert is_in("stopped")


def test_while_the_database_is_away_nothing_is_forgotten_and_the_newest_wins(
    record: SessionRecord, row: Row
) -> None:
    row.away = 5
    record.update(state="connecting", reason="first dial")
    wait_until(lambda: row.away < 5)
    record.update(state="connected")
    wait_until(lambda: row.away == 0 and is_in("connected"))
    time.sleep(0.1)
    assert is_in("connected")
    found = session()
    assert found is not None
    assert found.reason == "first dial"


@pytest.mark.parametrize("reason", ["bad \0 text", "bad \ud800 text"])
def test_a_reason_that_cannot_be_stored_does_not_end_the_record(record: SessionRecord, reason: str) -> None:
    record.update(state="connecting", reason=reason)
    time.sleep(0.1)
    record.update(state="connected", reason="")
    wait_until(lambda: is_in("connected"))


def test_a_failure_nobody_foresaw_does_not_end_the_record(record: SessionRecord, row: Row) -> None:
    row.broken = TypeError("out of the blue")
    record.update(state="connecting")
    wait_until(lambda: row.broken is None)
    record.update(state="connected")
    wait_until(lambda: is_in("connected"))


def test_a_ban_outlives_the_process_that_met_it(record: SessionRecord) -> None:
    assert record.banned_until() is None
    end = (utc_now() + timedelta(hours=1)).replace(microsecond=0)
    record.update(state="banned", banned_until=end)
    wait_until(lambda: is_in("banned"))
    assert record.banned_until() == end
    record.update(state="over", banned_until=utc_now() - timedelta(seconds=1))
    wait_until(lambda: is_in("over"))
    assert record.banned_until() is None


def test_a_clock_that_is_set_back_makes_no_row_an_earlier_process_s(
    row: Row, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever asks compares it with the time at which the process took the session lock."""
    began = utc_now()
    record = SessionRecord("shop", row)
    monkeypatch.setattr(session_record, "utc_now", lambda: began - timedelta(hours=1))
    record.start()
    record.update(state="connected")
    record.stop(WAIT_SECONDS)
    assert Session.get().updated_at >= began


def test_a_ban_lasts_no_longer_for_a_clock_that_was_set_back(record: SessionRecord) -> None:
    ahead = utc_now() + timedelta(days=400)
    end = ahead + timedelta(minutes=10)
    record.update(state="banned", since=ahead, banned_until=end)
    wait_until(lambda: is_in("banned"))
    until = record.banned_until()
    assert until is not None
    assert timedelta(minutes=9) < until - utc_now() <= timedelta(minutes=10)
