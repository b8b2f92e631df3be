from __future__ import annotations

import queue
import threading
from collections.abc import Iterator

import pytest

from wabot.link.connection import LinkAction
from wabot.link.dialer import Dialer
from wabot.whatsapp.signals import LinkSignal, Signal

WAIT_SECONDS = 10.0
QUIET_SECONDS = 0.1
REFUSED = LinkSignal(Signal.DIAL_FAILED, "connection refused")


class Line:
    """A WhatsApp client whose connections end when the test or `stop` says so."""

    def __init__(self) -> None:
        self.dials: queue.SimpleQueue[int] = queue.SimpleQueue()
        self.dialled = 0
        self.stops = 0
        self.ends: queue.SimpleQueue[LinkSignal | Exception | None] = queue.SimpleQueue()
        self.is_up = False
        self.may_stop = threading.Event()
        self.may_stop.set()

    def connect(self) -> LinkSignal | None:
        assert not self.is_up, "two connections at once"
        self.is_up = True
        self.dialled += 1
        self.dials.put(self.dialled)
        try:
            end = self.ends.get(timeout=WAIT_SECONDS)
        finally:
            self.is_up = False
        if isinstance(end, Exception):
            raise end
        return end

    def stop(self) -> None:
        self.stops += 1
        if self.is_up:
            self.may_stop.wait(WAIT_SECONDS)
        if self.is_up:
            self.ends.put(None)


@pytest.fixture
def line() -> Line:
    return Line()


@pytest.fixture
def signals() -> queue.SimpleQueue[LinkSignal]:
    return queue.SimpleQueue()


@pytest.fixture
def link(line: Line, signals: queue.SimpleQueue[LinkSignal]) -> Iterator[Dialer]:
    found = Dialer(line, signals)
    found.start()
    yield found
    line.may_stop.set()
    line.ends.put(None)
    assert found.close(WAIT_SECONDS)


def wait_for_dial(line: Line) -> int:
    return line.dials.get(timeout=WAIT_SECONDS)


def assert_no_dial(line: Line) -> None:
    with pytest.raises(queue.Empty):
        line.dials.get(timeout=QUIET_SECONDS)


def test_nothing_is_dialled_before_it_is_asked_for(link: Dialer, line: Line) -> None:
    assert_no_dial(line)


def test_the_reason_of_an_end_nobody_asked_for_is_told(
    link: Dialer, line: Line, signals: queue.SimpleQueue[LinkSignal]
) -> None:
    link.dial()
    wait_for_dial(line)
    line.ends.put(REFUSED)
    assert signals.get(timeout=WAIT_SECONDS) == REFUSED
    assert line.stops == 1  # the socket may live on after connect() raised
    assert_no_dial(line)


def test_an_end_without_a_reason_is_a_broken_link(
    link: Dialer, line: Line, signals: queue.SimpleQueue[LinkSignal]
) -> None:
    link.dial()
    wait_for_dial(line)
    line.ends.put(None)
    assert signals.get(timeout=WAIT_SECONDS) == LinkSignal(
        Signal.LINK_BROKEN, "the client library hung up by itself"
    )


def test_an_end_that_nobody_foresaw_is_a_broken_link_too(
    link: Dialer, line: Line, signals: queue.SimpleQueue[LinkSignal], caplog: pytest.LogCaptureFixture
) -> None:
    link.dial()
    wait_for_dial(line)
    line.ends.put(RuntimeError("out of the blue"))
    assert signals.get(timeout=WAIT_SECONDS).signal is Signal.LINK_BROKEN
    assert line.stops == 1
    assert "out of the blue" in caplog.text
    link.dial()
    assert wait_for_dial(line) == 2


def test_to_hang_up_is_no_news(link: Dialer, line: Line, signals: queue.SimpleQueue[LinkSignal]) -> None:
    link.dial()
    wait_for_dial(line)
    link.hang_up()
    assert_no_dial(line)
    assert signals.empty()
    link.dial()
    assert wait_for_dial(line) == 2


def test_to_hang_up_when_nothing_is_up_stops_nothing(link: Dialer, line: Line) -> None:
    link.hang_up()
    assert_no_dial(line)
    assert line.stops == 0


def test_a_kick_dials_afresh(link: Dialer, line: Line, signals: queue.SimpleQueue[LinkSignal]) -> None:
    link.dial()
    wait_for_dial(line)
    link.kick()
    assert wait_for_dial(line) == 2
    assert signals.empty()


def test_a_kick_without_a_connection_is_a_dial(link: Dialer, line: Line) -> None:
    link.kick()
    assert wait_for_dial(line) == 1


def test_to_hang_up_takes_back_a_kick(link: Dialer, line: Line) -> None:
    line.may_stop.clear()
    link.dial()
    wait_for_dial(line)
    link.kick()
    link.hang_up()
    line.may_stop.set()
    assert_no_dial(line)


def test_a_dial_while_the_line_is_up_means_nothing_later(
    link: Dialer, line: Line, signals: queue.SimpleQueue[LinkSignal]
) -> None:
    link.dial()
    wait_for_dial(line)
    link.dial()
    line.ends.put(REFUSED)
    assert signals.get(timeout=WAIT_SECONDS) == REFUSED
    assert_no_dial(line)


def test_a_stop_that_comes_late_does_not_end_the_next_connection(
    link: Dialer, line: Line, signals: queue.SimpleQueue[LinkSignal]
) -> None:
    line.may_stop.clear()
    link.dial()
    wait_for_dial(line)
    link.kick()
    line.ends.put(REFUSED)  # the connection ends by itself while stop() hangs
    assert_no_dial(line)
    line.may_stop.set()
    assert wait_for_dial(line) == 2
    assert_no_dial(line)
    assert line.is_up
    assert signals.empty()


def test_a_library_that_hangs_holds_up_nobody(line: Line, signals: queue.SimpleQueue[LinkSignal]) -> None:
    line.may_stop.clear()
    link = Dialer(line, signals)
    link.start()
    link.dial()
    wait_for_dial(line)
    for _ in range(3):
        link.kick()
    assert not link.close(QUIET_SECONDS)
    assert line.stops == 1
    line.may_stop.set()
    assert link.close(WAIT_SECONDS)


def test_a_closed_link_dials_no_more(line: Line, signals: queue.SimpleQueue[LinkSignal]) -> None:
    link = Dialer(line, signals)
    link.start()
    link.dial()
    wait_for_dial(line)
    assert link.close(WAIT_SECONDS)
    link.dial()
    assert_no_dial(line)
    assert signals.empty()


def test_the_state_machines_orders(link: Dialer, line: Line, signals: queue.SimpleQueue[LinkSignal]) -> None:
    link.carry_out(LinkAction.DIAL)
    assert wait_for_dial(line) == 1
    link.carry_out(LinkAction.EXIT)
    assert_no_dial(line)
    assert line.is_up, "the end of the process is main's own business"
    link.carry_out(LinkAction.KICK)
    assert wait_for_dial(line) == 2
    link.carry_out(LinkAction.HANG_UP)
    assert_no_dial(line)
    assert not line.is_up
    assert signals.empty()


@pytest.mark.parametrize(
    ("end", "told"),
    [
        (REFUSED, ["dial failed"]),
        (LinkSignal(Signal.LINK_BROKEN, "no events"), ["off the line", "link broken"]),
    ],
)
def test_who_looks_for_what_was_dropped_is_told_before_anybody_dials_again(
    line: Line, signals: queue.SimpleQueue[LinkSignal], end: LinkSignal, told: list[str]
) -> None:
    """Where nobody was on the line nothing was dropped, and at the end the next process looks."""
    order: list[str] = []

    class Listener:
        def put(self, link_signal: LinkSignal) -> None:
            order.append(link_signal.signal)
            signals.put(link_signal)

        def link_ended(self) -> None:
            order.append("off the line")

    link = Dialer(line, Listener(), Listener())
    link.start()
    link.dial()
    line.dials.get(timeout=WAIT_SECONDS)
    line.ends.put(end)
    signals.get(timeout=WAIT_SECONDS)
    assert order == told
    link.dial()
    line.dials.get(timeout=WAIT_SECONDS)
    assert link.close(WAIT_SECONDS)
    assert order == told
