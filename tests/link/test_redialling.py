"""When the link dials again: after failed dials, refusals, bans and broken links."""

from __future__ import annotations

import pytest

from tests.support.links import LIMITS, START, E, S, a_link, ticks
from wabot.errors import ExitCode
from wabot.link.connection import Command, Connection, Limits, LinkAction
from wabot.whatsapp.signals import Signal


def test_failed_dials_wait_longer_and_longer_up_to_the_cap_and_for_ever() -> None:
    connection = a_link(E.STARTED, limits=Limits(dials_of_one_process=10_000))
    now, waits = START, []
    for _ in range(3000):
        connection.apply(E.DIAL_FAILED, now)
        assert connection.deadline is not None
        waits.append(connection.deadline - now)
        now = connection.deadline
        command = connection.tick(now)
        assert command is not None
        assert command.action is LinkAction.DIAL
    assert waits[:9] == [1, 2, 4, 8, 16, 32, 64, 128, 150]
    assert set(waits[9:]) == {150}


def test_jitter_spreads_a_wait_over_its_second_half() -> None:
    connection = Connection(Limits(backoff_seconds=100), START, lambda: 0.5)
    connection.apply(E.STARTED, START)
    connection.apply(E.DIAL_FAILED, START)
    assert connection.deadline == START + 75


def test_after_many_dials_a_fresh_process_is_wanted() -> None:
    connection = a_link(E.STARTED, limits=Limits(dials_of_one_process=3))
    commands = []
    for _ in range(3):
        connection.apply(E.DIAL_FAILED, START)
        assert connection.deadline is not None
        commands.append(connection.tick(connection.deadline))
    assert commands[0] == commands[1] == Command(LinkAction.DIAL, "backoff over")
    assert commands[2] == Command(LinkAction.EXIT, "a fresh process after 3 dials", ExitCode.LINK_LOST)


def test_the_backoff_begins_anew_after_a_connection() -> None:
    connection = a_link(E.STARTED, E.DIAL_FAILED, E.WAIT_OVER, E.DIAL_FAILED, E.WAIT_OVER)
    connection.apply(E.CONNECTED, START)
    connection.apply(E.DIAL_FAILED, START)
    assert connection.deadline == START + 1


def test_three_refusals_are_waited_out_and_the_fourth_is_the_end() -> None:
    connection = a_link(E.STARTED)
    now = START
    for minutes in (5, 15, 60):
        command = connection.apply(E.CONNECT_FAILURE, now, "refused")
        assert command == Command(LinkAction.HANG_UP, "refused")
        assert connection.tick(now + 60 * minutes - 1) is None
        now += 60 * minutes
        command = connection.tick(now)
        assert command is not None
        assert command.action is LinkAction.DIAL
    assert connection.apply(E.CONNECT_FAILURE, now, "refused again") == Command(
        LinkAction.EXIT, "refused again", ExitCode.SESSION_ENDED
    )
    assert connection.state is S.FAILED


def test_a_connection_in_between_forgives_the_refusals() -> None:
    connection = a_link(E.STARTED)
    for _ in range(10):
        connection.apply(E.CONNECT_FAILURE, START)
        connection.apply(E.WAIT_OVER, START)
        connection.apply(E.CONNECTED, START)
    assert connection.state is S.CONNECTED


# Temporary bans


def test_a_ban_is_waited_out_and_a_little_longer() -> None:
    connection = a_link(E.STARTED)
    assert connection.apply(E.TEMPORARY_BAN, START, "banned", 600) == Command(LinkAction.HANG_UP, "banned")
    assert [(second, command.action) for second, command in ticks(connection, range(660))] == [
        (605, LinkAction.DIAL)
    ]


def test_no_redial_before_the_end_of_a_ban_that_came_with_a_third_unstable_cycle() -> None:
    connection = a_link(E.STARTED, limits=Limits(max_unstable_cycles=1))
    connection.apply(E.CONNECTED, START)
    connection.apply(E.DISCONNECTED, START + 10)
    connection.apply(E.TEMPORARY_BAN, START + 11, "banned", 86_400)
    assert connection.deadline is not None
    assert ticks(connection, range(11, 86_411)) == []
    assert (connection.state, connection.reason) == (S.BANNED, "banned")


def test_a_ban_of_an_earlier_process_is_waited_out() -> None:
    connection = a_link()
    connection.resume_ban(START, 300, "banned before")
    assert (connection.state, connection.reason) == (S.BANNED, "banned before")
    assert [(second, command.action) for second, command in ticks(connection, range(360))] == [
        (305, LinkAction.DIAL)
    ]


def test_a_ban_that_is_repeated_is_waited_out_longer_and_longer() -> None:
    connection = a_link(E.STARTED)
    waits = []
    for _ in range(10):
        connection.apply(E.TEMPORARY_BAN, START, "banned", 1)
        assert connection.deadline is not None
        waits.append(connection.deadline - START - 5)
        connection.apply(E.WAIT_OVER, START)
    assert waits == [1, 60, 120, 240, 480, 960, 1920, 3840, 7200, 7200]
    connection.apply(E.CONNECTED, START)
    connection.apply(E.TEMPORARY_BAN, START, "banned", 1)
    assert connection.deadline == START + 6


# Kicks


def test_a_second_broken_link_within_an_hour_ends_the_process() -> None:
    connection = a_link(E.STARTED, E.CONNECTED)
    assert connection.apply(E.LINK_BROKEN, START, "broken") == Command(LinkAction.KICK, "broken")
    connection.apply(E.CONNECTED, START + 5)
    command = connection.apply(E.LINK_BROKEN, START + 3599, "broken")
    assert command == Command(
        LinkAction.EXIT, "broken, for the second time within an hour", ExitCode.LINK_LOST
    )


def test_a_second_broken_link_after_an_hour_is_kicked_again() -> None:
    connection = a_link(E.STARTED, E.CONNECTED, E.LINK_BROKEN)
    connection.apply(E.CONNECTED, START + 5)
    command = connection.apply(E.LINK_BROKEN, START + 3600, "broken")
    assert command == Command(LinkAction.KICK, "broken")


def test_events_that_stop_again_and_again_are_no_broken_link() -> None:
    """Anybody may be able to send what the library has no name for."""
    connection = a_link(E.STARTED, E.CONNECTED)
    for second in range(0, 90, 10):
        command = connection.apply(E.EVENTS_STOPPED, START + second, "a new kind of receipt")
        assert command == Command(LinkAction.KICK, "a new kind of receipt")
        connection.apply(E.CONNECTED, START + second + 1)
    assert connection.apply(E.LINK_BROKEN, START + 100, "broken") == Command(LinkAction.KICK, "broken")
    assert connection.unstable_cycles == 0


@pytest.mark.parametrize("trouble", [E.LINK_BROKEN, E.EVENTS_STOPPED, E.DISCONNECTED])
def test_a_process_kicks_so_often_and_not_once_more(trouble: Signal) -> None:
    """A link that breaks twice a day would otherwise fill the process with what the library never frees."""
    connection = a_link(E.STARTED, E.CONNECTED, limits=Limits(kicks_of_one_process=3))
    actions = []
    for half_day in range(4):
        now = START + half_day * 43_200
        command = connection.apply(trouble, now, "broken") or connection.tick(now + LIMITS.reconnect_seconds)
        assert command is not None
        actions.append(command.action)
        connection.apply(E.CONNECTED, now + 400)
    assert actions == [LinkAction.KICK, LinkAction.KICK, LinkAction.KICK, LinkAction.EXIT]
    assert command.exit_code is ExitCode.LINK_LOST
    assert command.reason.endswith(", after 3 fresh dials")


def test_a_kick_that_does_not_connect_is_overdue_like_any_dial() -> None:
    connection = a_link(E.STARTED, E.CONNECTED, E.LINK_BROKEN)
    assert [(second, command.action) for second, command in ticks(connection, range(121))] == [
        (60, LinkAction.KICK),
        (120, LinkAction.EXIT),
    ]
