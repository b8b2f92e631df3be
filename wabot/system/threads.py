"""Threads that work step by step, and what they promise the watchdog."""

from __future__ import annotations

import logging
import threading
from abc import ABC, abstractmethod
from time import monotonic

log = logging.getLogger(__name__)

FAILED_SECONDS = 10.0
"""How long a thread rests after something that nobody foresaw."""


class Pulse:
    """Promises of one thread: when it will be heard of again. Kept by it, and asked by any other.

    Args:
        usual_seconds: how long what it does may take, where it does not say so.
    """

    def __init__(self, usual_seconds: float = 60.0) -> None:
        self._usual_seconds = usual_seconds
        # One value, so that who asks never sees half of a promise.
        self._promise: tuple[float, float] | None = None

    def busy(self, seconds: float | None = None) -> None:
        """Promise to be done, or to promise anew, within these seconds; the usual ones without any."""
        self._promise = monotonic(), self._usual_seconds if seconds is None else seconds

    def idle(self) -> None:
        """Promise nothing: there is nothing to do, for as long as it likes."""
        self._promise = None

    def silence(self, now: float) -> tuple[float, float]:
        """For how many seconds the thread has been silent, and for how many it may be; zeros when idle."""
        at, seconds = self._promise or (now, 0.0)
        return now - at, seconds


class Worker(ABC):
    """A thread that works step by step: whenever it is roused, and after the seconds that a step returned.

    Args:
        name: of the thread.
        wakeup: rouses it as well when others set it; None: one of its own.
        first_seconds: when to take the first step, None: when it is roused.
    """

    def __init__(
        self, name: str, wakeup: threading.Event | None = None, first_seconds: float | None = 0.0
    ) -> None:
        self._wakeup = wakeup or threading.Event()
        self._first_seconds = first_seconds
        self._stop_asked = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    @abstractmethod
    def work(self) -> float | None:
        """Take a step; the seconds until the next, None: when it is roused."""

    def finish(self) -> None:
        """Do what is left to do after the last step."""
        log.debug("%s ends", self._thread.name)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def rouse(self) -> None:
        """Have a step taken now, or one more after that which is being taken; from any thread."""
        self._wakeup.set()

    def stop(self, timeout_seconds: float = 0.0) -> bool:
        """Have no further step taken, and wait for what is being done; whether the thread has ended.

        Args:
            timeout_seconds: how long to wait at most.
        """
        self._stop_asked.set()
        self._wakeup.set()
        if self._thread.is_alive():
            self._thread.join(timeout_seconds)
        return not self._thread.is_alive()

    def is_alive(self) -> bool:
        """Whether the thread runs."""
        return self._thread.is_alive()

    @property
    def is_stopping(self) -> bool:
        """Whether no further step will be taken."""
        return self._stop_asked.is_set()

    def stops_within(self, seconds: float) -> bool:
        """Wait so long, or until it is stopped; whether it is."""
        return self._stop_asked.wait(seconds)

    def _run(self) -> None:
        seconds = self._first_seconds
        while not self.is_stopping:
            self._wakeup.wait(seconds)
            self._wakeup.clear()
            if not self.is_stopping:
                seconds = self._step()
        try:
            self.finish()
        except Exception:
            log.exception("%s could not finish", self._thread.name)

    def _step(self) -> float | None:
        try:
            return self.work()
        except Exception:
            # What is looked after here must not end with one odd case.
            log.exception("%s failed; it goes on", self._thread.name)
            return FAILED_SECONDS
