"""Carries tasks out one by one on a thread of their own: each when it is due, and again until it is done."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from wabot.database.lent_connections import rest
from wabot.database.models import database

Task = Callable[[], None]


class DelayedTasks:
    """The tasks and their thread; anybody may add to them.

    Args:
        name: of the thread.
        is_done: carries a task out; whether that could be done now.
        retry_seconds: when to try again where it could not.
    """

    def __init__(self, name: str, is_done: Callable[[Task], bool], retry_seconds: float) -> None:
        self._is_done = is_done
        self._retry_seconds = retry_seconds
        self._changed = threading.Condition()
        self._tasks: list[tuple[float, Task]] = []
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def put(self, delay_seconds: float, task: Task) -> None:
        """Add one, also before the start."""
        with self._changed:
            self._tasks.append((time.monotonic() + delay_seconds, task))
            self._changed.notify()

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self, timeout_seconds: float) -> bool:
        """Try what is left once more, now; whether nothing is left."""
        with self._changed:
            self._stopping = True
            self._changed.notify()
        self._thread.join(timeout_seconds)
        return not self._thread.is_alive() and not self._tasks

    def _run(self) -> None:
        while True:
            rest()
            with self._changed:
                while not self._stopping and self._seconds_left() != 0:
                    self._changed.wait(self._seconds_left())
                due, task = min(self._tasks, key=lambda each: each[0], default=(0.0, None))
                if task is None:
                    break
                self._tasks.remove((due, task))
            if not self._is_done(task):
                self.put(self._retry_seconds, task)
                if self._stopping:
                    break
        database.close()

    def _seconds_left(self) -> float | None:
        """Until the next task; None when there is none."""
        if not self._tasks:
            return None
        return max(0.0, min(due for due, _ in self._tasks) - time.monotonic())
