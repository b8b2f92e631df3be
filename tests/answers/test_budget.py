"""The day's budget, on both engines: what is granted, what it costs, and who gets to know."""

from __future__ import annotations

import dataclasses
import logging
import threading
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.support import SAMPLE_KNOWLEDGE
from tests.support.provider_server import ProviderServer, refused_url
from wabot.answers.budget import ALL, DailyBudget, Limit, Spending, limits_of, spending_on
from wabot.brain.brain import Brain
from wabot.brain.conversation import Conversation, Turn
from wabot.brain.providers.budget import BudgetSpent, BudgetUnknown
from wabot.brain.providers.counts import CallCounts
from wabot.brain.settings import ProviderSettings, TranscriberSettings
from wabot.brain.texts import texts_for
from wabot.config.settings import AccountSettings, AiSettings, Settings
from wabot.database.models import database as bound
from wabot.trials.peers.model_behaviours import (
    completion,
    echo,
    hang_up,
    json_value,
    say,
    slow_body,
    status,
    truncated,
)
from wabot.trials.peers.model_server import Behaviour

NOON = datetime(2026, 11, 25, 12)
MONDAY, TUESDAY = date(2026, 11, 23), date(2026, 11, 24)
SAMPLE = SAMPLE_KNOWLEDGE
pytestmark = pytest.mark.usefixtures("no_proxy")


def provider(
    name: str = "gpt", url: str = "http://127.0.0.1:1/v1", calls: int = 0, tokens: int = 0, **more: Any
) -> ProviderSettings:
    return ProviderSettings(
        name,
        url,
        "tiny",
        **{"timeout_seconds": 5, "max_tokens": 100, **more},
        calls_per_day=calls,
        tokens_per_day=tokens,
    )


def with_limits(*providers: ProviderSettings, calls: int = 0, tokens: int = 0) -> Settings:
    ai = AiSettings(
        providers=providers, knowledge=Path("/nowhere"), calls_per_day=calls, tokens_per_day=tokens
    )
    return Settings(account=AccountSettings(user_id="shop"), ai=ai)


def taken(settings: Settings, day: date = MONDAY) -> dict[str, tuple[int, int]]:
    return {
        each.limit.provider: (each.calls, each.tokens)
        for each in spending_on(settings.account, settings.ai, day)
    }


def budget(settings: Settings) -> DailyBudget:
    return DailyBudget(settings.account, settings.ai, lambda: MONDAY)


def ask(brain: Brain, text: str = "¿quién ganó el mundial?") -> Any:
    return brain.reply(Conversation((Turn("user", text),), "es", "Ana"), NOON)


# What is granted.


def test_calls_are_counted_and_the_next_day_begins_anew(database: Any) -> None:
    gpt = provider(calls=2)
    settings = with_limits(gpt)
    for _ in range(2):
        reservation = budget(settings).reserve(gpt, 50)
        budget(settings).settle(reservation, 1, 20)
    with pytest.raises(BudgetSpent, match="the day's budget of gpt is spent"):
        budget(settings).reserve(gpt, 1)
    assert taken(settings) == {"gpt": (2, 40)}
    DailyBudget(settings.account, settings.ai, lambda: TUESDAY).reserve(gpt, 1)
    assert taken(settings, TUESDAY) == {"gpt": (1, 1)}


def test_tokens_are_set_aside_before_the_call_and_corrected_after_it(database: Any) -> None:
    gpt = provider(tokens=1000)
    settings = with_limits(gpt)
    first = budget(settings).reserve(gpt, 600)
    with pytest.raises(BudgetSpent):
        budget(settings).reserve(gpt, 401)
    second = budget(settings).reserve(gpt, 400)
    budget(settings).settle(first, 1, 150)
    budget(settings).settle(second, 0, 0)
    assert taken(settings) == {"gpt": (1, 150)}
    budget(settings).reserve(gpt, 850)


def test_a_call_over_midnight_belongs_to_the_day_it_began(database: Any) -> None:
    gpt = provider(tokens=1000)
    settings = with_limits(gpt)
    reservation = budget(settings).reserve(gpt, 600)
    DailyBudget(settings.account, settings.ai, lambda: TUESDAY).settle(reservation, 1, 100)
    assert taken(settings) == {"gpt": (1, 100)}
    assert taken(settings, TUESDAY) == {"gpt": (0, 0)}


def test_a_limit_of_all_and_of_each(database: Any) -> None:
    a, b, c = provider("a", calls=1), provider("b", tokens=500), provider("c")
    settings = with_limits(a, b, c, calls=3)
    budget(settings).reserve(a, 10)
    with pytest.raises(BudgetSpent, match="of a is spent"):
        budget(settings).reserve(a, 10)
    with pytest.raises(BudgetSpent, match="of b is spent"):
        budget(settings).reserve(b, 501)
    # What was refused by one limit is counted in none.
    assert taken(settings) == {ALL: (1, 10), "a": (1, 10), "b": (0, 0)}
    budget(settings).reserve(b, 500)
    budget(settings).reserve(c, 7)
    with pytest.raises(BudgetSpent, match="of all models is spent"):
        budget(settings).reserve(c, 1)
    assert taken(settings) == {ALL: (3, 517), "a": (1, 10), "b": (1, 500)}


def test_accounts_do_not_share(database: Any) -> None:
    gpt = provider(calls=1)
    settings = with_limits(gpt)
    other = dataclasses.replace(settings, account=AccountSettings(user_id="north"))
    for each in (settings, other):
        budget(each).reserve(gpt, 1)
    assert taken(settings) == taken(other) == {"gpt": (1, 1)}


def test_seconds_of_a_transcriber_are_of_no_budget_of_models(
    database: Any, caplog: pytest.LogCaptureFixture
) -> None:
    ears = TranscriberSettings("gpt", "http://127.0.0.1:1/v1", "m", seconds_per_day=100)
    gpt = provider(calls=5)
    models = with_limits(gpt, calls=1, tokens=500)
    settings = replace(models, ai=replace(models.ai, transcribers=(ears,)))
    reservation = budget(settings).reserve(ears, 60)
    with pytest.raises(BudgetSpent, match="of gpt is spent"):
        budget(settings).reserve(ears, 41)
    assert "budget of transcriber gpt is spent" in caplog.text
    budget(settings).settle(reservation, 1, 20)
    assert taken(settings) == {ALL: (0, 0), "gpt": (0, 0), ears.budget_name: (1, 20)}
    of_ears = spending_on(settings.account, settings.ai, MONDAY)[-1]
    assert str(of_ears) == "gpt: 20 of 100 seconds today"
    assert (of_ears.in_settings, of_ears.limit.section) == (
        "seconds_per_day 20/100",
        "[[ai.transcribers]] gpt",
    )
    budget(settings).reserve(gpt, 10)
    assert taken(settings)["gpt"] == (1, 10)


def test_without_a_limit_the_database_is_not_asked() -> None:
    gpt = provider()
    settings = with_limits(gpt)
    assert limits_of(settings.ai) == []
    grants = DailyBudget(settings.account, settings.ai)
    grants.settle(grants.reserve(gpt, 10**9), 1, 10**9)


@pytest.mark.parametrize(("limits", "most"), [({"calls": 7}, 7), ({"tokens": 1000}, 10)])
def test_a_burst_of_workers_cannot_run_past_it(database: Any, limits: dict[str, int], most: int) -> None:
    """Twenty at once, each on a connection of its own."""
    gpt = provider(**limits)
    settings = with_limits(gpt)
    grants, begin = budget(settings), threading.Barrier(20)
    granted: list[bool] = []

    def take() -> None:
        begin.wait(20)
        try:
            grants.reserve(gpt, 100)
        except BudgetSpent:
            granted.append(False)
        else:
            granted.append(True)
        finally:
            bound.close()

    threads = [threading.Thread(target=take) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(granted) == [False] * (20 - most) + [True] * most
    assert taken(settings) == {"gpt": (most, 100 * most)}


def test_a_database_that_is_away_grants_nothing_and_loses_no_reservation(
    sqlite_database: Any, caplog: pytest.LogCaptureFixture
) -> None:
    gpt = provider(calls=5)
    settings = with_limits(gpt)
    reservation = budget(settings).reserve(gpt, 100)
    sqlite_database.execute_sql("ALTER TABLE wabot_model_usage RENAME TO gone")
    with pytest.raises(BudgetUnknown, match="is not known"):
        budget(settings).reserve(gpt, 100)
    budget(settings).settle(reservation, 1, 20)
    assert "counts with all 100 set aside" in caplog.text
    sqlite_database.execute_sql("ALTER TABLE gone RENAME TO wabot_model_usage")
    assert taken(settings) == {"gpt": (1, 100)}


def test_it_is_logged_once_a_day_restarts_or_not(database: Any, caplog: pytest.LogCaptureFixture) -> None:
    gpt = provider(calls=1)
    settings = with_limits(gpt)
    for day in (MONDAY, TUESDAY):
        for _ in range(4):
            grants = DailyBudget(settings.account, settings.ai, lambda day=day: day)
            try:
                grants.reserve(gpt, 1)
            except BudgetSpent:
                continue
    assert [record.levelno for record in caplog.records] == [logging.WARNING] * 2
    assert "the day's budget of provider gpt is spent" in caplog.text


@pytest.mark.parametrize(
    ("limit", "calls", "tokens", "refused", "spent"),
    [
        ((10, 0), 10, 0, None, False),
        ((10, 0), 10, 0, 1, True),
        ((11, 0), 10, 0, 1, False),
        ((0, 1000), 3, 950, 51, True),
        ((0, 1001), 3, 950, 51, False),
        ((10, 1000), 10, 0, 5, True),
    ],
)
def test_spent_is_what_refuses_and_a_raised_limit_ends_it(
    limit: tuple[int, int], calls: int, tokens: int, refused: int | None, spent: bool
) -> None:
    assert Spending(Limit("gpt", *limit), calls, tokens, refused).is_spent is spent


# What a call costs.

COSTS: dict[str, tuple[Behaviour, tuple[int, int]]] = {
    "as the provider counts": (echo(), (1, 18)),
    "estimated where it does not": (json_value({**completion("a" * 350), "usage": None}), (1, -1)),
    "nothing said, but counted": (say("<think>hmm"), (1, 18)),
    "refused": (status(429), (1, 0)),
    "out of order": (status(500), (1, 0)),
    "rejected": (status(400), (1, 0)),
    "broken off, perhaps charged": (truncated(), (1, -2)),
    "hung up, perhaps charged": (hang_up(), (1, -2)),
    "too slow, perhaps charged": (slow_body(), (1, -2)),
}


@pytest.mark.parametrize("case", COSTS)
def test_what_a_call_costs(sqlite_database: Any, server: ProviderServer, case: str) -> None:
    behaviour, (calls, tokens) = COSTS[case]
    server.default = behaviour
    slow = {"timeout_seconds": 0.4} if "slow" in case else {}
    settings = with_limits(provider(url=server.base_url, tokens=100_000, **slow))
    ask(Brain(settings.brain, budget(settings)))
    prompt = sum(len(message["content"]) for message in server.requests[0].messages) / 3.5
    # hung up: the chain asks once more.
    asked = len(server.requests)
    found_calls, found_tokens = taken(settings)["gpt"]
    assert found_calls == calls * asked
    if tokens >= 0:
        assert found_tokens == tokens * asked
    else:
        answer_tokens = 104 if tokens == -1 else 100
        assert found_tokens == pytest.approx(asked * (prompt + answer_tokens), rel=0.05)


def test_what_never_left_costs_nothing(sqlite_database: Any) -> None:
    settings = with_limits(provider(url=refused_url(), calls=5, tokens=100_000))
    ask(Brain(settings.brain, budget(settings)))
    assert taken(settings) == {"gpt": (0, 0)}


# The chain.


def test_a_spent_provider_is_skipped_then_the_knowledge_answers_then_a_polite_sentence(
    sqlite_database: Any, server: ProviderServer, caplog: pytest.LogCaptureFixture
) -> None:
    with ProviderServer() as second:
        settings = with_limits(
            provider("a", server.base_url, calls=1), provider("b", second.base_url, calls=2), calls=3
        )
        settings = dataclasses.replace(settings, ai=dataclasses.replace(settings.ai, knowledge=SAMPLE))
        counts = CallCounts()
        brain = Brain(settings.brain, budget(settings), counts)
        assert [ask(brain).source for _ in range(3)] == ["model:a", "model:b", "model:b"]
        assert ask(brain, "¿puedo pagar con bizum?").source == "knowledge"
        assert ask(brain).parts == (texts_for("es").cannot_answer,)
        assert (len(server.requests), len(second.requests)) == (1, 2)
    # That is no failure of the models, and no news each time.
    assert counts.outage is None
    assert [record.levelno for record in caplog.records] == [logging.WARNING] * 2


def test_a_spent_provider_keeps_its_trial_for_later(sqlite_database: Any, server: ProviderServer) -> None:
    """A circuit that is half open must not stay so because the budget forbade the call."""
    from wabot.brain.providers.chain import NoProviderAnswered, ProviderChain

    server.default = status(500)
    gpt = provider(url=server.base_url, calls=3)
    day, now = [MONDAY], [1000.0]
    settings = with_limits(gpt)
    chain = ProviderChain(
        [gpt],
        DailyBudget(settings.account, settings.ai, lambda: day[0]),
        clock=lambda: now[0],
        wait=lambda seconds: None,
    )
    hello = [{"role": "user", "content": "hola"}]
    for _ in range(3):
        with pytest.raises(NoProviderAnswered) as caught:
            chain.complete(hello, 60)
        assert not caught.value.only_spent
    now[0] += 31
    with pytest.raises(NoProviderAnswered) as caught:
        chain.complete(hello, 60)
    assert caught.value.only_spent
    day[0], server.default = TUESDAY, echo()
    assert chain.complete(hello, 60).text == "echo: hola"
