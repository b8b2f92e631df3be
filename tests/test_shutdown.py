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


class SlowReception:
    """A database that keeps a message waiting."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self.began, self.ended = threading.Event(), threading.Event()

    def receive(self, message: IncomingMessage, now: object) -> None:
        self.began.set()
        time.sleep(self._seconds)
        self.ended.set()


@pytest.mark.parametrize(("seconds", "limit_seconds", "drained"), [(0.8, 3.0, True), (1.5, 0.5, False)])
def test_the_library_is_not_left_while_a_message_is_being_stored(
    seconds: float, limit_seconds: float, drained: bool
) -> None:
    """What waits behind that message would be dropped, and nobody would know."""
    reception: Any = SlowReception(seconds)
    record: Any = SimpleNamespace(update=lambda **changes: None)
    drain: Any = SimpleNamespace(is_behind=False, outage=SimpleNamespace(lasts=False))
    intake = Intake(reception, ChatSchedule(0), record, drain)
    stored_at_the_close: list[bool] = []

    def close(seconds: float) -> bool:
        stored_at_the_close.append(reception.ended.is_set())
        return True

    link: Any = SimpleNamespace(close=close)
    library = threading.Thread(target=intake.take, args=(arrival(),))
    library.start()
    reception.began.wait(5)
    let_go = hang_up(
        lambda: None, intake.seconds_since_message, link, lambda seconds: min(seconds, limit_seconds)
    )
    assert let_go is drained
    assert stored_at_the_close == [drained]
    library.join()
