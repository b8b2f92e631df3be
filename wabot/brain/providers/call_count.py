"""Counts the calls of models for each chat, within the last hour."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable

_HOUR_SECONDS = 3600.0
_MANY_CHATS = 10_000
_MANY_CALLS = 10_000


class ChatCallCounts:
    """What each chat had of the models. Open to every thread; `clock` is monotonic, in seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._lock = threading.Lock()
        self._clock = clock
        self._by_chat: dict[str, deque[float]] = {}

    def add(self, chat: str) -> None:
        """A model was asked for this chat."""
        now = self._clock()
        with self._lock:
            if len(self._by_chat) >= _MANY_CHATS:
                self._by_chat = {
                    each: calls for each, calls in self._by_chat.items() if now - calls[-1] < _HOUR_SECONDS
                }
            self._by_chat.setdefault(chat, deque(maxlen=_MANY_CALLS)).append(now)

    def within_hour(self, chat: str) -> int:
        """Return how many calls a chat had within the last hour."""
        oldest = self._clock() - _HOUR_SECONDS
        with self._lock:
            calls = self._by_chat.get(chat)
            while calls and calls[0] <= oldest:
                calls.popleft()
            if calls is not None and not calls:
                del self._by_chat[chat]
            return len(calls or ())
