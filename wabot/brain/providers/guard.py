"""What stands before an endpoint that costs: its circuit breaker, the day's budget, and who counts."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TypeVar

from wabot.brain.output.completion import OF_THE_PROVIDER, OF_THE_TEXT, ProviderError
from wabot.brain.providers.budget import Budget, Payee, cost_of_failure
from wabot.brain.providers.circuit import CircuitBreaker
from wabot.brain.providers.counts import CallCounts

_Answer = TypeVar("_Answer")

log = logging.getLogger(__name__)


class Guard:
    """Lets calls of one endpoint through. Safe to share by threads.

    Args:
        payee: whose endpoint it is.
        budget: asked before each call.
        counts: told of each that failed.
    """

    def __init__(self, payee: Payee, budget: Budget, counts: CallCounts) -> None:
        self._payee = payee
        self._budget = budget
        self._counts = counts
        self._circuit = CircuitBreaker()

    def call(
        self,
        ask: Callable[[], _Answer],
        most: int,
        cost: Callable[[_Answer], int],
        clock: Callable[[], float],
        chat: str = "",
    ) -> _Answer | None:
        """Make one call, if it may be made now.

        Args:
            ask: makes it.
            most: what it is expected to take at most, in what the budget counts.
            cost: what an answer took.
            clock: monotonic, in seconds.
            chat: whose question it is, "" where that is not known.

        Returns:
            The answer; None where the circuit forbids the call.

        Raises:
            ProviderError: as `ask` does.
            BudgetSpent, BudgetUnknown: it may not be made, or that is not known.
        """
        if not self._circuit.try_acquire(clock()):
            return None
        try:
            reservation = self._budget.reserve(self._payee, most)
        except BaseException:
            self._circuit.give_back()
            raise
        healthy, at_fault = False, ""
        try:
            answer = ask()
            healthy = True
        except ProviderError as error:
            log.warning("%s", error)
            self._counts.failed(self._payee.name, error.kind)
            self._budget.settle(reservation, *cost_of_failure(error, most))
            # What one chat sent was at fault; others are answered.
            healthy = error.kind in OF_THE_TEXT
            if error.kind not in OF_THE_PROVIDER:
                at_fault = chat
            raise
        finally:
            if healthy:
                self._circuit.record_success()
            else:
                pause = self._circuit.record_failure(clock(), at_fault)
                if pause is not None:
                    log.warning("%s: failing; not asked for %.0f s", self._payee.who, pause)
        self._budget.settle(reservation, 1, cost(answer))
        return answer
