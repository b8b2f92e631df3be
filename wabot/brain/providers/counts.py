"""Counts the calls of the models: what became of them, for metrics and alerts, and how many each chat had."""

from __future__ import annotations

import copy
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Literal

from wabot.brain.output.completion import ErrorKind, Usage

_HOUR_SECONDS = 3600.0
_MANY_CHATS = 10_000
_MANY_CALLS = 10_000


# A second answer went out; or none of the model's.
HeldBack = Literal["mended", "withheld"]


@dataclass(slots=True)
class ProviderCount:
    """What one provider did.

    Attributes:
        calls: all that were begun.
        errors: those of them that failed, by kind.
        prompt_tokens: of all calls that were answered.
        completion_tokens: of all calls that were answered.
        heard_seconds: how long the sound played that was transcribed.
        answered_at: when the last answer came, in seconds since 1970; None when none has.
        held_back: answers that claimed what nothing supports, by what became of them.
    """

    calls: int = 0
    errors: Counter[ErrorKind] = field(default_factory=Counter)
    prompt_tokens: int = 0
    completion_tokens: int = 0
    heard_seconds: float = 0.0
    answered_at: float | None = None
    held_back: Counter[HeldBack] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class ProviderOutage:
    """No provider has answered from `first_at` to `last_at`, in seconds since 1970; and why not, lastly."""

    first_at: float
    last_at: float
    reason: str


class CallCounts:
    """The counts of all providers. Open to every thread.

    Args:
        names: of the providers, so that one that was never asked is there, too.
        clock: in seconds since 1970.
    """

    def __init__(self, names: Iterable[str] = (), clock: Callable[[], float] = time.time) -> None:
        self._lock = threading.Lock()
        self._clock = clock
        self._providers = {name: ProviderCount() for name in names}
        self._outage: ProviderOutage | None = None
        self._refused_chat = ""

    def answered(self, provider: str, usage: Usage, heard_seconds: float = 0.0) -> None:
        """Count a call that was answered.

        Args:
            provider: whose.
            usage: the tokens it took.
            heard_seconds: how long the sound played that it was about.
        """
        with self._lock:
            count = self._providers.setdefault(provider, ProviderCount())
            count.calls += 1
            count.prompt_tokens += usage.prompt_tokens
            count.completion_tokens += usage.completion_tokens
            count.heard_seconds += heard_seconds
            count.answered_at = self._clock()
            self._outage = None
            self._refused_chat = ""

    def failed(self, provider: str, kind: ErrorKind) -> None:
        """Count a call that failed."""
        with self._lock:
            count = self._providers.setdefault(provider, ProviderCount())
            count.calls += 1
            count.errors[kind] += 1

    def held_back(self, provider: str, outcome: HeldBack) -> None:
        """Count an answer that claimed what nothing supports, and what became of it."""
        with self._lock:
            self._providers.setdefault(provider, ProviderCount()).held_back[outcome] += 1

    def nobody_answered(self, reason: str, refused_chat: str = "") -> None:
        """Note that a customer's question went through all providers in vain.

        Args:
            reason: why, in one line.
            refused_chat: whose it was where all of them refused the text: what one alone is refused says
                nothing of the models.
        """
        with self._lock:
            if refused_chat and self._refused_chat in ("", refused_chat):
                self._refused_chat = refused_chat
                return
            now = self._clock()
            first_at = self._outage.first_at if self._outage else now
            self._outage = ProviderOutage(first_at, now, reason)

    def providers(self) -> dict[str, ProviderCount]:
        """A copy of the counts, by the provider's name."""
        with self._lock:
            return copy.deepcopy(self._providers)

    @property
    def outage(self) -> ProviderOutage | None:
        """The outage that is not over, if there is one."""
        with self._lock:
            return self._outage

    @property
    def is_answering(self) -> bool:
        """Whether the last that was heard of the models is an answer."""
        with self._lock:
            return self._outage is None and any(count.answered_at for count in self._providers.values())


class ChatCallCounts:
    """How many calls each chat had lately. Open to every thread.

    Args:
        clock: monotonic, in seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._lock = threading.Lock()
        self._clock = clock
        self._by_chat: dict[str, deque[float]] = {}

    def add(self, chat: str) -> None:
        """Count a call for this chat."""
        now = self._clock()
        with self._lock:
            if len(self._by_chat) >= _MANY_CHATS:
                self._by_chat = {
                    each: calls for each, calls in self._by_chat.items() if now - calls[-1] < _HOUR_SECONDS
                }
            self._by_chat.setdefault(chat, deque(maxlen=_MANY_CALLS)).append(now)

    def within_hour(self, chat: str) -> int:
        """How many calls a chat had within the last hour."""
        oldest = self._clock() - _HOUR_SECONDS
        with self._lock:
            calls = self._by_chat.get(chat)
            while calls and calls[0] <= oldest:
                calls.popleft()
            if calls is not None and not calls:
                del self._by_chat[chat]
            return len(calls or ())
