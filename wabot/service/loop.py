"""The main loop, which the service and a pairing share.

Main alone applies signals to the state machine. It never calls the client library, which can block without
limit; it talks to the threads that do through methods that return at once.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod

from wabot.link.connection import Command, Connection, LinkAction
from wabot.link.dialer import Dialer
from wabot.link.states import State
from wabot.service.events import MainEvents
from wabot.status.reporter import Reporter
from wabot.whatsapp.signals import LinkSignal


class MainLoop(ABC):
    """Waits for a signal, applies it, looks at what is due, carries out and shows, until the end.

    Args:
        connection: the state machine.
        signals: what main has to hear.
        dialer: carries the state machine's commands out.
        reporter: shows what changed.
        tick_seconds: how long to wait for a signal at most.
    """

    def __init__(
        self,
        connection: Connection,
        signals: MainEvents,
        dialer: Dialer,
        reporter: Reporter,
        tick_seconds: float,
    ) -> None:
        self._connection = connection
        self._signals = signals
        self._dialer = dialer
        self._reporter = reporter
        self._tick_seconds = tick_seconds
        self._shown: object = None

    @abstractmethod
    def on_signal(self, before: State, link_signal: LinkSignal) -> Command | None:
        """Act on a signal that was applied; the end, where it means that."""

    @abstractmethod
    def on_tick(self, now: float) -> Command | None:
        """Look at what is due, where no signal brought a command; what has to be done."""

    @abstractmethod
    def on_change(self, now: float) -> None:
        """Show that the link is in another state."""

    @abstractmethod
    def judge(self, command: Command | None, now: float) -> Command | None:
        """Look on at the end of a turn; the command that was carried out, or the end instead."""

    def turn_until_end(self) -> Command:
        """Go round until somebody wants an end; how it ends."""
        while True:
            command = self._turn()
            if command is not None and command.action is LinkAction.EXIT:
                return command

    def apply(self, link_signal: LinkSignal) -> Command | None:
        """Give the state machine a signal, and everybody else the news; what has to be done."""
        before = self._connection.state
        command = self._connection.apply(
            link_signal.signal, time.monotonic(), link_signal.reason, link_signal.wait_seconds
        )
        end = self.on_signal(before, link_signal)
        self._reporter.show_signal(before, link_signal)
        return end or command

    def carry_out(self, command: Command | None) -> None:
        """Have done with the line what has to be done."""
        if command is not None:
            self._dialer.carry_out(command.action)

    def show_changes(self, now: float) -> None:
        """Show the state of the link, if it is another than the one shown last."""
        connection = self._connection
        shown = (connection.state, connection.reason, connection.since, connection.unstable_cycles)
        if shown != self._shown:
            self._shown = shown
            self._reporter.show_state()
            self.on_change(now)

    def forget_what_was_shown(self) -> None:
        """Have the state shown anew: what was said of times is not true any more."""
        self._shown = None

    def _turn(self) -> Command | None:
        link_signal = self._signals.next(self._tick_seconds)
        command = self.apply(link_signal) if link_signal else None
        now = time.monotonic()
        command = command or self.on_tick(now)
        self.carry_out(command)
        self.show_changes(now)
        return self.judge(command, now)
