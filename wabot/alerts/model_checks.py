"""Says what is wrong with the models: that none answers, or that a budget is spent."""

from __future__ import annotations

from datetime import date

from wabot.alerts.notice import Condition, Findings, Problem, problem_key, span
from wabot.answers.spending import limits_of, spending_on
from wabot.brain.providers.counts import Tally
from wabot.config.settings import Settings
from wabot.database.errors import AWAY
from wabot.database.models import database


def look_at_models(tally: Tally, down_seconds: float) -> Findings:
    """Whether a model answers.

    Only a question tells: the outage is as long as the time between the first and the last that went
    unanswered, and over when one is answered. While nobody asks, nothing is known.

    Args:
        tally: what became of the calls.
        down_seconds: how long the models may be down before that is worth an alert.
    """
    outage = tally.outage
    if outage is not None and outage.last_at - outage.first_at >= down_seconds:
        values = (("span", span(down_seconds)),)
        return Findings([Problem(Condition.MODEL_DOWN, outage.reason, values)])
    return Findings(cleared=[Condition.MODEL_DOWN] if tally.is_answering else [])


def look_at_budget(settings: Settings, day: date) -> Findings:
    """Whether a day's budget is spent.

    Args:
        settings: the configuration.
        day: today, where the account is.
    """
    if not limits_of(settings):
        return Findings()
    try:
        spending = spending_on(settings, day)
    except AWAY:
        # That it is away is told by another look.
        database.close()
        return Findings()
    problems, cleared = [], []
    for each in spending:
        if each.is_spent:
            values = (("limit", each.limit.section), ("spent", each.in_settings))
            problems.append(Problem(Condition.BUDGET_SPENT, values=values, subject=each.limit.provider))
        else:
            cleared.append(problem_key(Condition.BUDGET_SPENT, each.limit.provider))
    return Findings(problems, cleared)
