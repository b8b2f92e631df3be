"""The circuit breaker, by the clock."""

from __future__ import annotations

from wabot.brain.providers.circuit import CircuitBreaker


def opened(at: float) -> CircuitBreaker:
    circuit = CircuitBreaker()
    for _ in range(3):
        assert circuit.try_acquire(at)
        circuit.record_failure(at)
    return circuit


def test_three_failures_in_a_row_open_it_for_half_a_minute() -> None:
    circuit = CircuitBreaker()
    assert circuit.record_failure(0) is None
    assert circuit.record_failure(0) is None
    assert circuit.try_acquire(0)
    assert circuit.record_failure(0) == 30
    assert not circuit.try_acquire(29.9)
    assert circuit.try_acquire(30)


def test_a_success_between_failures_keeps_it_closed() -> None:
    circuit = CircuitBreaker()
    for _ in range(5):
        circuit.record_failure(0)
        circuit.record_failure(0)
        circuit.record_success()
    assert circuit.try_acquire(0)


def test_half_open_lets_one_call_through() -> None:
    circuit = opened(0)
    assert circuit.try_acquire(30)
    assert not circuit.try_acquire(30)
    circuit.record_success()
    assert circuit.try_acquire(30)
    assert circuit.try_acquire(30)


def test_each_failed_trial_doubles_the_pause_up_to_ten_minutes() -> None:
    circuit = opened(0)
    now, pauses = 30.0, []
    for _ in range(7):
        assert circuit.try_acquire(now)
        pause = circuit.record_failure(now)
        assert pause is not None
        assert not circuit.try_acquire(now + pause - 0.1)
        pauses.append(pause)
        now += pause
    assert pauses == [60, 120, 240, 480, 600, 600, 600]


def test_after_a_recovery_it_begins_anew() -> None:
    circuit = opened(0)
    assert circuit.try_acquire(30)
    circuit.record_failure(30)
    assert circuit.try_acquire(90)
    circuit.record_success()
    circuit.record_failure(91)
    circuit.record_failure(91)
    assert circuit.record_failure(91) == 30


def test_failures_of_calls_begun_before_it_opened_add_no_pause() -> None:
    circuit = opened(0)
    assert circuit.record_failure(10) is None
    assert circuit.try_acquire(30)
