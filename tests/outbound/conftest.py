from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.support.office import (
    WAIT_SECONDS,
    Office,
)
from wabot.database import workers
from wabot.outbound import pacing, sender, upload
from wabot.outbound import unconfirmed as unconfirmed


@pytest.fixture
def in_a_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sender, "STABLE_SECONDS", 0.0)
    monkeypatch.setattr(sender, "_RETRY_SECONDS", 0.01)
    monkeypatch.setattr(pacing, "_BUSY_SECONDS", 0.01)
    monkeypatch.setattr(upload, "_FRESH_LOGIN_SECONDS", 0.01)
    monkeypatch.setattr(sender, "DATABASE_RETRY_SECONDS", 0.01)
    monkeypatch.setattr(workers, "FAILED_SECONDS", 0.01)
    monkeypatch.setattr(workers, "RETRY_SECONDS", 0.01)
    monkeypatch.setattr(unconfirmed, "RECEIPT_SECONDS", 0.01)


@pytest.fixture
def make_office(sqlite_database: Any, in_a_hurry: None) -> Iterator[Callable[..., Office]]:
    offices: list[Office] = []

    def make(**options: Any) -> Office:
        offices.append(Office(**options))
        return offices[-1]

    yield make
    for office in offices:
        office.phone.may_answer.set()
        office.sender.stop(WAIT_SECONDS)
        assert not office.sender.is_alive()


@pytest.fixture
def office(make_office: Callable[..., Office]) -> Office:
    """A sender at work, whose link is down."""
    found = make_office()
    found.sender.start()
    return found
