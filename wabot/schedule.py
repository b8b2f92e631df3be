"""Which chat is to be answered when: one in flight per chat, bursts joined, several chats at once.

The database says what is waiting; this says when to look. Thread-safe, and told the time by its caller only
where that matters for tests: `take` waits on the real clock.
"""

from __future__ import annotations

import heapq
import threading
import time
from collections.abc import Callable

LONGEST_WAIT_DEBOUNCES = 5


class ChatSchedule:
    """Hands chats to reply workers when their customers have fallen silent.

    Args:
        debounce_seconds: silence to wait for after each message; a chat that never falls silent is handed
            out after five times as long.
        clock: monotonic seconds.
    """

    def __init__(self, debounce_seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._debounce_seconds = debounce_seconds
        self._clock = clock
        self._changed = threading.Condition()
        self._first: dict[int, float] = {}
        self._due: dict[int, float] = {}
        self._queue: list[tuple[float, int]] = []
        self._in_flight: set[int] = set()
        self._closed = False

    def touch(self, chat_id: int, waited_seconds: float = 0.0) -> None:
        """A message came: answer its chat once it has been silent for the debounce time.

        Args:
            chat_id: the chat.
            waited_seconds: how long ago the message came, for those found at a start. Less than nothing, as
                after a machine's clock was set back, counts as nothing.
        """
        with self._changed:
            at = self._clock() - max(waited_seconds, 0.0)
            first = self._first.setdefault(chat_id, at)
            longest = first + self._debounce_seconds * LONGEST_WAIT_DEBOUNCES
            self._put(chat_id, min(at + self._debounce_seconds, longest))

    def postpone(self, chat_id: int, seconds: float) -> None:
        """Look at a chat again after a while."""
        with self._changed:
            self._put(chat_id, self._clock() + seconds)

    def take(self) -> int | None:
        """Wait for a chat that is due and take it; None when the schedule is closed."""
        with self._changed:
            while not self._closed:
                now = self._clock()
                chat_id = self._pop_due(now)
                if chat_id is not None:
                    self._in_flight.add(chat_id)
                    return chat_id
                self._changed.wait(self._queue[0][0] - now if self._queue else None)
            return None

    def done(self, chat_id: int) -> None:
        """The chat was dealt with; messages that came meanwhile may be handed out now."""
        with self._changed:
            self._in_flight.discard(chat_id)
            if chat_id in self._due:
                heapq.heappush(self._queue, (self._due[chat_id], chat_id))
                self._changed.notify()

    def close(self) -> None:
        """Let every waiting worker go."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _put(self, chat_id: int, due: float) -> None:
        self._due[chat_id] = due
        if chat_id not in self._in_flight:
            heapq.heappush(self._queue, (due, chat_id))
            self._changed.notify()

    def _pop_due(self, now: float) -> int | None:
        while self._queue and self._queue[0][0] <= now:
            due, chat_id = heapq.heappop(self._queue)
            # A later message moved the chat on: its newer entry stands further back.
            if self._due.get(chat_id) == due and chat_id not in self._in_flight:
                del self._due[chat_id]
                self._first.pop(chat_id, None)
                return chat_id
        return None
