from __future__ import annotations

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wabot.conversation.schedule import LONGEST_WAIT_DEBOUNCES, RELIEF_SECONDS, ChatSchedule

MARK = 2**62  # comes after every chat that is due at the same time


class Clock:
    """Monotonic seconds that pass only when told to."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now

    def until(self, second: float) -> None:
        """Go on to a second after the start."""
        self.now = 1_000.0 + second


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def schedule(clock: Clock) -> ChatSchedule:
    return ChatSchedule(2.0, clock)


def take_due(schedule: ChatSchedule) -> list[int]:
    """Take everything that is due, and never wait."""
    schedule.postpone(MARK, 0)
    taken: list[int] = []
    while (chat_id := schedule.take()) != MARK:
        assert chat_id is not None
        taken.append(chat_id)
    schedule.done(MARK)
    return taken


def test_a_chat_is_answered_once_its_customer_has_been_silent(schedule: ChatSchedule, clock: Clock) -> None:
    schedule.touch(1)
    clock.until(1.9)
    assert take_due(schedule) == []
    clock.until(2)
    assert take_due(schedule) == [1]
    schedule.done(1)
    clock.until(100)
    assert take_due(schedule) == []


def test_a_burst_gets_one_answer(schedule: ChatSchedule, clock: Clock) -> None:
    for second in (0.0, 1.5, 3.0):
        clock.until(second)
        schedule.touch(1)
    clock.until(4.9)
    assert take_due(schedule) == []
    clock.until(5)
    assert take_due(schedule) == [1]
    schedule.done(1)
    assert take_due(schedule) == []


def test_a_customer_who_never_falls_silent_is_answered_all_the_same(
    schedule: ChatSchedule, clock: Clock
) -> None:
    taken_at = []
    for second in range(25):
        clock.until(second)
        schedule.touch(1)
        for chat_id in take_due(schedule):
            taken_at.append(second)
            schedule.done(chat_id)
    assert taken_at == [LONGEST_WAIT_DEBOUNCES * 2, LONGEST_WAIT_DEBOUNCES * 4 + 1]


def test_a_later_look_does_not_put_an_earlier_one_off(schedule: ChatSchedule, clock: Clock) -> None:
    schedule.look_again(1, 120)
    schedule.look_again(2, 120)
    schedule.touch(1)
    clock.until(2)
    assert take_due(schedule) == [1]
    schedule.touch(1)
    schedule.look_again(1, 120)
    schedule.done(1)
    clock.until(4)
    assert take_due(schedule) == [1]
    clock.until(120)
    assert take_due(schedule) == [2]


def test_a_chat_that_waited_for_a_file_is_looked_at_now_unless_its_customer_still_writes(
    schedule: ChatSchedule, clock: Clock
) -> None:
    schedule.look_again(1, 300)
    schedule.hurry(1)
    schedule.hurry(2)
    schedule.touch(3)
    schedule.hurry(3)
    assert take_due(schedule) == [1, 2]
    schedule.hurry(1)
    schedule.done(1)
    clock.until(2)
    assert take_due(schedule) == [1, 3]


def test_chats_come_in_the_order_they_fell_silent(schedule: ChatSchedule, clock: Clock) -> None:
    for second, chat_id in enumerate((3, 1, 2, 3)):
        clock.until(second / 10)
        schedule.touch(chat_id)
    clock.until(10)
    assert take_due(schedule) == [1, 2, 3]


def test_a_chat_in_flight_is_not_given_to_a_second_worker(schedule: ChatSchedule, clock: Clock) -> None:
    schedule.touch(1)
    clock.until(2)
    assert take_due(schedule) == [1]
    schedule.touch(1)
    clock.until(50)
    schedule.touch(1)
    clock.until(100)
    assert take_due(schedule) == []
    schedule.done(1)
    assert take_due(schedule) == [1]


def test_what_comes_while_a_chat_is_answered_is_debounced_too(schedule: ChatSchedule, clock: Clock) -> None:
    schedule.touch(1)
    clock.until(2)
    assert take_due(schedule) == [1]
    clock.until(10)
    schedule.touch(1)
    schedule.done(1)
    clock.until(11.9)
    assert take_due(schedule) == []
    clock.until(12)
    assert take_due(schedule) == [1]


def test_a_slow_model_delays_its_chat_and_no_other_for_long(clock: Clock) -> None:
    schedule = ChatSchedule(0, clock, at_once=2)
    for chat_id in (1, 2, 3):
        schedule.touch(chat_id)
    assert [schedule.take(), schedule.take()] == [1, 2]
    clock.until(RELIEF_SECONDS)
    assert schedule.take() == 3


def test_a_worker_that_waits_for_relief_sleeps_until_then(clock: Clock) -> None:
    schedule = ChatSchedule(0, clock, at_once=1)
    for chat_id in (1, 2):
        schedule.touch(chat_id)
    assert schedule._seconds_to_wait(clock()) == 0
    assert schedule.take() == 1
    assert schedule._seconds_to_wait(clock()) == RELIEF_SECONDS, "else it would look again and again"


def test_no_more_chats_at_once_than_wanted_while_answers_come_quickly(clock: Clock) -> None:
    schedule = ChatSchedule(0, clock, at_once=1)
    taken: list[int | None] = []
    for chat_id in (1, 2):
        schedule.touch(chat_id)
    assert schedule.take() == 1
    second = threading.Thread(target=lambda: taken.append(schedule.take()))
    second.start()
    second.join(0.2)
    assert taken == []
    schedule.done(1)
    second.join(5)
    assert taken == [2]


def test_without_debounce_a_chat_is_due_at_once(clock: Clock) -> None:
    schedule = ChatSchedule(0, clock)
    schedule.touch(1)
    schedule.touch(1)
    assert take_due(schedule) == [1]
    schedule.touch(1)
    assert take_due(schedule) == []
    schedule.done(1)
    assert take_due(schedule) == [1]


@pytest.mark.parametrize(("waited", "due"), [(0, 2), (1.5, 0.5), (2, 0), (86_400, 0), (-86_400, 2)])
def test_what_was_found_at_a_start_has_waited_already(
    schedule: ChatSchedule, clock: Clock, waited: float, due: float
) -> None:
    schedule.touch(1, waited)
    if due:
        clock.until(due - 0.1)
        assert take_due(schedule) == []
    clock.until(due)
    assert take_due(schedule) == [1]


def test_a_postponed_chat_is_looked_at_later_or_when_its_customer_writes(
    schedule: ChatSchedule, clock: Clock
) -> None:
    schedule.touch(1)
    clock.until(2)
    assert take_due(schedule) == [1]
    schedule.postpone(1, 20)
    schedule.done(1)
    clock.until(21.9)
    assert take_due(schedule) == []
    clock.until(22)
    assert take_due(schedule) == [1]
    schedule.postpone(1, 20)
    schedule.done(1)
    schedule.touch(1)
    clock.until(24)
    assert take_due(schedule) == [1]


def test_a_closed_schedule_gives_nothing(schedule: ChatSchedule, clock: Clock) -> None:
    schedule.touch(1)
    clock.until(2)
    schedule.close()
    assert schedule.take() is None


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["touch", "postpone", "take", "done"]), st.integers(1, 3), st.floats(0, 15)
        ),
        max_size=60,
    )
)
def test_no_chat_is_lost_and_none_is_answered_twice_at_once(steps: list[tuple[str, int, float]]) -> None:
    clock = Clock()
    schedule = ChatSchedule(2.0, clock)
    open_chats: set[int] = set()
    in_flight: set[int] = set()
    for step, chat_id, seconds in steps:
        clock.now += seconds
        match step:
            case "touch":
                schedule.touch(chat_id)
                open_chats.add(chat_id)
            case "postpone":
                schedule.postpone(chat_id, seconds)
                open_chats.add(chat_id)
            case "take":
                taken = take_due(schedule)
                assert len(taken) == len(set(taken))
                assert not in_flight & set(taken)
                assert set(taken) <= open_chats
                open_chats -= set(taken)
                in_flight |= set(taken)
            case "done":
                schedule.done(chat_id)
                in_flight.discard(chat_id)
    for chat_id in in_flight:
        schedule.done(chat_id)
    clock.now += 1000
    assert set(take_due(schedule)) == open_chats
