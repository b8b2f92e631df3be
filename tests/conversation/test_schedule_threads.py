"""The schedule with real threads and the real clock."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from wabot.conversation.schedule import ChatSchedule

WAIT_SECONDS = 10.0
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
