"""Settings of each model, [[ai.providers]], and what they have to be to each other."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

from wabot.brain.settings import ProviderSettings
from wabot.config.setting_types import SettingType, duration, integer, number, text

#: Calls or tokens in a day.
BUDGET = integer(0, 1_000_000_000)


class ProviderSetting(NamedTuple):
    """One key: what it may hold, its default as it would stand in the file, and its meaning."""

    type: SettingType
    default: str
    meaning: str


PROVIDER_SETTINGS = {
    "name": ProviderSetting(
        text(longest=60, pattern=".+", allowed="a text, not empty"),
        "the model's",
        "what logs and `wabot status` call it",
    ),
    "base_url": ProviderSetting(
        text(pattern=r"https?://\S+", allowed="an address such as http://localhost:11434/v1"),
        "",
        "address of an OpenAI-compatible API, up to and with /v1",
    ),
    "model": ProviderSetting(text(longest=200), "", "the model's name there"),
    "api_key": ProviderSetting(
        text(longest=2000),
        '""',
        "credential:NAME, env:NAME or file:PATH; the key itself never stands in the file",
    ),
    "timeout": ProviderSetting(duration(0.1, 600), '"1m"', "seconds for one answer"),
    "max_tokens": ProviderSetting(
        integer(1, 100_000), "400", "longest answer, with what a reasoning model thinks before it"
    ),
    "temperature": ProviderSetting(number(0, 2), "0.7", "how freely it speaks"),
    "calls_per_day": ProviderSetting(
        BUDGET, "0", "calls of this provider in one day of the account's time zone; 0 = no limit"
    ),
    "tokens_per_day": ProviderSetting(
        BUDGET, "0", "tokens of this provider, of questions and answers, in one day; 0 = no limit"
    ),
}


def budget_problems(providers: tuple[ProviderSettings, ...], tokens_per_day: int) -> list[str]:
    """What is wrong with the budgets, one line for each problem.

    Args:
        providers: the providers.
        tokens_per_day: of all of them together; 0 for no limit.
    """
    problems = []
    names = Counter(provider.name for provider in providers)
    for position, provider in enumerate(providers, start=1):
        where = f"ai.providers[{position}]"
        limits = ((f"{where}.tokens_per_day", provider.tokens_per_day), ("ai.tokens_per_day", tokens_per_day))
        for key, limit in limits:
            if 0 < limit < provider.max_tokens:
                problems.append(
                    f"{key} = {limit}: less than one answer may take "
                    f"({where}.max_tokens = {provider.max_tokens})"
                )
        if names[provider.name] > 1 and (provider.calls_per_day or provider.tokens_per_day):
            problems.append(
                f"{where}.name: another one is called {provider.name}, too; a budget of its own needs a name "
                "of its own"
            )
    return list(dict.fromkeys(problems))
