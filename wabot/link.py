"""The thread that dials and stays on the line; main tells it when to dial and when to hang up."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Protocol

from wabot.link_signals import LinkSignal
from wabot.states import Signal

log = logging.getLogger(__name__)


class Line(Protocol):
    """What the link thread needs of the WhatsApp client."""

    def connect(self) -> LinkSignal | None:
        """Dial and stay; return why it ended, None when it was stopped."""

    def stop(self) -> None:
        """Make `connect` return."""


class Link:
    """Owns the blocking `connect`. Its methods return at once, because the library may hang for ever.

    Args:
        line: the WhatsApp client.
        on_signal: told when a connection ends that nobody asked to end.
    """

    def __init__(self, line: Line, on_signal: Callable[[LinkSignal], None]) -> None:
        self._line = line
        self._signal = on_signal
        self._changed = threading.Condition()
        self._wanted = False
        self._busy = False
        self._hung_up = False
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="link", daemon=True)

    def start(self) -> None:
        """Start the thread; it waits for the first `dial`."""
        self._thread.start()

    def dial(self) -> None:
        """Connect, unless a connection is up already."""
        with self._changed:
            self._wanted = True
            self._changed.notify()

    def hang_up(self) -> None:
        """End the connection, if there is one, and stay off the line."""
        with self._changed:
            self._wanted = False
            if self._busy and not self._hung_up:
                self._hung_up = True
                self._stop_line()

    def kick(self) -> None:
        """Hang up, then dial afresh: resets the library's own growing pauses."""
        self.hang_up()
        self.dial()

    def close(self, timeout_seconds: float) -> bool:
        """End for good; whether the thread ended in time."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self.hang_up()
        self._thread.join(timeout_seconds)
        return not self._thread.is_alive()

    def _stop_line(self) -> None:
        # On a thread of its own: stop() blocks for ever while a dial hangs inside the library.
        threading.Thread(target=self._line.stop, name="hang-up", daemon=True).start()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._wanted or self._closed)
                if self._closed:
                    return
                self._wanted, self._busy, self._hung_up = False, True, False
            ended = self._line.connect()
            # connect() may have raised while the socket lives on, acknowledging messages to nobody.
            self._line.stop()
            with self._changed:
                self._busy = False
                hung_up = self._hung_up
            if not hung_up:
                self._signal(ended or LinkSignal(Signal.LINK_BROKEN, "the client library hung up by itself"))
