from __future__ import annotations

import threading
from datetime import datetime
from typing import Any

import peewee
import pytest

from wabot.deliveries import _PATIENCE_SECONDS, Evidence
from wabot.messages import Receipt
from wabot.receipts import Receipts


class AwayDepartures:
    """Replies whose database is away for the first question of each kind."""

    def __init__(self) -> None:
        self.confirmed: list[str] = []
        self.sent_again: list[str] = []
        self._asked: set[str] = set()

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
    monkeypatch.setattr("wabot.receipts._WRITE_EVERY_SECONDS", 0.05)
    monkeypatch.setitem(_PATIENCE_SECONDS, Evidence.ASKED_AGAIN, 0.0)
    outbox: Any = AwayDepartures()
    woken = threading.Event()
    receipts = Receipts(outbox, woken.set)
    receipts.start()
    receipts.take(Receipt(("A1",), arrived=True))
    receipts.take(Receipt(("A2",), arrived=False))
    assert woken.wait(5)
    receipts.stop(5)
    # What is written down twice is the same.
    assert (set(outbox.confirmed), outbox.sent_again) == ({"A1"}, ["A2"])
