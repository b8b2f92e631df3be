"""A second opinion on the link, from a thread that may hang without harm."""

from __future__ import annotations

import time
from typing import Protocol

from wabot.system.threads import Worker

# What looks dead for a moment may be a redial that takes a tenth of a second.
_SECOND_LOOK_SECONDS = 1.0


class Socket(Protocol):
    """What the prober needs of the WhatsApp client."""

    def is_connected(self) -> bool:
        """Whether the socket is up."""


class Prober(Worker):
    """Asks the library now and then whether the socket is up; main reads only what came of it.

    Args:
        socket: what is asked; it waits while a dial runs.
        interval_seconds: pause between two questions.
    """

    def __init__(self, socket: Socket, interval_seconds: float) -> None:
        super().__init__("prober", first_seconds=interval_seconds)
        self._socket = socket
        self._interval_seconds = interval_seconds
        self._asked_at: float | None = None
        self._refusals = 0

    def reset(self) -> None:
        """Forget what was before, and ask now: the link just came up, or is said to."""
        self._refusals = 0
        self.rouse()

    @property
    def is_gone(self) -> bool:
        """Whether the library has said twice since the last `reset` that the socket is not up."""
        return self._refusals > 1

    def seconds_without_answer(self) -> float:
        """For how long the library has owed an answer; 0 when it owes none."""
        asked_at = self._asked_at
        return 0.0 if asked_at is None else time.monotonic() - asked_at

    def work(self) -> float:
        """Ask; the seconds until the next question."""
        self._asked_at = time.monotonic()
        self._refusals = 0 if self._socket.is_connected() else self._refusals + 1
        self._asked_at = None
        return _SECOND_LOOK_SECONDS if self._refusals == 1 else self._interval_seconds
