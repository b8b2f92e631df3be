from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.links import START, WAYS, E, S, a_link, ticks
from wabot.errors import ExitCode
from wabot.link.connection import Command, Connection, Limits, LinkAction
from wabot.link.states import LIVE_STATES, TERMINAL_STATES, WAITING_STATES, State
from wabot.whatsapp.signals import Signal

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
