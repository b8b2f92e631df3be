"""Keeps models and transcribers within the day's budget: counted in the database before it is spent."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from wabot.brain.providers.budget import BudgetSpent, BudgetUnknown, Payee, Reservation
from wabot.brain.settings import TRANSCRIBER_BUDGETS
from wabot.config.settings import AccountSettings, AiSettings
from wabot.database.errors import AWAY
from wabot.database.lent_connections import rest
from wabot.database.models import ModelUsage, database
from wabot.database.workers import while_away

log = logging.getLogger(__name__)


class DailyBudget:
    """Grants calls while the day's limits have room for them. Open to every thread.

    What a call may take at most is set aside before it is made, so that many at once cannot run past a limit,
    and corrected when it is over. A process that is killed in between leaves it set aside.

    Args:
        account: whose budget it is; the database is open.
        ai: the limits.
        today: the day it is in the time zone of the account.
    """

    def __init__(
        self, account: AccountSettings, ai: AiSettings, today: Callable[[], date] | None = None
    ) -> None:
        self._user_id = account.user_id
        self._limits = limits_of(ai)
        self._today = today or (lambda: account.local_time().date())

    def reserve(self, payee: Payee, tokens: int) -> Reservation:
        """Set one call aside.

        Args:
            payee: who is to be called.
            tokens: the most it is expected to take; of a transcriber, seconds.

        Raises:
            BudgetSpent: a limit has no room for it.
            BudgetUnknown: the database cannot be asked.
        """
        day = self._today().isoformat()
        try:
            refused = self._take(self._limits_for(payee), day, tokens)
            if refused is not None:
                self._tell_once(refused, day, tokens)
        except AWAY as error:
            database.close()
            raise BudgetUnknown(f"what is left of the day's budget is not known: {error}") from None
        rest()
        if refused is not None:
            raise BudgetSpent(f"the day's budget of {refused.name} is spent")
        return Reservation(day, payee, tokens)

    def settle(self, reservation: Reservation, calls: int, tokens: int) -> None:
        """Correct what was set aside.

        Args:
            reservation: the call that is over.
            calls: 0 when nothing was sent, else 1.
            tokens: what it took.
        """
        tokens_aside = reservation.tokens
        with while_away(f"a call counts with all {tokens_aside} set aside"), database.atomic():
            for limit in self._limits_for(reservation.payee):
                self._add(limit, reservation.day, calls - 1, tokens - tokens_aside)

    def _limits_for(self, payee: Payee) -> list[Limit]:
        name = payee.budget_name
        is_model = not name.startswith(TRANSCRIBER_BUDGETS)
        return [
            limit for limit in self._limits if limit.provider == name or (is_model and limit.provider == ALL)
        ]

    def _take(self, limits: Sequence[Limit], day: str, tokens: int) -> Limit | None:
        """Count a call in each of the limits; or in none, and return the one that has no room for it."""
        for limit in limits:
            ModelUsage.insert(
                user_id=self._user_id, day=day, provider=limit.provider
            ).on_conflict_ignore().execute()
        with database.atomic() as transaction:
            for limit in limits:
                # The condition within the update: two at once cannot both take the last room.
                if not self._add(limit, day, 1, tokens, *limit.room_for(tokens)):
                    transaction.rollback()
                    return limit
        return None

    def _add(self, limit: Limit, day: str, calls: int, tokens: int, *conditions: Any) -> int:
        added = {ModelUsage.calls: ModelUsage.calls + calls, ModelUsage.tokens: ModelUsage.tokens + tokens}
        changed: int = ModelUsage.update(added).where(*limit.row(self._user_id, day), *conditions).execute()
        return changed

    def _tell_once(self, limit: Limit, day: str, tokens: int) -> None:
        """Write down that a call was refused, and log it the first time on a day, restarts or not."""
        unknown = (*limit.row(self._user_id, day), ModelUsage.refused_tokens.is_null())
        if ModelUsage.update(refused_tokens=tokens).where(*unknown).execute():
            log.warning("the day's budget of %s is spent: it is not asked again until midnight", limit)


#: All providers together; none is called so.
ALL = ""


@dataclass(frozen=True, slots=True)
class Limit:
    """What one provider, or ALL, or one transcriber may take in a day; 0 is no limit.

    `tokens_per_day` of a transcriber are seconds.
    """

    provider: str
    calls_per_day: int
    tokens_per_day: int

    @property
    def section(self) -> str:
        """Where in the configuration it is set."""
        if self._is_transcriber:
            return self.provider
        return f"[[ai.providers]] {self.provider}" if self.provider else "[ai]"

    @property
    def unit(self) -> str:
        """What is counted besides calls."""
        return "seconds" if self._is_transcriber else "tokens"

    @property
    def name(self) -> str:
        """Whose it is, for people."""
        return self.provider.removeprefix(TRANSCRIBER_BUDGETS) or "all models"

    @property
    def _is_transcriber(self) -> bool:
        return self.provider.startswith(TRANSCRIBER_BUDGETS)

    def __str__(self) -> str:
        if not self.provider:
            return self.name
        return f"{'transcriber' if self._is_transcriber else 'provider'} {self.name}"

    def row(self, user_id: str, day: str) -> tuple[Any, ...]:
        """The conditions that find its count."""
        return ModelUsage.user_id == user_id, ModelUsage.day == day, ModelUsage.provider == self.provider

    def room_for(self, tokens: int) -> tuple[Any, ...]:
        """The conditions under which one more call of so many tokens is allowed."""
        conditions = []
        if self.calls_per_day:
            conditions.append(ModelUsage.calls < self.calls_per_day)
        if self.tokens_per_day:
            conditions.append(ModelUsage.tokens <= self.tokens_per_day - tokens)
        return tuple(conditions)


@dataclass(frozen=True, slots=True)
class Spending:
    """What of a limit is gone.

    Attributes:
        limit: the limit.
        calls, tokens: taken on that day.
        refused_tokens: what the first call would have taken that found no room; None when none was refused.
    """

    limit: Limit
    calls: int = 0
    tokens: int = 0
    refused_tokens: int | None = None

    @property
    def is_spent(self) -> bool:
        """Whether calls are refused; no more when the limit was raised since."""
        if self.refused_tokens is None:
            return False
        calls, tokens = self.limit.calls_per_day, self.limit.tokens_per_day
        return 0 < calls <= self.calls or 0 < tokens < self.tokens + self.refused_tokens

    @property
    def in_settings(self) -> str:
        """The same in the names of the settings, which need no translation."""
        calls, tokens = self.limit.calls_per_day, self.limit.tokens_per_day
        parts = [f"calls_per_day {self.calls}/{calls}"] if calls else []
        return ", ".join([*parts, f"{self.limit.unit}_per_day {self.tokens}/{tokens}"] if tokens else parts)

    def __str__(self) -> str:
        parts = []
        if self.limit.calls_per_day:
            parts.append(f"{self.calls} of {self.limit.calls_per_day} calls")
        if self.limit.tokens_per_day:
            parts.append(f"{self.tokens} of {self.limit.tokens_per_day} {self.limit.unit}")
        return f"{self.limit.name}: {', '.join(parts)} today"


def limits_of(ai: AiSettings) -> list[Limit]:
    """The limits that are set: that of all providers, of each, and of each transcriber."""
    of_all = [Limit(ALL, ai.calls_per_day, ai.tokens_per_day)] if ai.providers else []
    of_each = [Limit(each.name, each.calls_per_day, each.tokens_per_day) for each in ai.providers]
    of_ears = [Limit(each.budget_name, 0, each.seconds_per_day) for each in ai.transcribers]
    return [limit for limit in (*of_all, *of_each, *of_ears) if limit.calls_per_day or limit.tokens_per_day]


def spending_on(account: AccountSettings, ai: AiSettings, day: date) -> list[Spending]:
    """What of each limit is gone.

    Args:
        account: whose; the database is open.
        ai: the limits.
        day: in the time zone of the account.

    Raises:
        peewee.OperationalError, peewee.InterfaceError: the database is away.
    """
    limits = limits_of(ai)
    if not limits or not database.table_exists("wabot_model_usage"):
        return [Spending(limit) for limit in limits]
    rows = ModelUsage.select().where(ModelUsage.user_id == account.user_id, ModelUsage.day == day.isoformat())
    taken = {row.provider: (row.calls, row.tokens, row.refused_tokens) for row in rows}
    return [Spending(limit, *taken.get(limit.provider, ())) for limit in limits]
