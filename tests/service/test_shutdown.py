from __future__ import annotations

import math
import threading
import time
from types import SimpleNamespace
from typing import Any

import pytest

from tests.support.arrivals import arrival
from wabot.conversation.schedule import ChatSchedule
from wabot.inbound.intake import Intake
from wabot.service.shutdown import hang_up, stop_in_order
from wabot.whatsapp.messages import IncomingMessage


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


def test_what_the_library_hands_over_after_the_goodbye_is_waited_for() -> None:
    handed_over: list[float] = []

    def hand_over() -> None:
        for _ in range(3):
            time.sleep(0.15)
            handed_over.append(time.monotonic())

    taken_at_the_close: list[int] = []

    def close(seconds: float) -> bool:
        taken_at_the_close.append(len(handed_over))
        return True

    library = threading.Thread(target=hand_over)
    link: Any = SimpleNamespace(close=close)
    assert hang_up(
        library.start, lambda: time.monotonic() - handed_over[-1] if handed_over else math.inf, link
    )
    assert taken_at_the_close == [3]


@pytest.mark.parametrize(
    ("patience_seconds", "send_seconds", "in_flight"), [(15.0, 8.0, False), (0.2, 0.2, True)]
)
def test_the_send_in_flight_is_waited_for_as_long_as_there_is_time(
    patience_seconds: float, send_seconds: float, in_flight: bool
) -> None:
    told: list[Any] = []
    sender: Any = SimpleNamespace(
        stop=told.append,
        seconds_since_sent=math.inf,
        is_alive=lambda: in_flight,
    )
    link: Any = SimpleNamespace(close=lambda seconds: True)
    done = stop_in_order(sender, [], lambda: told.append("goodbye"), lambda: math.inf, link, patience_seconds)
    assert done is not in_flight
    assert told == [pytest.approx(send_seconds, abs=0.1), "goodbye"]
