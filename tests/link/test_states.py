from __future__ import annotations

import pytest

from wabot.errors import ExitCode
from wabot.link.states import EXIT_CODES, LIVE_STATES, TERMINAL_STATES, TRANSITIONS, WAITING_STATES, State
from wabot.whatsapp.signals import Signal


def test_nothing_leads_out_of_the_end() -> None:
    assert {before for before, _ in TRANSITIONS} <= LIVE_STATES
    assert not LIVE_STATES & (TERMINAL_STATES | {State.STOPPING})


def test_every_state_can_be_reached() -> None:
    reached = {State.STARTING}
    while more := {after for (before, _), after in TRANSITIONS.items() if before in reached} - reached:
        reached |= more
    assert reached == set(State)


def test_every_signal_matters_somewhere() -> None:
    # What the library's log says alone is the supervisor's to believe.
    assert {signal for _, signal in TRANSITIONS} == set(Signal) - {Signal.REDIAL_GIVEN_UP}


@pytest.mark.parametrize("state", sorted(LIVE_STATES))
@pytest.mark.parametrize(
    ("signal", "after"),
    [
        (Signal.STOP_REQUESTED, State.STOPPING),
        (Signal.REPLACED, State.REPLACED),
        (Signal.LOGGED_OUT, State.LOGGED_OUT),
        (Signal.CLIENT_OUTDATED, State.OUTDATED),
        (Signal.STORE_FAILED, State.FAILED),
        (Signal.GAVE_UP, State.FAILED),
    ],
)
def test_what_ends_everything_ends_it_from_everywhere(state: State, signal: Signal, after: State) -> None:
    assert TRANSITIONS[state, signal] is after


def test_every_wait_can_end() -> None:
    assert all(TRANSITIONS[state, Signal.WAIT_OVER] is State.CONNECTING for state in WAITING_STATES)


@pytest.mark.parametrize(
    ("state", "code"),
    [
        (State.STOPPING, 0),
        (State.OUTDATED, 76),
        (State.REPLACED, 77),
        (State.LOGGED_OUT, 77),
        (State.FAILED, 77),
        (State.PAIRING_EXPIRED, 78),
    ],
)
def test_each_end_has_its_exit_code(state: State, code: int) -> None:
    assert EXIT_CODES[state] == ExitCode(code)


def test_no_other_state_ends_the_process() -> None:
    assert set(EXIT_CODES) == TERMINAL_STATES | {State.STOPPING}
    assert not any(code.restarts for code in EXIT_CODES.values())
