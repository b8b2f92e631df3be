"""The limits of a day for the models, and what of them is gone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from wabot.config.settings import Settings
from wabot.database.models import ModelUsage, database

#: All providers together; none is called so.
ALL = ""


@dataclass(frozen=True, slots=True)
class Limit:
    """What one provider, or ALL, may take in a day; 0 is no limit."""

    provider: str
    calls_per_day: int
    tokens_per_day: int

    @property
    def section(self) -> str:
        """Where in the configuration it is set."""
        return f"[[ai.providers]] {self.provider}" if self.provider else "[ai]"

    def row(self, user_id: str, day: str) -> tuple[Any, ...]:
        """The conditions that find its count."""
        usage: Any = ModelUsage
        return usage.user_id == user_id, usage.day == day, usage.provider == self.provider

    def room_for(self, tokens: int) -> tuple[Any, ...]:
        """The conditions under which one more call of so many tokens is allowed."""
        usage: Any = ModelUsage
        conditions = []
        if self.calls_per_day:
            conditions.append(usage.calls < self.calls_per_day)
        if self.tokens_per_day:
            conditions.append(usage.tokens <= self.tokens_per_day - tokens)
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
        return ", ".join([*parts, f"tokens_per_day {self.tokens}/{tokens}"] if tokens else parts)

    def __str__(self) -> str:
        parts = []
        if self.limit.calls_per_day:
            parts.append(f"{self.calls} of {self.limit.calls_per_day} calls")
        if self.limit.tokens_per_day:
            parts.append(f"{self.tokens} of {self.limit.tokens_per_day} tokens")
        return f"{self.limit.provider or 'all models'}: {', '.join(parts)} today"


def limits_of(settings: Settings) -> list[Limit]:
    """The limits that are set, that of all providers first."""
    ai = settings.ai
    of_all = [Limit(ALL, ai.calls_per_day, ai.tokens_per_day)] if ai.providers else []
    of_each = [Limit(each.name, each.calls_per_day, each.tokens_per_day) for each in ai.providers]
    return [limit for limit in (*of_all, *of_each) if limit.calls_per_day or limit.tokens_per_day]


def spending_on(settings: Settings, day: date) -> list[Spending]:
    """What of each limit is gone.

    Args:
        settings: the configuration; the database is open.
        day: in the time zone of the account.

    Raises:
        peewee.OperationalError, peewee.InterfaceError: the database is away.
    """
    limits = limits_of(settings)
    if not limits or not database.table_exists("wabot_model_usage"):
        return [Spending(limit) for limit in limits]
    usage: Any = ModelUsage
    rows = usage.select().where(usage.user_id == settings.account.user_id, usage.day == day.isoformat())
    taken = {row.provider: (row.calls, row.tokens, row.refused_tokens) for row in rows}
    return [Spending(limit, *taken.get(limit.provider, ())) for limit in limits]
