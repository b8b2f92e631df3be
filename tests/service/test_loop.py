from __future__ import annotations

import time
from typing import Any

import pytest

from wabot.errors import ExitCode
from wabot.link.connection import Command, Connection, Limits, LinkAction
from wabot.link.states import State
from wabot.service.events import MainEvents
from wabot.service.loop import MainLoop
from wabot.whatsapp.signals import LinkSignal, Signal

END = Command(LinkAction.EXIT, "enough")


class Round(MainLoop):
    """Notes what the loop does, in order."""

    def __init__(self) -> None:
        self.done: list[Any] = []
        self.connection = Connection(Limits(), time.monotonic(), lambda: 0.0)
        self.signals = MainEvents(hurried_exit=ExitCode.OK)
        me: Any = self
        super().__init__(self.connection, self.signals, me, me, 0.01)
        self.due: list[Command | None] = []
        self.end_by: Signal | None = None
        self.turns = 0

    def on_signal(self, before: State, link_signal: LinkSignal) -> Command | None:
        self.done.append((before, link_signal.signal, self.connection.state))
        return END if link_signal.signal is self.end_by else None

    def on_tick(self, now: float) -> Command | None:
        return self.due.pop(0) if self.due else END

    def on_change(self, now: float) -> None:
        self.done.append(f"changed to {self.connection.state}")

    def judge(self, command: Command | None, now: float) -> Command | None:
        self.turns += 1
        return command

    def show_signal(self, before: State, link_signal: LinkSignal) -> None:
        """As the reporter."""

    def show_state(self) -> None:
        """As the reporter."""

    def carry_out(self, command: Any) -> None:
        self.done.append(command and command.action)


@pytest.fixture
def loop() -> Round:
    return Round()


def test_a_signal_is_applied_and_its_command_carried_out_before_anything_else(
    loop: Round,
) -> None:
    loop.signals.put(LinkSignal(Signal.STARTED))
    assert loop.turn_until_end() == END
    assert loop.done == [
        (State.STARTING, Signal.STARTED, State.CONNECTING),
        LinkAction.DIAL,
        "changed to connecting",
        LinkAction.EXIT,
    ]
    assert loop.turns == 2


def test_what_is_not_new_is_shown_once_and_again_when_it_was_forgotten(loop: Round) -> None:
    loop.due = [None, None]
    loop.turn_until_end()
    assert loop.done.count("changed to starting") == 1
    loop.forget_what_was_shown()
    loop.turn_until_end()
    assert loop.done.count("changed to starting") == 2


def test_a_signal_may_mean_the_end_whatever_the_state_machine_says(loop: Round) -> None:
    loop.end_by = Signal.STARTED
    loop.signals.put(LinkSignal(Signal.STARTED))
    assert loop.turn_until_end() == END
    assert loop.turns == 1
