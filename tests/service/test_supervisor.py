from __future__ import annotations

import logging
from typing import Any, cast

import pytest

from tests.support.threads import promise
from wabot.errors import ExitCode
from wabot.link.connection import Command, Connection, Limits, LinkAction
from wabot.link.prober import Prober
from wabot.service.health import Health
from wabot.service.supervisor import Supervisor
from wabot.session.ownership import HeldSession
from wabot.system.notify import ServiceNotifier
from wabot.whatsapp.signals import LinkSignal, Signal

HANG_SECONDS = 90.0


class Answers(Prober):
    """A prober of which the test says what it found."""

    def __init__(self) -> None:
        super().__init__(self, 30)
        self.gone = False
        self.resets = 0
        self.silent_seconds = 0.0

    def is_connected(self) -> bool:
        return True

    @property
    def is_gone(self) -> bool:
        return self.gone

    def reset(self) -> None:
        self.resets += 1

    def seconds_without_answer(self) -> float:
        return self.silent_seconds


class Watchdog(ServiceNotifier):
    """Counts the beats."""

    def __init__(self) -> None:
        super().__init__({})
        self.beats = 0

    def alive(self) -> None:
        self.beats += 1


class Scene:
    """A supervisor and everything it looks at."""

    def __init__(self, *signals: Signal) -> None:
        self.connection = Connection(Limits(), 0, lambda: 0.0)
        for signal in signals:
            self.connection.apply(signal, 0)
        self.prober, self.health, self.watchdog = Answers(), Health(), Watchdog()
        # What the sender says.
        self.sender_lives, self.seconds_offline, self.stuck_uploads = True, 0.0, 0
        self.media_refused = False
        self.lost, self.is_locked = "", True
        self.supervisor = Supervisor(
            self.connection,
            self.prober,
            self.health,
            cast(Any, self),
            self.watchdog,
            HeldSession(None, lambda: self.lost, lambda: self.is_locked),
            HANG_SECONDS,
        )

    def is_alive(self) -> bool:
        return self.sender_lives

    def media_login_refused(self) -> bool:
        was_refused, self.media_refused = self.media_refused, False
        return was_refused


@pytest.fixture
def up() -> Scene:
    """The link is connected."""
    return Scene(Signal.STARTED, Signal.CONNECTED)


def test_another_machine_has_the_session(up: Scene) -> None:
    up.lost = "PID 9 on vps2 took this session over"
    command = up.supervisor.look(1000)
    assert isinstance(command, Command)
    assert (command.action, command.exit_code) == (LinkAction.EXIT, ExitCode.OPERATOR_NEEDED)
    assert "vps2" in command.reason


def test_nothing_to_complain_about(up: Scene) -> None:
    assert up.supervisor.look(1000) is None


def test_a_socket_that_is_gone_while_the_link_counts_as_up(up: Scene) -> None:
    up.prober.gone = True
    found = up.supervisor.look(0)
    assert found == LinkSignal(Signal.SOCKET_GONE, "the connection is gone without a word")
    up.connection.apply(Signal.DISCONNECTED, 0)
    assert up.supervisor.look(0) is None


@pytest.mark.parametrize(
    "signals", [(), (Signal.STARTED,), (Signal.STARTED, Signal.CONNECTED, Signal.DISCONNECTED)]
)
def test_a_library_that_owes_an_answer_too_long_ends_the_process(signals: tuple[Signal, ...]) -> None:
    scene = Scene(*signals)
    scene.prober.silent_seconds = HANG_SECONDS
    assert scene.supervisor.look(0) is None
    scene.prober.silent_seconds = HANG_SECONDS + 1
    reason = "the client library has not answered for 91 s"
    assert scene.supervisor.look(0) == Command(LinkAction.EXIT, reason, ExitCode.LINK_LOST)


@pytest.mark.parametrize(
    "signals", [(Signal.STARTED, Signal.QR_SHOWN), (Signal.STARTED,), (Signal.STARTED, Signal.CONNECTED)]
)
def test_a_redial_the_log_says_was_given_up_is_believed_when_the_library_says_so_too(
    signals: tuple[Signal, ...],
) -> None:
    scene = Scene(*signals)
    scene.supervisor.suspect("given up", 100)
    assert scene.prober.resets == 1
    assert scene.supervisor.look(101) is None
    scene.prober.gone = True
    assert scene.supervisor.look(102) == LinkSignal(Signal.LINK_BROKEN, "given up")
    assert scene.supervisor.look(103) != LinkSignal(Signal.LINK_BROKEN, "given up")


def test_what_the_log_said_is_forgotten_when_the_link_lives(up: Scene) -> None:
    up.supervisor.suspect("given up", 100)
    assert up.supervisor.look(110) is None
    up.prober.gone = True
    assert up.supervisor.look(120) == LinkSignal(Signal.SOCKET_GONE, "the connection is gone without a word")


def test_a_send_that_hangs_is_freed_by_a_kick_and_the_process_ends_when_that_does_not_help(up: Scene) -> None:
    promise(up.health, "sender", 0, 90)
    assert up.supervisor.look(90) is None
    kick = LinkSignal(Signal.LINK_BROKEN, "a send hangs in the client library")
    assert up.supervisor.look(90.5) == kick
    assert up.supervisor.look(100.5) is None
    stuck = Command(LinkAction.EXIT, "a send still hangs after a fresh dial", ExitCode.LINK_LOST)
    assert up.supervisor.look(101) == stuck


def test_a_send_that_was_freed_may_hang_again(up: Scene) -> None:
    promise(up.health, "sender", 0, 90)
    assert isinstance(up.supervisor.look(91), LinkSignal)
    up.health.pulse("sender")
    assert up.supervisor.look(92) is None
    promise(up.health, "sender", 92, 90)
    assert isinstance(up.supervisor.look(183), LinkSignal)


def test_a_sender_that_died_ends_the_process(up: Scene) -> None:
    up.sender_lives = False
    assert up.supervisor.look(0) == Command(LinkAction.EXIT, "the sender has died", ExitCode.BUG)


def test_a_lock_that_guards_nothing_any_more_wants_a_fresh_process(up: Scene) -> None:
    up.is_locked = False
    command = up.supervisor.look(0)
    assert isinstance(command, Command)
    assert (command.action, command.exit_code) == (LinkAction.EXIT, ExitCode.LINK_LOST)


class TestWatchdog:
    def test_fed_while_the_link_is_up(self, up: Scene) -> None:
        up.supervisor.feed_watchdog(1_000_000)
        assert up.watchdog.beats == 1

    def test_each_beat_winds_up_the_clock_that_shows_the_stacks_of_a_stuck_interpreter(
        self, up: Scene, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        wound: list[float] = []
        monkeypatch.setattr("wabot.service.supervisor.show_stacks_unless_beaten", wound.append)
        up.supervisor.feed_watchdog(0)
        assert wound == [], "no watchdog, no abort"
        up.watchdog.watchdog_seconds = 120
        up.supervisor.feed_watchdog(1)
        promise(up.health, "reply-1", 1, 60)
        up.supervisor.feed_watchdog(62)
        assert wound == [120], "once, not when it is stuck"

    def test_fed_in_a_declared_wait_until_its_deadline_is_past(self) -> None:
        scene = Scene(Signal.STARTED, Signal.DIAL_FAILED)
        assert scene.connection.deadline is not None
        scene.supervisor.feed_watchdog(scene.connection.deadline + 10)
        assert scene.watchdog.beats == 1
        scene.supervisor.feed_watchdog(scene.connection.deadline + 11)
        assert scene.watchdog.beats == 1

    def test_not_fed_while_somebody_is_stuck_and_says_so_once_a_minute(
        self, up: Scene, caplog: pytest.LogCaptureFixture
    ) -> None:
        promise(up.health, "reply-1", 0, 60)
        with caplog.at_level(logging.ERROR):
            for second in range(61, 200):
                up.supervisor.feed_watchdog(second)
        assert up.watchdog.beats == 0
        assert [record.getMessage() for record in caplog.records] == [
            f"not healthy: reply-1 silent for {second} s, allowed are 60 s" for second in (61, 122, 183)
        ]


def test_sends_that_fail_for_want_of_a_connection_tell_that_it_is_gone(up: Scene) -> None:
    up.seconds_offline = 10.0
    assert up.supervisor.look(0) is None
    up.seconds_offline = 10.1
    gone = LinkSignal(Signal.LINK_BROKEN, "the connection is gone without a word")
    assert up.supervisor.look(0) == gone


def test_two_uploads_that_hang_end_the_process_and_one_does_not(up: Scene) -> None:
    up.stuck_uploads = 1
    assert up.supervisor.look(0) is None
    up.stuck_uploads = 2
    command = up.supervisor.look(0)
    assert isinstance(command, Command)
    assert (command.action, command.exit_code) == (LinkAction.EXIT, ExitCode.LINK_LOST)


def test_media_hosts_that_refuse_the_login_get_a_fresh_one_but_not_all_the_time(up: Scene) -> None:
    up.media_refused = True
    found = up.supervisor.look(0)
    assert isinstance(found, LinkSignal) and found.signal is Signal.LINK_BROKEN
    up.media_refused = True
    assert up.supervisor.look(100) is None
    assert up.supervisor.look(1000) is not None
