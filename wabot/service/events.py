"""What main has to hear, in the order in which it happened: of the link, and that somebody wants an end."""

from __future__ import annotations

import os
import queue
import signal
from typing import Any

from wabot.errors import ExitCode
from wabot.whatsapp.signals import LinkSignal, Signal


class MainEvents:
    """The queue between every other thread and main.

    Args:
        hurried_exit: the code of a process that is asked to stop for the second time, and ends at once.
    """

    def __init__(self, hurried_exit: ExitCode) -> None:
        self._hurried_exit = hurried_exit
        self._queue: queue.SimpleQueue[LinkSignal] = queue.SimpleQueue()
        self._stop_asked = False

    def put(self, link_signal: LinkSignal) -> None:
        """Tell main; from any thread, also from inside a signal handler."""
        self._queue.put(link_signal)

    def next(self, timeout_seconds: float) -> LinkSignal | None:
        """The oldest that main has not heard yet, None when there was nothing for so long.

        Args:
            timeout_seconds: a second at most: a SIGTERM that arrives in the instant before the wait begins is
                heard when it is over, because Python runs handlers between its own instructions only.
        """
        try:
            return self._queue.get(timeout=timeout_seconds)
        except queue.Empty:
            return None

    def listen(self) -> None:
        """Take SIGTERM and SIGINT for a wish to stop, from now on."""
        signal.signal(signal.SIGTERM, self._stop)
        signal.signal(signal.SIGINT, self._stop)

    def _stop(self, number: int, _frame: Any) -> None:
        if self._stop_asked:
            # Somebody is in a hurry. What is on its way is written down and settled at the next start.
            os._exit(self._hurried_exit)
        self._stop_asked = True
        # SimpleQueue.put is reentrant; logging is not.
        self.put(LinkSignal(Signal.STOP_REQUESTED, f"asked to stop by {signal.Signals(number).name}"))
