from __future__ import annotations

import threading
from datetime import datetime
from pathlib import Path
from typing import Any, cast

import peewee
import pytest

from wabot.outbound.receipt_file import ReceiptFile
from wabot.outbound.receipts import _PATIENCE_SECONDS, AwaitedReceipts, Evidence, Receipts
from wabot.whatsapp.messages import Receipt


class AwayDepartures:
    """Replies whose database is away for the first question of each kind."""

    def __init__(self) -> None:
        self.confirmed: list[str] = []
        self.sent_again: list[str] = []
        self._asked: set[str] = set()
        self.wakeup = threading.Event()

    def confirm(self, message_ids: list[str], _now: datetime) -> None:
        """Write receipts down."""
        self._be_away_once("confirm")
        self.confirmed += message_ids

    def send_again(self, message_id: str, _only_others: bool, _now: datetime) -> bool:
        """Put a reply back."""
        self._be_away_once("send_again")
        self.sent_again.append(message_id)
        return True

    def _be_away_once(self, question: str) -> None:
        if question not in self._asked:
            self._asked.add(question)
            raise peewee.InternalError("cannot execute UPDATE in a read-only transaction")


def test_what_phones_say_outlives_an_outage(sqlite_database: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wabot.outbound.receipts._WRITE_EVERY_SECONDS", 0.05)
    monkeypatch.setitem(_PATIENCE_SECONDS, Evidence.ASKED_AGAIN, 0.0)
    outbox: Any = AwayDepartures()
    receipts = Receipts(outbox)
    receipts.start()
    receipts.take(Receipt(("A1",), arrived=True))
    receipts.take(Receipt(("A2",), arrived=False))
    assert outbox.wakeup.wait(5)
    receipts.stop(5)
    # What is written down twice is the same.
    assert (set(outbox.confirmed), outbox.sent_again) == ({"A1"}, ["A2"])


def test_what_was_not_written_down_outlives_the_process(sqlite_database: Any, tmp_path: Path) -> None:
    """WhatsApp does not send it again, and a reply that nobody confirms is sent again."""
    file = tmp_path / "receipts"
    killed = Receipts(cast(Any, AwayDepartures()), ReceiptFile(file))
    killed.take(Receipt(("A1", "A2"), arrived=True))
    killed.take(Receipt(("A3",), arrived=True))
    with file.open("ab") as half_written:
        half_written.write(b"A4")
    outbox = AwayDepartures()
    outbox._be_away_once = lambda question: None  # type: ignore[method-assign]
    receipts = Receipts(cast(Any, outbox), ReceiptFile(file))
    receipts.start()
    assert receipts.arrived("A2")
    receipts.stop(5)
    assert outbox.confirmed == ["A1", "A2", "A3"]
    assert file.read_bytes() == b""
    assert ReceiptFile(file).load() == []


def test_a_file_that_cannot_be_used_is_told_and_keeps_nobody_waiting(
    sqlite_database: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "receipts"
    file.symlink_to(tmp_path / "elsewhere")
    receipts = Receipts(cast(Any, AwayDepartures()), ReceiptFile(file))
    receipts.take(Receipt(("A1",), arrived=True))
    assert receipts.arrived("A1")
    assert not (tmp_path / "elsewhere").exists()
    assert "cannot be written" in caplog.text


NOON = 1000.0


def later(seconds: float) -> float:
    return NOON + seconds


@pytest.fixture
def deliveries() -> AwaitedReceipts:
    return AwaitedReceipts()


def test_a_confirmed_reply_is_readable(deliveries: AwaitedReceipts) -> None:
    deliveries.sent("A", 1, NOON)
    deliveries.confirmed("A")
    assert deliveries.take_unreadable(later(3000)) == ([], None)


def test_silence_alone_proves_nothing(deliveries: AwaitedReceipts) -> None:
    """The phone is switched off."""
    deliveries.sent("A", 1, NOON)
    assert deliveries.take_unreadable(later(3000)) == ([], None)


def test_a_phone_that_asks_again_and_gets_nothing(deliveries: AwaitedReceipts) -> None:
    deliveries.sent("A", 1, NOON)
    deliveries.asked_again("A", later(1))
    deliveries.asked_again("A", later(9))
    assert deliveries.take_unreadable(later(1)) == ([], later(11))
    assert deliveries.take_unreadable(later(11)) == ([("A", Evidence.ASKED_AGAIN)], None)
    assert deliveries.take_unreadable(later(99)) == ([], None)


def test_a_phone_that_asks_again_and_is_served_by_the_library(deliveries: AwaitedReceipts) -> None:
    deliveries.sent("A", 1, NOON)
    deliveries.asked_again("A", later(1))
    deliveries.confirmed("A")
    assert deliveries.take_unreadable(later(99)) == ([], None)


def test_a_phone_may_ask_for_what_an_earlier_process_sent(deliveries: AwaitedReceipts) -> None:
    deliveries.asked_again("A", NOON)
    assert deliveries.take_unreadable(later(10)) == ([("A", Evidence.ASKED_AGAIN)], None)


def test_a_later_reply_that_arrived_convicts_an_earlier_one(deliveries: AwaitedReceipts) -> None:
    deliveries.sent("A", 1, NOON)
    deliveries.sent("B", 1, later(1))
    deliveries.confirmed("B")
    assert deliveries.take_unreadable(later(2)) == ([], later(7))
    deliveries.sent("C", 1, later(6))
    deliveries.confirmed("C")
    assert deliveries.take_unreadable(later(7)) == ([("A", Evidence.OVERTAKEN)], None)


def test_an_earlier_reply_that_arrived_convicts_no_later_one(deliveries: AwaitedReceipts) -> None:
    deliveries.sent("A", 1, NOON)
    deliveries.sent("B", 1, later(1))
    deliveries.confirmed("A")
    assert deliveries.take_unreadable(later(99)) == ([], None)


def test_later_replies_to_others_convict_later(deliveries: AwaitedReceipts) -> None:
    deliveries.sent("A", 1, NOON)
    deliveries.sent("B", 2, later(1))
    deliveries.confirmed("B")
    assert deliveries.take_unreadable(later(2)) == ([], later(30))
    assert deliveries.take_unreadable(later(30)) == ([("A", Evidence.OTHERS_ONLY)], None)


def test_after_lost_receipts_silence_proves_nothing(deliveries: AwaitedReceipts) -> None:
    deliveries.sent("A", 1, NOON)
    deliveries.forget()
    deliveries.sent("B", 1, later(1))
    deliveries.confirmed("B")
    assert deliveries.take_unreadable(later(99)) == ([], None)


def test_memory_is_bounded(deliveries: AwaitedReceipts) -> None:
    for number in range(20_000):
        deliveries.sent(f"S{number}", number, later(number))
        deliveries.sent(f"C{number}", number, later(number))
        deliveries.confirmed(f"C{number}")
        deliveries.asked_again(f"R{number}", later(number))
    assert max(len(deliveries._sent), len(deliveries._newest_in_chat)) <= 5000
