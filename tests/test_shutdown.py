from __future__ import annotations

import threading
import time
from types import SimpleNamespace
from typing import Any

import pytest

from tests.arrivals import arrival
from wabot.intake import Intake
from wabot.messages import IncomingMessage
from wabot.schedule import ChatSchedule
from wabot.shutdown import hang_up


class Link:
    """A library that lets go at once, and notes whether a message was being stored then."""

    def __init__(self, intake: Intake) -> None:
        self._intake = intake
        self.was_quiet = False

    def close(self, timeout_seconds: float) -> bool:
        self.was_quiet = self._intake.seconds_since_message() > 0
        return True


class SlowReception:
    """A database that keeps a message waiting."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self.began = threading.Event()

    def receive(self, message: IncomingMessage, now: object) -> None:
        self.began.set()
        time.sleep(self._seconds)


@pytest.mark.parametrize(("seconds", "limit_seconds", "drained"), [(0.8, 3.0, True), (1.5, 0.5, False)])
def test_the_library_is_not_left_while_a_message_is_being_stored(
    seconds: float, limit_seconds: float, drained: bool
) -> None:
    """What waits behind that message would be dropped, and nobody would know."""
    reception: Any = SlowReception(seconds)
    record: Any = SimpleNamespace(update=lambda **changes: None)
    drain: Any = SimpleNamespace(is_behind=False, outage=SimpleNamespace(lasts=False))
    intake = Intake(reception, ChatSchedule(0), record, drain)
    link: Any = Link(intake)
    library = threading.Thread(target=intake.take, args=(arrival(),))
    library.start()
    reception.began.wait(5)
    let_go = hang_up(
        lambda: None, intake.seconds_since_message, link, lambda seconds: min(seconds, limit_seconds)
    )
    assert let_go is drained
    assert link.was_quiet is drained
    library.join()
