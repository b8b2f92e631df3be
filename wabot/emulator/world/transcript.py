"""What happened when: the account of a run for reports and for tests."""

from __future__ import annotations

import threading
import time
from collections import deque
from dataclasses import dataclass

_MAX_EVENTS = 200_000


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened, `at` seconds (monotonic clock) and to or by `who`."""

    at: float
    kind: str
    who: str = ""
    detail: str = ""


class Transcript:
    """The events so far, oldest first; the oldest are forgotten in very long runs. Thread-safe."""

    def __init__(self) -> None:
        self._events: deque[Event] = deque(maxlen=_MAX_EVENTS)
        self._lock = threading.Lock()

    def add(self, kind: str, who: str = "", detail: str = "") -> Event:
        """Note that it happened now."""
        event = Event(time.monotonic(), kind, who, detail)
        with self._lock:
            self._events.append(event)
        return event

    def events(self) -> list[Event]:
        """All of them, oldest first."""
        with self._lock:
            return list(self._events)
