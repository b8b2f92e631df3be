"""A link that falls again and again rests, or stops."""

from __future__ import annotations

import pytest

from tests.support.links import START, E, S, a_link, ticks
from wabot.errors import ExitCode
from wabot.link.connection import Command, Connection, Limits, LinkAction
from wabot.whatsapp.signals import Signal


def fall(connection: Connection, at: int, up: int, down: int) -> tuple[int, list[Command]]:
    """The link is up for some seconds, then down for some, then up again; what it wants done meanwhile."""
    connection.apply(E.CONNECTED, START + at)
    connection.apply(E.DISCONNECTED, START + at + up)
    commands = ticks(connection, range(at + up, at + up + down + 1))
    connection.apply(E.CONNECTED, START + at + up + down)
    commands += ticks(connection, [at + up + down])
    return at + up + down, [command for _, command in commands]


def test_three_short_connections_in_a_row_make_the_link_rest() -> None:
    connection = a_link(E.STARTED)
    at, commands = fall(connection, 0, up=30, down=10)
    assert (commands, connection.unstable_cycles) == ([], 1)
    at, commands = fall(connection, at, up=59, down=10)
    assert (commands, connection.unstable_cycles) == ([], 2)
    at, commands = fall(connection, at, up=0, down=10)
    assert commands == [Command(LinkAction.HANG_UP, "3 connections in a row fell within 60 s")]
    assert connection.state is S.COOLDOWN
    assert connection.unstable_cycles == 0


def test_a_long_connection_ends_the_row() -> None:
    connection = a_link(E.STARTED)
    at = 0
    for up in (30, 30, 60, 30, 30):
        at, commands = fall(connection, at, up=up, down=10)
        assert commands == []
    assert connection.unstable_cycles == 2


def test_a_connection_that_lasts_ends_the_row_at_once() -> None:
    connection = a_link(E.STARTED)
    at, _ = fall(connection, 0, up=30, down=10)
    ticks(connection, [at + 59])
    assert connection.unstable_cycles == 1
    ticks(connection, [at + 60])
    assert connection.unstable_cycles == 0


@pytest.mark.parametrize("down", [0, 1, 5])
def test_a_redial_within_five_seconds_is_a_cut_and_does_not_count(down: int) -> None:
    connection = a_link(E.STARTED)
    at = 0
    for _ in range(20):
        at, commands = fall(connection, at, up=1, down=down)
        assert commands == []
    assert ticks(connection, range(at, at + 30)) == []
    assert (connection.state, connection.unstable_cycles) == (S.CONNECTED, 0)


def test_a_redial_after_more_than_five_seconds_counts_even_if_nobody_looked_meanwhile() -> None:
    connection = a_link(E.STARTED)
    for second in range(0, 60, 20):
        connection.apply(E.CONNECTED, START + second)
        connection.apply(E.DISCONNECTED, START + second + 10)
        connection.apply(E.CONNECTED, START + second + 15.5)
        command = connection.tick(START + second + 15.5)
    assert command == Command(LinkAction.HANG_UP, "3 connections in a row fell within 60 s")
    assert connection.state is S.COOLDOWN


def test_a_link_whose_redial_fails_may_rest_too() -> None:
    connection = a_link(E.STARTED, limits=Limits(max_unstable_cycles=1))
    connection.apply(E.CONNECTED, START)
    connection.apply(E.DISCONNECTED, START + 10)
    connection.apply(E.DIAL_FAILED, START + 11, "no route")
    assert [command.action for _, command in ticks(connection, range(11, 17))] == [
        LinkAction.DIAL,
        LinkAction.HANG_UP,
    ]
    assert connection.state is S.COOLDOWN


def test_a_cycle_noticed_during_a_wait_counts_but_does_not_change_the_wait() -> None:
    connection = a_link(E.STARTED, limits=Limits(max_unstable_cycles=1))
    connection.apply(E.CONNECTED, START)
    connection.apply(E.DISCONNECTED, START + 10)
    connection.apply(E.CONNECT_FAILURE, START + 11, "refused")
    assert ticks(connection, range(11, 311)) == []
    assert (connection.state, connection.deadline) == (S.BACKOFF, START + 311)
    assert connection.unstable_cycles == 1


def test_a_drop_that_is_answered_with_a_kick_does_not_count() -> None:
    connection = a_link(E.STARTED, E.CONNECTED, E.DISCONNECTED, E.LINK_BROKEN)
    assert ticks(connection, range(60)) == []
    assert connection.unstable_cycles == 0


@pytest.mark.parametrize("end", [E.STOP_REQUESTED, E.REPLACED])
def test_a_drop_at_the_end_is_only_the_end(end: Signal) -> None:
    connection = a_link(E.STARTED, E.CONNECTED, E.DISCONNECTED, end, limits=Limits(max_unstable_cycles=1))
    assert ticks(connection, range(1000)) == []


def test_the_rest_doubles_up_to_two_hours() -> None:
    connection = a_link(E.STARTED, limits=Limits(max_unstable_cycles=1))
    at, waits = 0, []
    for _ in range(6):
        fall(connection, at, up=1, down=7)
        assert connection.state is S.COOLDOWN
        assert connection.deadline is not None
        waits.append(connection.deadline - connection.since)
        at = round(connection.deadline - START)
        assert [command.action for _, command in ticks(connection, [at])] == [LinkAction.DIAL]
    # Half of each is jitter, which is 0 here.
    assert waits == [450, 900, 1800, 3600, 3600, 3600]


def test_a_stable_connection_shortens_the_next_rest_again() -> None:
    connection = a_link(E.STARTED, limits=Limits(max_unstable_cycles=1))
    for up in (1, 1):
        fall(connection, 0, up=up, down=7)
        connection.apply(E.WAIT_OVER, START)
    fall(connection, 0, up=60, down=7)
    fall(connection, 70, up=1, down=7)
    assert connection.deadline is not None
    assert connection.deadline - connection.since == 450


def test_the_policy_may_be_to_stop() -> None:
    connection = a_link(E.STARTED, limits=Limits(max_unstable_cycles=2, stop_when_unstable=True))
    at, commands = fall(connection, 0, up=1, down=10)
    assert commands == []
    _, commands = fall(connection, at, up=1, down=10)
    assert commands == [
        Command(LinkAction.EXIT, "2 connections in a row fell within 60 s", ExitCode.SESSION_ENDED)
    ]
    assert connection.state is S.FAILED


def test_zero_cycles_means_never() -> None:
    connection = a_link(E.STARTED, limits=Limits(max_unstable_cycles=0, stop_when_unstable=True))
    at = 0
    for _ in range(50):
        at, commands = fall(connection, at, up=1, down=10)
        assert commands == []
