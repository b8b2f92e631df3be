from __future__ import annotations

import random
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wabot.errors import ExitCode
from wabot.link.connection import Command, Connection, Limits, LinkAction
from wabot.link.states import LIVE_STATES, TERMINAL_STATES, WAITING_STATES, State
from wabot.whatsapp.signals import Signal

S, E = State, Signal
START = 1_000.0
LIMITS = Limits()

# How a link gets into each state.
WAYS: dict[State, tuple[Signal, ...]] = {
    S.STARTING: (),
    S.CONNECTING: (E.STARTED,),
    S.PAIRING: (E.STARTED, E.QR_SHOWN),
    S.CONNECTED: (E.STARTED, E.CONNECTED),
    S.RECONNECTING: (E.STARTED, E.CONNECTED, E.DISCONNECTED),
    S.BACKOFF: (E.STARTED, E.DIAL_FAILED),
    S.BANNED: (E.STARTED, E.TEMPORARY_BAN),
    S.COOLDOWN: (E.STARTED, E.CONNECTED, E.TOO_UNSTABLE),
    S.NO_ROOM: (E.STARTED, E.CONNECTED, E.DISK_FULL),
    S.STOPPING: (E.STARTED, E.STOP_REQUESTED),
    S.REPLACED: (E.STARTED, E.REPLACED),
    S.LOGGED_OUT: (E.STARTED, E.LOGGED_OUT),
    S.OUTDATED: (E.STARTED, E.CLIENT_OUTDATED),
    S.PAIRING_EXPIRED: (E.STARTED, E.PAIRING_FAILED),
    S.FAILED: (E.STARTED, E.STORE_FAILED),
}

# Where each signal leads, by the state it meets; a state that is not named stays as it is.
ENDINGS = {
    E.REPLACED: S.REPLACED,
    E.LOGGED_OUT: S.LOGGED_OUT,
    E.CLIENT_OUTDATED: S.OUTDATED,
    E.STORE_FAILED: S.FAILED,
    E.GAVE_UP: S.FAILED,
    E.STOP_REQUESTED: S.STOPPING,
}
LEADS_TO: dict[Signal, dict[State, State]] = {
    E.STARTED: {S.STARTING: S.CONNECTING},
    E.QR_SHOWN: {S.CONNECTING: S.PAIRING},
    E.PAIRED: {S.PAIRING: S.CONNECTING},
    E.PAIRING_FAILED: {S.PAIRING: S.PAIRING_EXPIRED, S.CONNECTING: S.PAIRING_EXPIRED},
    E.PASSKEY_REQUIRED: {S.PAIRING: S.PAIRING_EXPIRED, S.CONNECTING: S.PAIRING_EXPIRED},
    E.AUTHENTICATED: {S.PAIRING: S.CONNECTING},
    E.REDIAL_FAILED: {},
    E.REDIAL_GIVEN_UP: {},
    E.EVENTS_STOPPED: dict.fromkeys((S.PAIRING, S.CONNECTED, S.RECONNECTING), S.CONNECTING),
    E.SOCKET_GONE: {S.CONNECTED: S.RECONNECTING},
    E.CONNECTED: {S.CONNECTING: S.CONNECTED, S.PAIRING: S.CONNECTED, S.RECONNECTING: S.CONNECTED},
    E.DISCONNECTED: {S.CONNECTED: S.RECONNECTING, S.CONNECTING: S.RECONNECTING},
    E.STREAM_ERROR: {S.CONNECTED: S.RECONNECTING, S.CONNECTING: S.RECONNECTING},
    E.KEEPALIVE_LOST: {S.CONNECTED: S.RECONNECTING},
    E.KEEPALIVE_RESTORED: {S.RECONNECTING: S.CONNECTED},
    E.LINK_BROKEN: dict.fromkeys((S.PAIRING, S.CONNECTED, S.RECONNECTING), S.CONNECTING),
    E.DIAL_FAILED: dict.fromkeys((S.PAIRING, S.CONNECTING, S.CONNECTED, S.RECONNECTING), S.BACKOFF),
    E.CONNECT_FAILURE: dict.fromkeys((S.PAIRING, S.CONNECTING, S.CONNECTED, S.RECONNECTING), S.BACKOFF),
    E.TEMPORARY_BAN: dict.fromkeys((S.PAIRING, S.CONNECTING, S.CONNECTED, S.RECONNECTING), S.BANNED),
    E.DISK_FULL: dict.fromkeys((S.STARTING, S.CONNECTING, S.CONNECTED, S.RECONNECTING, S.BACKOFF), S.NO_ROOM),
    E.ROOM_AGAIN: {S.NO_ROOM: S.CONNECTING},
    E.TOO_UNSTABLE: dict.fromkeys((S.CONNECTING, S.CONNECTED, S.RECONNECTING), S.COOLDOWN),
    E.WAIT_OVER: dict.fromkeys((S.BACKOFF, S.BANNED, S.COOLDOWN), S.CONNECTING),
    **{signal: dict.fromkeys(LIVE_STATES, end) for signal, end in ENDINGS.items()},
}

# What is said of a dial on its way.
NEWS_OF_A_DIAL = {
    S.CONNECTING: {E.AUTHENTICATED},
    S.RECONNECTING: {E.AUTHENTICATED, E.REDIAL_FAILED, E.DISCONNECTED},
}


def no_jitter() -> float:
    return 0.0


def a_link(*signals: Signal, limits: Limits = LIMITS) -> Connection:
    """A link to which all of this happened at the start."""
    connection = Connection(limits, START, no_jitter)
    for signal in signals:
        connection.apply(signal, START, f"on {signal}", wait_seconds=600)
    return connection


def ticks(connection: Connection, seconds: Iterable[int]) -> list[tuple[int, Command]]:
    """What the link wants done, looking once a second as the main loop does, and when."""
    commands = [(second, connection.tick(START + second)) for second in seconds]
    return [(second, command) for second, command in commands if command is not None]


@pytest.mark.parametrize("signal", Signal)
@pytest.mark.parametrize("state", State)
def test_every_signal_in_every_state(state: State, signal: Signal) -> None:
    connection = a_link(*WAYS[state])
    assert connection.state is state
    since, reason, deadline = connection.since, connection.reason, connection.deadline
    command = connection.apply(signal, START + 10, "something happened", wait_seconds=600)
    after = LEADS_TO[signal].get(state, state)
    assert connection.state is after
    if after is not state:
        assert (connection.since, connection.reason) == (START + 10, "something happened")
    elif state is S.CONNECTING and signal in (E.LINK_BROKEN, E.EVENTS_STOPPED):
        assert command == Command(LinkAction.KICK, "something happened")
    elif signal in NEWS_OF_A_DIAL.get(state, ()):
        assert (command, connection.since, connection.reason) == (None, since, "something happened")
    else:
        # The late echo of something already dealt with changes nothing, least of all a ban's end.
        assert command is None
        assert (connection.since, connection.reason, connection.deadline) == (since, reason, deadline)


@pytest.mark.parametrize(
    ("way", "signal", "action"),
    [
        ((), E.STARTED, LinkAction.DIAL),
        (WAYS[S.BACKOFF], E.WAIT_OVER, LinkAction.DIAL),
        (WAYS[S.BANNED], E.WAIT_OVER, LinkAction.DIAL),
        (WAYS[S.COOLDOWN], E.WAIT_OVER, LinkAction.DIAL),
        (WAYS[S.CONNECTED], E.DISK_FULL, LinkAction.HANG_UP),
        (WAYS[S.NO_ROOM], E.ROOM_AGAIN, LinkAction.DIAL),
        (WAYS[S.CONNECTING], E.CONNECT_FAILURE, LinkAction.HANG_UP),
        (WAYS[S.CONNECTING], E.TEMPORARY_BAN, LinkAction.HANG_UP),
        (WAYS[S.CONNECTED], E.LINK_BROKEN, LinkAction.KICK),
        (WAYS[S.PAIRING], E.LINK_BROKEN, LinkAction.KICK),
        (WAYS[S.CONNECTED], E.EVENTS_STOPPED, LinkAction.KICK),
        (WAYS[S.CONNECTED], E.DISCONNECTED, None),
        (WAYS[S.CONNECTED], E.KEEPALIVE_LOST, None),
        (WAYS[S.CONNECTING], E.DIAL_FAILED, None),
        (WAYS[S.CONNECTED], E.STOP_REQUESTED, None),
    ],
)
def test_what_is_done_about_a_signal(
    way: tuple[Signal, ...], signal: Signal, action: LinkAction | None
) -> None:
    command = a_link(*way).apply(signal, START, "why", wait_seconds=60)
    assert (command.action if command else None) is action


@pytest.mark.parametrize("way", [WAYS[state] for state in sorted(LIVE_STATES)])
@pytest.mark.parametrize(
    ("signal", "code"),
    [
        (E.REPLACED, ExitCode.SESSION_ENDED),
        (E.LOGGED_OUT, ExitCode.SESSION_ENDED),
        (E.CLIENT_OUTDATED, ExitCode.CLIENT_OUTDATED),
        (E.STORE_FAILED, ExitCode.OPERATOR_NEEDED),
        (E.GAVE_UP, ExitCode.SESSION_ENDED),
    ],
)
def test_an_end_ends_the_process_with_its_code(
    way: tuple[Signal, ...], signal: Signal, code: ExitCode
) -> None:
    assert a_link(*way).apply(signal, START, "why") == Command(LinkAction.EXIT, "why", code)


@pytest.mark.parametrize("signal", [E.PAIRING_FAILED, E.PASSKEY_REQUIRED])
def test_a_failed_pairing_wants_the_operator(signal: Signal) -> None:
    command = a_link(*WAYS[S.PAIRING]).apply(signal, START, "why")
    assert command == Command(LinkAction.EXIT, "why", ExitCode.OPERATOR_NEEDED)


# Deadlines


@pytest.mark.parametrize(
    ("state", "seconds"),
    [
        (S.STARTING, None),
        (S.CONNECTING, 60),
        (S.PAIRING, 160),
        (S.CONNECTED, None),
        (S.RECONNECTING, 60),
        (S.BACKOFF, 1),
        (S.BANNED, 605),
        (S.REPLACED, None),
    ],
)
def test_the_deadline_of_each_state(state: State, seconds: float | None) -> None:
    assert a_link(*WAYS[state]).deadline == (None if seconds is None else START + seconds)


def test_a_dial_that_hangs_is_kicked_once_and_then_ends_the_process() -> None:
    connection = a_link(E.STARTED)
    assert [
        (second, command.action, command.exit_code) for second, command in ticks(connection, range(121))
    ] == [
        (60, LinkAction.KICK, ExitCode.OK),
        (120, LinkAction.EXIT, ExitCode.LINK_LOST),
    ]


@pytest.mark.parametrize("seconds", [1, 60, 600])
def test_a_hanging_dial_ends_within_twice_the_connect_timeout(seconds: int) -> None:
    connection = a_link(E.STARTED, limits=Limits(connect_seconds=seconds))
    assert ticks(connection, range(2 * seconds + 1))[-1][1].exit_code is ExitCode.LINK_LOST


@pytest.mark.parametrize("way", [WAYS[S.BACKOFF], WAYS[S.BANNED], (E.STARTED, E.QR_SHOWN, E.PAIRED)])
def test_every_dial_has_its_deadline_not_only_the_first(way: tuple[Signal, ...]) -> None:
    connection = a_link(*way)
    if connection.state in WAITING_STATES:
        connection.apply(E.WAIT_OVER, START)
    assert [command.action for _, command in ticks(connection, range(121))] == [
        LinkAction.KICK,
        LinkAction.EXIT,
    ]


@pytest.mark.parametrize("drop", [E.DISCONNECTED, E.STREAM_ERROR])
def test_a_redial_of_the_librarys_that_hangs_is_kicked_like_any_dial(drop: Signal) -> None:
    connection = a_link(E.STARTED, E.CONNECTED)
    connection.apply(drop, START)
    assert [(second, command.action) for second, command in ticks(connection, range(600))][:2] == [
        (60, LinkAction.KICK),
        (120, LinkAction.EXIT),
    ]


@pytest.mark.parametrize("failed", [E.REDIAL_FAILED, E.DISCONNECTED])
def test_the_librarys_redials_have_six_minutes_then_a_kick_then_the_end(failed: Signal) -> None:
    """Each has its own time from when the library begins it: it waits 2 s longer before each."""
    connection = a_link(E.STARTED, E.CONNECTED)
    connection.apply(E.DISCONNECTED, START)
    now, pause, commands = 0, 2, []
    while now < 340:
        now += 1
        connection.apply(failed, START + now)
        assert connection.deadline == START + min(now + pause + 60, 360)
        commands += ticks(connection, range(now, now + pause))
        now, pause = now + pause, pause + 2
    commands += ticks(connection, range(now, 600))
    assert [(second, command.action) for second, command in commands][:2] == [
        (360, LinkAction.KICK),
        (420, LinkAction.EXIT),
    ]


def test_a_login_in_between_begins_the_librarys_pauses_anew() -> None:
    connection = a_link(E.STARTED, E.CONNECTED, E.DISCONNECTED, E.REDIAL_FAILED, E.REDIAL_FAILED)
    connection.apply(E.AUTHENTICATED, START + 10)
    connection.apply(E.DISCONNECTED, START + 20)
    assert connection.deadline == START + 80


def test_a_link_that_only_does_not_answer_is_left_to_the_library_for_six_minutes() -> None:
    connection = a_link(E.STARTED, E.CONNECTED)
    connection.apply(E.KEEPALIVE_LOST, START)
    assert [second for second, _ in ticks(connection, range(600))][:1] == [360]


def test_a_link_that_came_up_after_a_kick_may_be_kicked_again() -> None:
    connection = a_link(E.STARTED)
    assert ticks(connection, [60])[0][1].action is LinkAction.KICK
    connection.apply(E.CONNECTED, START + 70)
    connection.apply(E.DISCONNECTED, START + 7_000)
    assert [command.action for _, command in ticks(connection, [7_400])] == [LinkAction.KICK]


def test_a_link_that_is_up_has_no_deadline() -> None:
    connection = a_link(E.STARTED, E.CONNECTED)
    assert ticks(connection, range(0, 1_000_000, 1000)) == []
    assert connection.state is S.CONNECTED


def test_a_late_word_of_the_pairing_does_not_put_a_deadline_on_a_link_that_is_up() -> None:
    connection = a_link(E.STARTED, E.QR_SHOWN, E.CONNECTED, E.PAIRED)
    assert ticks(connection, range(0, 1000, 10)) == []


def test_nobody_scans_the_code() -> None:
    connection = a_link(E.STARTED, E.QR_SHOWN)
    for second in (60, 80, 100, 120, 140):
        connection.apply(E.QR_SHOWN, START + second)
    assert ticks(connection, range(200)) == [
        (160, Command(LinkAction.EXIT, "nobody scanned the code in time", ExitCode.OPERATOR_NEEDED))
    ]


def test_paired_and_then_silent() -> None:
    connection = a_link(E.STARTED, E.QR_SHOWN)
    connection.apply(E.PAIRED, START + 150)
    assert [(second, command.action) for second, command in ticks(connection, range(150, 260))] == [
        (210, LinkAction.KICK)
    ]


def test_slow_answers_after_the_login_are_waited_for_three_times_as_long() -> None:
    connection = a_link(E.STARTED)
    connection.apply(E.AUTHENTICATED, START + 50)
    assert [(second, command.action) for second, command in ticks(connection, range(500))][:2] == [
        (230, LinkAction.KICK),
        (290, LinkAction.EXIT),
    ]


def test_a_login_that_is_cut_again_and_again_before_it_is_done_is_kicked_in_the_end() -> None:
    connection = a_link(E.STARTED, E.CONNECTED, E.DISCONNECTED)
    commands = []
    for second in range(0, 1000, 10):
        connection.apply(E.AUTHENTICATED, START + second)
        commands += ticks(connection, [second + 5])
    assert commands[0][1].action is LinkAction.KICK
    assert commands[0][0] <= 360 + 180 + 10


def test_two_overdue_dials_within_an_hour_end_the_process_also_when_the_first_came_up() -> None:
    connection = a_link(E.STARTED)
    assert ticks(connection, [60])[0][1].action is LinkAction.KICK
    connection.apply(E.CONNECTED, START + 70)
    connection.apply(E.DIAL_FAILED, START + 1000)
    assert ticks(connection, [1001])[0][1].action is LinkAction.DIAL
    assert [command.exit_code for _, command in ticks(connection, [1061])] == [ExitCode.LINK_LOST]


def test_a_dial_that_failed_in_between_forgives_the_outage_before_it() -> None:
    connection = a_link(E.STARTED, E.CONNECTED, E.DISCONNECTED)
    assert ticks(connection, [60])[0][1].action is LinkAction.KICK
    connection.apply(E.DIAL_FAILED, START + 61)
    connection.apply(E.WAIT_OVER, START + 63)
    connection.apply(E.DISCONNECTED, START + 64)
    assert [command.action for _, command in ticks(connection, [124])] == [LinkAction.KICK]


def test_a_socket_that_is_gone_without_a_word_is_dialled_afresh_after_the_connect_timeout() -> None:
    connection = a_link(E.STARTED, E.CONNECTED)
    assert connection.apply(E.SOCKET_GONE, START, "gone") is None
    assert [(second, command.action) for second, command in ticks(connection, range(100))] == [
        (60, LinkAction.KICK)
    ]


# Waits


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


# Unstable cycles


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


# Whatever happens


# The machine gives the other three to itself.
from_outside = [signal for signal in Signal if signal not in (E.WAIT_OVER, E.TOO_UNSTABLE, E.GAVE_UP)]
happenings = st.lists(
    st.tuples(
        st.sampled_from([None, *from_outside]),
        st.one_of(st.sampled_from([0.0, 1.0, 6.0, 61.0]), st.floats(0, 100_000)),
        st.floats(0, 365 * 86_400),
    ),
    max_size=60,
)
some_limits = st.builds(
    Limits,
    connect_seconds=st.floats(1, 600),
    queries_seconds=st.floats(3, 1800),
    pairing_seconds=st.floats(5, 160),
    reconnect_seconds=st.floats(5, 3600),
    max_unstable_cycles=st.integers(0, 4),
    stop_when_unstable=st.booleans(),
    cooldown_seconds=st.floats(1, 7200),
)


@given(limits=some_limits, happenings=happenings, seed=st.integers())
def test_whatever_happens(
    limits: Limits, happenings: list[tuple[Signal | None, float, float]], seed: int
) -> None:
    now = START
    connection = Connection(limits, now, random.Random(seed).random)
    banned_until = float("-inf")
    for signal, seconds, ban_seconds in happenings:
        now += seconds
        before = connection.state
        if signal is None:
            command = connection.tick(now)
        else:
            command = connection.apply(signal, now, f"on {signal}", ban_seconds)
            if connection.state is S.BANNED and before is not S.BANNED:
                banned_until = now + ban_seconds
        if before in TERMINAL_STATES or before is S.STOPPING:
            assert (connection.state, command) == (before, None)
            continue
        if command is not None:
            if command.action in (LinkAction.DIAL, LinkAction.KICK):
                assert connection.state is S.CONNECTING
                assert now >= banned_until
            if command.action is LinkAction.HANG_UP:
                assert connection.state in WAITING_STATES | {S.NO_ROOM}
            if command.action is LinkAction.EXIT:
                ended = connection.state in TERMINAL_STATES
                assert ended != (command.exit_code is ExitCode.LINK_LOST)
                return
        if connection.state in (S.STARTING, S.CONNECTED, S.NO_ROOM):
            assert connection.deadline is None
        elif connection.state in LIVE_STATES:
            assert connection.deadline is not None
        caps = {
            S.COOLDOWN: limits.cooldown_max_seconds,
            S.BACKOFF: max(limits.backoff_max_seconds, *limits.refused_seconds),
            S.CONNECTING: limits.connect_seconds + limits.queries_seconds,
            S.PAIRING: limits.pairing_seconds,
            S.RECONNECTING: max(limits.reconnect_seconds, limits.connect_seconds) + limits.queries_seconds,
        }
        if connection.state in caps:
            assert connection.deadline is not None
            assert connection.deadline <= now + caps[connection.state]
        assert connection.since <= now
