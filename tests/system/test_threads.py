from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import pytest

from wabot.system.threads import Pulse, Worker

WAIT_SECONDS = 10.0


class Clerk(Worker):
    """Notes its steps; what a step does is for the test to say."""

    def __init__(self, first_seconds: float | None = 0.0) -> None:
        super().__init__("clerk", first_seconds=first_seconds)
        self.steps = 0
        self.is_finished = False
        self.step: Callable[[], float | None] = lambda: None

    def work(self) -> float | None:
        self.steps += 1
        return self.step()

    def finish(self) -> None:
        self.is_finished = True


@pytest.fixture
def clerk() -> Iterator[Clerk]:
    made = Clerk()
    yield made
    made.stop(WAIT_SECONDS)


def wait_for_steps(clerk: Clerk, steps: int) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while clerk.steps < steps:
        assert time.monotonic() < deadline
        time.sleep(0.002)


def test_a_step_is_taken_at_the_start_and_whenever_somebody_rouses(clerk: Clerk) -> None:
    clerk.start()
    wait_for_steps(clerk, 1)
    clerk.rouse()
    wait_for_steps(clerk, 2)
    time.sleep(0.05)
    assert clerk.steps == 2


def test_a_step_says_when_the_next_is_due(clerk: Clerk) -> None:
    clerk.step = lambda: 0.01 if clerk.steps < 3 else None
    clerk.start()
    wait_for_steps(clerk, 3)
    time.sleep(0.05)
    assert clerk.steps == 3


def test_who_is_roused_during_a_step_or_before_the_start_takes_another(clerk: Clerk) -> None:
    clerk.step = lambda: clerk.rouse() if clerk.steps == 1 else None
    clerk.start()
    wait_for_steps(clerk, 2)
    other = Clerk(first_seconds=None)
    other.rouse()
    other.start()
    wait_for_steps(other, 1)
    assert other.stop(WAIT_SECONDS)


def test_the_first_step_may_have_time() -> None:
    clerk = Clerk(first_seconds=None)
    clerk.start()
    time.sleep(0.05)
    assert clerk.steps == 0
    assert clerk.stop(WAIT_SECONDS)
    assert (clerk.steps, clerk.is_finished) == (0, True)


def test_a_stop_waits_for_the_step_in_hand_and_what_is_left_to_do(clerk: Clerk) -> None:
    began, may_end = threading.Event(), threading.Event()
    clerk.step = lambda: began.set() or (may_end.wait(WAIT_SECONDS) and None)
    clerk.start()
    assert began.wait(WAIT_SECONDS)
    assert not clerk.stop(0.01)
    assert clerk.is_stopping
    assert not clerk.is_finished
    may_end.set()
    assert clerk.stop(WAIT_SECONDS)
    assert (clerk.steps, clerk.is_finished, clerk.is_alive()) == (1, True, False)


def test_a_stop_is_heard_also_by_a_step_that_wipes_its_own_wakeup(clerk: Clerk) -> None:
    """As the sender's does, which looks for what it was roused for."""

    def step() -> None:
        clerk.stop()
        clerk._wakeup.clear()

    clerk.step = step
    clerk.start()
    assert clerk.stop(WAIT_SECONDS)
    assert clerk.is_finished


def test_what_was_never_started_can_be_stopped() -> None:
    assert Clerk().stop(WAIT_SECONDS)


def test_one_odd_case_ends_nothing(
    clerk: Clerk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("wabot.system.threads.FAILED_SECONDS", 0.01)
    clerk.step = lambda: {}["out of the blue"] if clerk.steps == 1 else None
    clerk.start()
    wait_for_steps(clerk, 2)
    assert "clerk failed; it goes on" in caplog.text
    assert clerk.stop(WAIT_SECONDS)


def test_waiting_for_the_end_ends_with_it(clerk: Clerk) -> None:
    assert not clerk.stops_within(0.01)
    clerk.stop()
    assert clerk.stops_within(WAIT_SECONDS)


def test_a_pulse_keeps_the_last_promise(monkeypatch: pytest.MonkeyPatch) -> None:
    pulse = Pulse(usual_seconds=60)
    assert pulse.silence(1000) == (0, 0)
    monkeypatch.setattr("wabot.system.threads.monotonic", lambda: 100.0)
    pulse.busy()
    assert pulse.silence(110) == (10, 60)
    pulse.busy(5)
    assert pulse.silence(110) == (10, 5)
    pulse.idle()
    assert pulse.silence(110) == (0, 0)
