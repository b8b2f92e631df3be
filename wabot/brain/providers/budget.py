"""What a day of calls may cost: asked before each call, told afterwards what it came to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from wabot.brain.output.completion import ProviderError


class BudgetSpent(Exception):
    """The day's budget has no room for one more call. The message is for the operator."""


class BudgetUnknown(Exception):
    """What is left of the day's budget cannot be found out now. The message is for the operator."""


class Payee(Protocol):
    """Who is called and paid: the settings of an endpoint."""

    @property
    def name(self) -> str:
        """What counts and configuration call it."""

    @property
    def who(self) -> str:
        """What the journal calls it."""

    @property
    def budget_name(self) -> str:
        """Under which name its budget is kept."""


@dataclass(frozen=True, slots=True)
class Reservation:
    """One call that may be made: on which day, of whom, and the most it is expected to take.

    That is tokens of a model, and seconds of sound of what listens.
    """

    day: str
    payee: Payee
    tokens: int


class Budget(Protocol):
    """Grants calls. Open to every thread."""

    def reserve(self, payee: Payee, tokens: int) -> Reservation:
        """Set one call of at most `tokens` aside.

        Raises:
            BudgetSpent: that would be more than allowed.
            BudgetUnknown: whether it would be is not known.
        """

    def settle(self, reservation: Reservation, calls: int, tokens: int) -> None:
        """Write down what a call that is over came to: so many calls (0 when nothing was sent) and tokens."""


class NoBudget:
    """Grants everything."""

    def reserve(self, payee: Payee, tokens: int) -> Reservation:
        """Set nothing aside."""
        return Reservation("", payee, tokens)

    def settle(self, reservation: Reservation, calls: int, tokens: int) -> None:
        """Keep no count."""


def cost_of_failure(error: ProviderError, reserved_tokens: int) -> tuple[int, int]:
    """How many calls and tokens a failed call comes to.

    A call that was refused counts, because providers limit those as well, but costs no tokens. One that broke
    off may have been answered and charged: it costs all that was reserved.
    """
    if error.kind in ("unreachable", "misconfigured"):
        return 0, 0
    if error.usage is not None:
        return 1, error.usage.tokens
    charged = error.kind in ("timeout", "dropped", "too_large", "malformed")
    return 1, reserved_tokens if charged else 0
