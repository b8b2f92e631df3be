"""Tasks that are carried out when they are due, and again until they are done."""

from __future__ import annotations

import queue
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from wabot.inbound.lost_messages import DelayedTasks, Task

FAR_SECONDS = 3600.0


class Clerk(DelayedTasks):
    """Carries tasks out, and cannot for as many times as `refusals` says."""

    def __init__(self) -> None:
        super().__init__("clerk", retry_seconds=0.01)
        self.refusals = 0
        self.done: queue.SimpleQueue[str] = queue.SimpleQueue()

    def task(self, name: str) -> Task:
        return lambda: self.done.put(name)

    def wait_for(self, count: int) -> list[str]:
        return [self.done.get(timeout=5) for _ in range(count)]

    def is_done(self, task: Callable[[], None]) -> bool:
        if self.refusals:
            self.refusals -= 1
            return False
        task()
        return True


@pytest.fixture
def clerk(sqlite_database: Any) -> Iterator[Clerk]:
    made = Clerk()
    yield made
    made.stop(5)


def test_each_is_carried_out_when_it_is_due(clerk: Clerk) -> None:
    clerk.put(0.2, clerk.task("later"))
    clerk.put(FAR_SECONDS, clerk.task("never"))
    clerk.put(0.0, clerk.task("now"))
    clerk.start()
    clerk.put(0.1, clerk.task("between"))
    assert clerk.wait_for(3) == ["now", "between", "later"]
    assert clerk.done.empty()


def test_what_could_not_be_done_is_tried_until_it_is(clerk: Clerk) -> None:
    clerk.refusals = 3
    clerk.start()
    clerk.put(0.0, clerk.task("stubborn"))
    assert clerk.wait_for(1) == ["stubborn"]
    assert clerk.refusals == 0


def test_at_the_end_what_is_left_is_tried_at_once(clerk: Clerk) -> None:
    clerk.start()
    clerk.put(FAR_SECONDS, clerk.task("last"))
    clerk.put(FAR_SECONDS / 2, clerk.task("last but one"))
    assert clerk.stop(5)
    assert clerk.wait_for(2) == ["last but one", "last"]


def test_the_end_tells_of_what_could_not_be_done(clerk: Clerk) -> None:
    clerk.refusals = 1
    clerk.start()
    clerk.put(FAR_SECONDS, clerk.task("refused"))
    assert not clerk.stop(5)
    assert clerk.done.empty()
