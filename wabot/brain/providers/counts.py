"""Counts what became of the calls of the models since the process started, for metrics and alerts."""

from __future__ import annotations

import copy
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from wabot.brain.output.completion import Usage
from wabot.brain.output.errors import ErrorKind


@dataclass(slots=True)
class ProviderCount:
    """What one provider did.

    `calls` counts all that were begun, `errors` those of them that failed, by kind. `answered_at` is when the
    last answer came, in seconds since 1970; None when none has.
    """

    calls: int = 0
    errors: Counter[ErrorKind] = field(default_factory=Counter)
    prompt_tokens: int = 0
    completion_tokens: int = 0
    answered_at: float | None = None


@dataclass(frozen=True, slots=True)
class ProviderOutage:
    """No provider has answered from `first_at` to `last_at`, in seconds since 1970; and why not, lastly."""

    first_at: float
    last_at: float
    reason: str


class CallCounts:
    """The counts of all providers. Open to every thread; `clock` is in seconds since 1970."""

    def __init__(self, names: Iterable[str] = (), clock: Callable[[], float] = time.time) -> None:
        self._lock = threading.Lock()
        self._clock = clock
        self._providers = {name: ProviderCount() for name in names}
        self._outage: ProviderOutage | None = None
        self._refused_chat = ""

    def answered(self, provider: str, usage: Usage) -> None:
        """A call was answered."""
        with self._lock:
            count = self._providers.setdefault(provider, ProviderCount())
            count.calls += 1
            count.prompt_tokens += usage.prompt_tokens
            count.completion_tokens += usage.completion_tokens
            count.answered_at = self._clock()
            self._outage = None
            self._refused_chat = ""

    def failed(self, provider: str, kind: ErrorKind) -> None:
        """A call failed."""
        with self._lock:
            count = self._providers.setdefault(provider, ProviderCount())
            count.calls += 1
            count.errors[kind] += 1

    def nobody_answered(self, reason: str, refused_chat: str = "") -> None:
        """A customer's question went through all providers in vain.

        `refused_chat` is whose it was where all of them refused the text: what one alone is refused says
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
