"""The thread that dials and stays on the line; main tells it when to dial and when to hang up."""

from __future__ import annotations

import logging
import threading
from typing import Protocol

from wabot.link.connection import LinkAction
from wabot.whatsapp.signals import LinkSignal, Signal, SignalSink

log = logging.getLogger(__name__)


class Line(Protocol):
    """What the link thread needs of the WhatsApp client."""

    def connect(self) -> LinkSignal | None:
        """Dial and stay; return why it ended, None when it was stopped."""

    def stop(self) -> None:
        """Make `connect` return."""


class LineLosses(Protocol):
    """What knows how to live with the loss of what the library had not handed over."""

    def link_ended(self) -> None:
        """Account for what was dropped just now."""


class Dialer:
    """Owns the blocking `connect`. Its methods return at once, because the library may hang for ever.

    Args:
        line: the WhatsApp client.
        signals: get the end of a connection that nobody asked to end.
        losses: told when the library is off the line, before anything else happens; None: nobody minds.
    """

    def __init__(
        self,
        line: Line,
        signals: SignalSink,
        losses: LineLosses | None = None,
    ) -> None:
        self._line = line
        self._signals = signals
        self._losses = losses
        self._changed = threading.Condition()
        self._wanted = False
        self._busy = False
        self._closed = False
        self._hanging_up: threading.Thread | None = None
        self._thread = threading.Thread(target=self._run, name="link", daemon=True)

    def start(self) -> None:
        """Start the thread; it waits for the first `dial`."""
        self._thread.start()

    def carry_out(self, action: LinkAction) -> None:
        """Do what the state machine wants done with the line."""
        match action:
            case LinkAction.DIAL:
                self.dial()
            case LinkAction.KICK:
                self.kick()
            case LinkAction.HANG_UP:
                self.hang_up()

    def dial(self) -> None:
        """Connect, unless a connection is up already."""
        with self._changed:
            if not self._busy or self._hanging_up is not None:
                self._wanted = True
                self._changed.notify()

    def hang_up(self) -> None:
        """End the connection, if there is one, and stay off the line."""
        with self._changed:
            self._wanted = False
            if self._busy and self._hanging_up is None:
                # On a thread of its own: stop() blocks for ever while a dial hangs inside the library.
                self._hanging_up = threading.Thread(target=self._line.stop, name="hang-up", daemon=True)
                self._hanging_up.start()

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

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._wanted or self._closed)
                if self._closed:
                    return
                self._wanted, self._busy = False, True
            ended = self._stay()
            if self._losses is not None and ended.signal is not Signal.DIAL_FAILED and not self._closed:
                self._losses.link_ended()
            with self._changed:
                self._busy = False
                hanging_up, self._hanging_up = self._hanging_up, None
            if hanging_up is None:
                self._signals.put(ended)
            else:
                # A stop that comes late would end the next connection.
                hanging_up.join()

    def _stay(self) -> LinkSignal:
        """Be connected; return why that ended."""
        ended = None
        try:
            try:
                ended = self._line.connect()
            finally:
                # connect() may have raised while the socket lives on, acknowledging messages to nobody.
                self._line.stop()
        except Exception:
            log.exception("the client library failed in an unknown way")
        return ended or LinkSignal(Signal.LINK_BROKEN, "the client library hung up by itself")
