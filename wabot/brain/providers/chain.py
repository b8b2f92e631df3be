"""Asks the providers in order until one answers, within one deadline for the reply."""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from wabot.brain.output.completion import OF_THE_PROVIDER, OF_THE_TEXT, Completion, ProviderError
from wabot.brain.providers.budget import Budget, BudgetSpent, NoBudget
from wabot.brain.providers.counts import CallCounts, ChatCallCounts
from wabot.brain.providers.guard import Guard
from wabot.brain.providers.remembered_refusals import Refusals
from wabot.brain.providers.request import PICTURES, Message, estimate_prompt_tokens
from wabot.brain.settings import ProviderSettings

if TYPE_CHECKING:
    from wabot.brain.providers.provider import Provider

_SHORTEST_CALL_SECONDS = 0.2
_RECONNECT_WAIT_SECONDS = 0.3
_JITTER = 0.3
# Of these, a chat can do nothing for or against.
_NOT_COUNTED = OF_THE_PROVIDER | {"rate_limited", "unavailable"}

log = logging.getLogger(__name__)


class NoProviderAnswered(Exception):
    """Every provider failed, was paused or has spent its budget. The message names what each did.

    Attributes:
        only_spent: whether the budgets were the only reason.
        refused: whether each of them refuses this text, which it would do again.
    """

    def __init__(self, explanation: str, *, only_spent: bool = False, refused: bool = False) -> None:
        super().__init__(explanation)
        self.only_spent = only_spent
        self.refused = refused


class ProviderChain:
    """The providers in the order of the configuration, each behind a circuit breaker.

    Safe to share by threads.
    One pass asks each provider once. If none answered, the one that may be ready soonest gets a single second
    try: after a connection that failed, or when a 429 or 5xx named a wait (Retry-After) that fits the
    deadline. Asking again is safe: nothing of a failed call has reached the customer.
    What fails for the text is not asked again for it.

    Args:
        providers: in the order in which they are asked.
        budget: asked before each call; None for no bound.
        counts: told after each call.
        calls: counts those of each chat.
        clock: monotonic, in seconds.
        wait: sleeps so many seconds.
    """

    def __init__(
        self,
        providers: Sequence[ProviderSettings],
        budget: Budget | None = None,
        counts: CallCounts | None = None,
        calls: ChatCallCounts | None = None,
        clock: Callable[[], float] = time.monotonic,
        wait: Callable[[float], None] = time.sleep,
    ) -> None:
        self._providers = providers
        self._loading = threading.Lock()
        self._loaded: list[tuple[Provider, Guard]] | None = None
        self._budget = budget or NoBudget()
        self._counts = counts or CallCounts()
        self._calls = calls or ChatCallCounts()
        self._refusals = [Refusals() for _ in providers]
        self._clock = clock
        self._wait = wait

    def complete(self, messages: Sequence[Message], deadline_seconds: float, chat: str = "") -> Completion:
        """Ask the providers in order until one answers `messages`, within `deadline_seconds` in all.

        Args:
            messages: what the model reads, each with "role" and "content".
            deadline_seconds: for all calls and the waiting between them.
            chat: whose question it is, "" when that is not known.

        Raises:
            NoProviderAnswered: no answer to use in time.
            BudgetUnknown: whether one may be asked cannot be found out now.
        """
        deadline = self._clock() + deadline_seconds
        failures: list[str] = []
        second_tries: list[tuple[float, int]] = []
        spent = refused = 0
        for place in range(len(self._providers)):
            if self._refusals[place].knows(messages, self._clock()):
                failures.append(self._of(place, "it has refused this text"))
                refused += 1
                continue
            try:
                completion = self._ask(place, messages, deadline, chat)
            except ProviderError as error:
                failures.append(str(error))
                refused += error.kind in OF_THE_TEXT
                wait = _second_try_wait(error)
                if wait is not None:
                    second_tries.append((wait, place))
            except BudgetSpent as error:
                failures.append(self._of(place, str(error)))
                spent += 1
            else:
                if completion:
                    return completion
                failures.append(self._of(place, "paused, or no time left"))
        if second_tries:
            wait, place = min(second_tries)
            wait *= 1 + random.uniform(0, _JITTER)
            if self._clock() + wait + _SHORTEST_CALL_SECONDS < deadline:
                log.info("%s", self._of(place, f"trying once more in {wait:.1f} s"))
                self._wait(wait)
                try:
                    completion = self._ask(place, messages, deadline, chat)
                except (ProviderError, BudgetSpent) as error:
                    failures.append(str(error))
                else:
                    if completion:
                        return completion
        reason = "; ".join(dict.fromkeys(failures)) or "no provider is configured"
        only_spent = 0 < spent == len(failures)
        is_refused = 0 < refused == len(failures)
        if not only_spent:
            self._counts.nobody_answered(reason, chat if is_refused else "")
        raise NoProviderAnswered(reason, only_spent=only_spent, refused=is_refused)

    @property
    def may_see(self) -> bool:
        """Whether there is a provider that is not known to be blind."""
        with self._loading:
            loaded = self._loaded
        if loaded is None:
            return any(settings.vision is not False for settings in self._providers)
        return any(PICTURES not in provider.form.without for provider, _ in loaded)

    def load(self) -> None:
        """Load what speaks HTTP now, which takes 30 ms, instead of with the first question."""
        if self._providers:
            self._links()

    def _links(self) -> list[tuple[Provider, Guard]]:
        with self._loading:
            if self._loaded is None:
                from wabot.brain.providers.provider import Provider

                self._loaded = [
                    (Provider(settings), Guard(settings, self._budget, self._counts))
                    for settings in self._providers
                ]
            return self._loaded

    def _of(self, place: int, what: str) -> str:
        return f"{self._providers[place].who}: {what}"

    def _ask(self, place: int, messages: Sequence[Message], deadline: float, chat: str) -> Completion | None:
        """Ask one provider; None when its circuit or the deadline forbids the call."""
        provider, guard = self._links()[place]
        settings = provider.settings
        seconds_left = deadline - self._clock()
        if seconds_left < _SHORTEST_CALL_SECONDS:
            return None
        longest = estimate_prompt_tokens(messages) + settings.max_tokens
        try:
            completion = guard.call(
                lambda: provider.complete(messages, seconds_left),
                longest,
                lambda answered: answered.usage.tokens,
                self._clock,
                chat,
            )
        except ProviderError as error:
            if error.kind in OF_THE_TEXT:
                self._refusals[place].add(messages, self._clock())
            if error.kind not in _NOT_COUNTED:
                self._calls.add(chat)
            raise
        if completion is not None:
            self._calls.add(chat)
            self._counts.answered(settings.name, completion.usage)
        return completion


def _second_try_wait(error: ProviderError) -> float | None:
    """The seconds after which to ask the provider again, None when that would not be wise."""
    if error.kind in ("unreachable", "dropped"):
        return _RECONNECT_WAIT_SECONDS
    if error.kind in ("rate_limited", "unavailable"):
        return error.retry_after_seconds
    return None
