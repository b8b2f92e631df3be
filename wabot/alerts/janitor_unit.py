"""Lets the owner know when the janitor, started by its timer, refuses to clean, and when it cleans again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from wabot.alerts.dispatcher import Courier
from wabot.alerts.notice import Condition, Findings, Problem, problem_key
from wabot.config.settings import Settings
from wabot.errors import OperatorNeeded
from wabot.session.lock_holder import own_unit

JANITOR_UNITS = "wabot-janitor"
# The unit gives five minutes; what is not delivered is tried again by the bot and by the alert unit.
_PATIENCE_SECONDS = 20.0


@contextmanager
def owner_told(settings: Settings) -> Iterator[None]:
    """A run of the janitor. Who types the command reads for themselves, and is told nothing else.

    Args:
        settings: the configuration.
    """
    unit = own_unit() or ""
    courier = Courier(settings)
    if not unit.startswith(JANITOR_UNITS) or not courier.channels:
        yield
        return
    try:
        yield
    except OperatorNeeded as error:
        courier.tell(Findings([Problem(Condition.JANITOR_REFUSED, str(error))]))
        courier.deliver_within(_PATIENCE_SECONDS)
        raise
    over = (Condition.JANITOR_REFUSED, problem_key(Condition.PROCESS_FAILED, unit))
    courier.tell(Findings(cleared=over))
    courier.deliver_within(_PATIENCE_SECONDS)
