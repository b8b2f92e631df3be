from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wabot.conversation.schedule import LONGEST_WAIT_DEBOUNCES, RELIEF_SECONDS, ChatSchedule

WAIT_SECONDS = 10.0
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


# With real threads and the real clock


MakeSchedule = Callable[[float], ChatSchedule]


@pytest.fixture
def workers() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(8) as pool:
        yield pool


@pytest.fixture
def make_schedule(workers: ThreadPoolExecutor) -> Iterator[MakeSchedule]:
    """Makes schedules by their debounce seconds; at the end no worker is left waiting in one."""
    made: list[ChatSchedule] = []

    def make(debounce_seconds: float) -> ChatSchedule:
        made.append(ChatSchedule(debounce_seconds))
        return made[-1]

    yield make
    for schedule in made:
        schedule.close()


def test_a_waiting_worker_wakes_when_a_chat_falls_silent(
    workers: ThreadPoolExecutor, make_schedule: MakeSchedule
) -> None:
    schedule = make_schedule(0.1)
    taken = workers.submit(schedule.take)
    began = time.monotonic()
    schedule.touch(1)
    assert taken.result(WAIT_SECONDS) == 1
    assert time.monotonic() - began >= 0.1


def test_one_slow_chat_does_not_hold_up_the_others(
    workers: ThreadPoolExecutor, make_schedule: MakeSchedule
) -> None:
    schedule = make_schedule(0.01)
    waiting = [workers.submit(schedule.take) for _ in range(8)]
    for chat_id in range(1, 9):
        schedule.touch(chat_id)
    assert sorted(each.result(WAIT_SECONDS) or 0 for each in waiting) == list(range(1, 9))


def test_an_earlier_chat_overtakes_the_one_that_is_waited_for(
    workers: ThreadPoolExecutor, make_schedule: MakeSchedule
) -> None:
    schedule = make_schedule(0.01)
    schedule.postpone(1, 3600)
    taken = workers.submit(schedule.take)
    schedule.touch(2)
    assert taken.result(WAIT_SECONDS) == 2


def test_a_worker_that_is_done_wakes_one_for_what_came_meanwhile(
    workers: ThreadPoolExecutor, make_schedule: MakeSchedule
) -> None:
    schedule = make_schedule(0)
    schedule.touch(1)
    assert schedule.take() == 1
    taken = workers.submit(schedule.take)
    schedule.touch(1)
    schedule.done(1)
    assert taken.result(WAIT_SECONDS) == 1


def test_one_message_after_the_other_wakes_one_and_the_same_worker(make_schedule: MakeSchedule) -> None:
    schedule = make_schedule(0.0)
    took: list[tuple[str, int]] = []
    answered = threading.Semaphore(0)

    def work() -> None:
        while (chat_id := schedule.take()) is not None:
            took.append((threading.current_thread().name, chat_id))
            schedule.done(chat_id)
            answered.release()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for chat_id in range(20):
        schedule.touch(chat_id)
        assert answered.acquire(timeout=WAIT_SECONDS)
        # Until whoever took it waits again.
        time.sleep(0.005)
    schedule.close()
    for thread in threads:
        thread.join(WAIT_SECONDS)
    assert [chat_id for _, chat_id in took] == list(range(20))
    # Where the machine is busy, one may not be back in time.
    assert max(Counter(name for name, _ in took).values()) >= 15


def test_closing_lets_every_worker_go(workers: ThreadPoolExecutor, make_schedule: MakeSchedule) -> None:
    schedule = make_schedule(60)
    schedule.touch(1)
    waiting = [workers.submit(schedule.take) for _ in range(8)]
    schedule.close()
    assert [each.result(WAIT_SECONDS) for each in waiting] == [None] * 8


def test_many_workers_and_many_messages(workers: ThreadPoolExecutor, make_schedule: MakeSchedule) -> None:
    schedule = make_schedule(0.002)
    chats = range(1, 11)
    waiting = dict.fromkeys(chats, 0)
    answered = dict.fromkeys(chats, 0)
    guard = threading.Lock()
    in_flight: set[int] = set()

    def work() -> None:
        while (chat_id := schedule.take()) is not None:
            with guard:
                assert chat_id not in in_flight
                in_flight.add(chat_id)
                found, waiting[chat_id] = waiting[chat_id], 0
            time.sleep(0.001)
            with guard:
                answered[chat_id] += found
                in_flight.discard(chat_id)
            schedule.done(chat_id)

    running: list[Future[None]] = [workers.submit(work) for _ in range(6)]
    for _ in range(500):
        chat_id = random.choice(chats)
        with guard:
            waiting[chat_id] += 1
        schedule.touch(chat_id)
    deadline = time.monotonic() + WAIT_SECONDS
    while sum(answered.values()) < 500 and time.monotonic() < deadline:
        time.sleep(0.005)
    schedule.close()
    for each in running:
        each.result(WAIT_SECONDS)
    assert sum(answered.values()) == 500
