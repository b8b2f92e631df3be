"""A second opinion on the link, from a thread that may hang without harm."""

from __future__ import annotations

import threading
import time
from typing import Protocol

# What looks dead for a moment may be a redial that takes a tenth of a second.
_SECOND_LOOK_SECONDS = 1.0


class Socket(Protocol):
    """What the prober needs of the WhatsApp client."""

    def is_connected(self) -> bool:
        """Whether the socket is up."""


class Prober:
    """Asks the library now and then whether the socket is up; main reads only what came of it.

    Args:
        socket: what is asked; it waits while a dial runs.
        interval_seconds: pause between two questions.
    """

    def __init__(self, socket: Socket, interval_seconds: float) -> None:
        self._socket = socket
        self._interval_seconds = interval_seconds
        self._asked_at: float | None = None
        self._refusals = 0
        self._ask = threading.Event()
        self._stopped = False

    def start(self) -> None:
        """Start asking."""
        threading.Thread(target=self._run, name="prober", daemon=True).start()

    def stop(self) -> None:
        """Ask no more."""
        self._stopped = True
        self._ask.set()

    def reset(self) -> None:
        """The link just came up: forget what was before, and look whether it is true."""
        self._refusals = 0
        self._ask.set()

    @property
    def is_gone(self) -> bool:
        """Whether the library has said twice since the last `reset` that the socket is not up."""
        return self._refusals > 1

    def seconds_without_answer(self) -> float:
        """For how long the library has owed an answer; 0 when it owes none."""
        asked_at = self._asked_at
        return 0.0 if asked_at is None else time.monotonic() - asked_at

    def _run(self) -> None:
        while True:
            self._ask.wait(_SECOND_LOOK_SECONDS if self._refusals == 1 else self._interval_seconds)
            self._ask.clear()
            if self._stopped:
                return
            self._asked_at = time.monotonic()
            self._refusals = 0 if self._socket.is_connected() else self._refusals + 1
            self._asked_at = None
