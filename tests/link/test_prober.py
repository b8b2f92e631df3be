from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import pytest

from wabot.link.prober import Prober


class Library:
    """Answers as the test wants, or not at all."""

    def __init__(self) -> None:
        self.connected = True
        self.free = threading.Event()
        self.free.set()
        self.asked = 0

    def is_connected(self) -> bool:
        self.asked += 1
        self.free.wait()
        return self.connected


@pytest.fixture
def library() -> Iterator[Library]:
    """Set free at the end, so that no thread stays."""
    one = Library()
    yield one
    one.free.set()


@pytest.fixture
def prober(library: Library, monkeypatch: pytest.MonkeyPatch) -> Iterator[Prober]:
    """Asks only when it is told to, and looks a second time at once."""
    monkeypatch.setattr("wabot.link.prober._SECOND_LOOK_SECONDS", 0.01)
    prober = Prober(library, 3600)
    prober.start()
    yield prober
    prober.stop()


def wait_until(reached: Callable[[], bool]) -> None:
    """Look until it is so."""
    deadline = time.monotonic() + 10
    while not reached():
        assert time.monotonic() < deadline
        time.sleep(0.002)


def test_asks_as_soon_as_the_link_came_up(prober: Prober, library: Library) -> None:
    assert library.asked == 0
    prober.reset()
    wait_until(lambda: library.asked == 1)
    assert not prober.is_gone


def test_two_looks_at_a_dead_socket_are_enough(prober: Prober, library: Library) -> None:
    library.connected = False
    prober.reset()
    wait_until(lambda: prober.is_gone)
    assert library.asked == 2
    library.connected = True
    prober.reset()
    wait_until(lambda: library.asked == 3)
    assert not prober.is_gone


def test_a_moment_without_a_socket_is_a_redial(prober: Prober, library: Library) -> None:
    answers = iter([False, True, True])
    asked = []

    class Redialling:
        def is_connected(self) -> bool:
            asked.append(next(answers))
            return asked[-1]

    other = Prober(Redialling(), 3600)
    other.start()
    other.reset()
    wait_until(lambda: len(asked) == 2)
    time.sleep(0.05)
    assert asked == [False, True]
    assert not other.is_gone
    other.stop()


def test_a_question_without_an_answer_gets_older(prober: Prober, library: Library) -> None:
    assert prober.seconds_without_answer() == 0
    library.free.clear()
    prober.reset()
    wait_until(lambda: prober.seconds_without_answer() > 0.05)
    library.free.set()
    wait_until(lambda: prober.seconds_without_answer() == 0)
