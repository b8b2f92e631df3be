"""When each part of an answer may leave: at a human pace. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from wabot.config.settings import ReplySettings

LONGEST_TYPING_SECONDS = 20.0


def paced(
    parts: Sequence[str], arrived_at: datetime, now: datetime, settings: ReplySettings
) -> list[tuple[str, datetime]]:
    """Give each part the earliest time to leave.

    The pace counts from the customer's message, so that the time a model takes is not added to it.

    Args:
        parts: the messages, in order.
        arrived_at: when the last message they answer came, naive UTC.
        now: naive UTC.
        settings: `delay_message` and `time_per_char`; without `typing` everything leaves at once.
    """
    if not settings.typing:
        return [(part, now) for part in parts]
    times = []
    # A message that came later than now came before the clock was set back.
    at = min(arrived_at, now)
    for part in parts:
        typing_seconds = min(len(part) * settings.time_per_char, LONGEST_TYPING_SECONDS)
        at = max(at + timedelta(seconds=settings.delay_message + typing_seconds), now)
        times.append((part, at))
    return times
