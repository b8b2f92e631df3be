"""Which chat is to be answered when: one in flight per chat, bursts joined, several chats at once.

The database says what is waiting; this says when to look. Thread-safe, and told the time by its caller only
where that matters for tests: `take` waits on the real clock.

Workers are leader and followers: of those that have nothing to do one, the leader, watches the clock, and the
others sleep until one is wanted. A message wakes one thread, however many there are, and as long as one is
enough it is the same one.
"""

from __future__ import annotations

import heapq
import math
import threading
import time
from collections.abc import Callable

LONGEST_WAIT_DEBOUNCES = 5
RELIEF_SECONDS = 1.0


class ChatSchedule:
    """Hands chats to reply workers when their customers have fallen silent.

    Args:
        debounce_seconds: silence to wait for after each message; a chat that never falls silent is handed
            out after five times as long.
        clock: monotonic seconds.
        at_once: how many chats are answered at the same time; None = as many as there are workers. A chat
            that has been waiting for a second because so many take long, as with a slow model, is handed out
            all the same, if a worker is left to take it.
    """

    def __init__(
        self,
        debounce_seconds: float,
        clock: Callable[[], float] = time.monotonic,
        at_once: int | None = None,
    ) -> None:
        self._debounce_seconds = debounce_seconds
        self._at_once = at_once
        self._clock = clock
        self._lock = threading.Lock()
        self._leader_wakes = threading.Condition(self._lock)
        self._follower_wakes = threading.Condition(self._lock)
        self._has_leader = False
        self._first: dict[int, float] = {}
        self._due: dict[int, float] = {}
        self._queue: list[tuple[float, int]] = []
        self._in_flight: set[int] = set()
        self._closed = False
        self._is_over = threading.Event()

    def touch(self, chat_id: int, waited_seconds: float = 0.0) -> None:
        """Have a chat answered once it has been silent for the debounce time after a message.

        Args:
            chat_id: the chat.
            waited_seconds: how long ago the message came, for those found at a start. Less than nothing, as
                after a machine's clock was set back, counts as nothing.
        """
        with self._lock:
            at = self._clock() - max(waited_seconds, 0.0)
            first = self._first.setdefault(chat_id, at)
            longest = first + self._debounce_seconds * LONGEST_WAIT_DEBOUNCES
            self._put(chat_id, min(at + self._debounce_seconds, longest))

    def postpone(self, chat_id: int, seconds: float) -> None:
        """Have a chat looked at after a while, and not before."""
        with self._lock:
            self._put(chat_id, self._clock() + seconds)

    def look_again(self, chat_id: int, seconds: float) -> None:
        """Have a chat looked at after a while, or as soon as something else wants it."""
        with self._lock:
            due = self._clock() + seconds
            self._put(chat_id, min(due, self._due.get(chat_id, due)))

    def hurry(self, chat_id: int) -> None:
        """Have a chat looked at now that waited for something, unless its customer may still be writing."""
        with self._lock:
            now = self._clock()
            if self._due.get(chat_id, math.inf) > now + self._debounce_seconds:
                self._put(chat_id, now)

    def take(self) -> int | None:
        """Wait for a chat that is due and take it; None when the schedule is closed."""
        with self._lock:
            while not self._closed:
                if self._has_leader:
                    self._follower_wakes.wait()
                    continue
                now = self._clock()
                chat_id = self._pop_due(now)
                if chat_id is not None:
                    self._in_flight.add(chat_id)
                    if self._queue:
                        self._alert()
                    return chat_id
                self._has_leader = True
                self._leader_wakes.wait(self._seconds_to_wait(now))
                self._has_leader = False
            return None

    def done(self, chat_id: int) -> None:
        """Give back a chat that was taken; for messages that came meanwhile it may be taken again now."""
        with self._lock:
            self._in_flight.discard(chat_id)
            if chat_id in self._due:
                heapq.heappush(self._queue, (self._due[chat_id], chat_id))
            if self._queue:
                self._alert()

    def close(self) -> None:
        """Let every waiting worker go."""
        with self._lock:
            self._closed = True
            self._leader_wakes.notify_all()
            self._follower_wakes.notify_all()
        self._is_over.set()

    def closes_within(self, seconds: float) -> bool:
        """Wait for the seconds to pass, or the schedule to be closed; whether it is."""
        return self._is_over.wait(seconds)

    def _put(self, chat_id: int, due: float) -> None:
        self._due[chat_id] = due
        if chat_id not in self._in_flight:
            heapq.heappush(self._queue, (due, chat_id))
            self._alert()

    def _alert(self) -> None:
        """Have the leader look at the queue, or a follower become it; who is busy looks afterwards."""
        (self._leader_wakes if self._has_leader else self._follower_wakes).notify()

    def _pop_due(self, now: float) -> int | None:
        self._drop_outdated()
        if not self._queue or self._queue[0][0] + self._delay_seconds() > now:
            return None
        _, chat_id = heapq.heappop(self._queue)
        del self._due[chat_id]
        self._first.pop(chat_id, None)
        return chat_id

    def _seconds_to_wait(self, now: float) -> float | None:
        return self._queue[0][0] + self._delay_seconds() - now if self._queue else None

    def _delay_seconds(self) -> float:
        is_full = self._at_once is not None and len(self._in_flight) >= self._at_once
        return RELIEF_SECONDS if is_full else 0.0

    def _drop_outdated(self) -> None:
        """Drop entries that no longer hold: a later message moved the chat on, or it is in flight."""
        while self._queue:
            due, chat_id = self._queue[0]
            if self._due.get(chat_id) == due and chat_id not in self._in_flight:
                return
            heapq.heappop(self._queue)
