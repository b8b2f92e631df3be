"""A second opinion on the link, from a thread that may hang without harm."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

log = logging.getLogger(__name__)


class Prober:
    """Asks the library now and then whether the socket is up; main reads only the stamps.

    Args:
        is_connected: the question; it waits while a dial runs.
        interval_seconds: pause between two questions.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        is_connected: Callable[[], bool],
        interval_seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._is_connected = is_connected
        self._interval_seconds = interval_seconds
        self._clock = clock
        self._last_yes = clock()
        self._stop = threading.Event()

    def start(self) -> None:
        """Start asking."""
        threading.Thread(target=self._run, name="prober", daemon=True).start()

    def stop(self) -> None:
        """Ask no more."""
        self._stop.set()

    def reset(self) -> None:
        """The link just came up: count from now."""
        self._last_yes = self._clock()

    def seconds_since_yes(self) -> float:
        """How long ago the library last said that the socket is up; grows also while it does not answer."""
        return self._clock() - self._last_yes

    def _run(self) -> None:
        while not self._stop.wait(self._interval_seconds):
            if self._is_connected():
                self._last_yes = self._clock()
