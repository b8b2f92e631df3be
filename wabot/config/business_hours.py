"""The hours in which the bot answers, and the window between them in which it is away. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

ALLOWED = 'days and times such as "mon-fri 09:00-18:00", "sat 10:00-14:00", "sun 22:00-02:00"'
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_SPAN = re.compile(r"([a-z]{3})(?:\s*-\s*([a-z]{3}))?\s+(\d\d?):(\d\d)\s*-\s*(\d\d?):(\d\d)")
_DAY_MINUTES = 24 * 60
_WEEK = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class OpenSpan:
    """When the business is open: from one minute of the day to another, on some days of the week.

    Attributes:
        days: 0 is Monday.
        opens_minute, closes_minute: since midnight; closing at or before opening means the next day.
    """

    days: tuple[int, ...]
    opens_minute: int
    closes_minute: int


def parse_span(text: str) -> OpenSpan:
    """Read "mon-fri 09:00-18:00"; raises ValueError for anything else."""
    match = _SPAN.fullmatch(text.strip().lower())
    if match is None:
        raise ValueError(text)
    first = _DAYS.index(match[1])
    last = _DAYS.index(match[2] or match[1])
    days = tuple((first + step) % 7 for step in range((last - first) % 7 + 1))
    opens, closes = (_minute(match[at], match[at + 1]) for at in (3, 5))
    if opens == _DAY_MINUTES:
        raise ValueError(text)
    return OpenSpan(days, opens, closes if closes > opens else closes + _DAY_MINUTES)


def away_since(spans: Sequence[OpenSpan], zone: ZoneInfo | None, now: datetime) -> datetime | None:
    """When the present closed window began.

    Args:
        spans: when the bot answers; none means always.
        zone: the time zone of the spans; None is the machine's own.
        now: naive UTC.

    Returns:
        Naive UTC, or None while it is open.
    """
    if not spans:
        return None
    local = now.replace(tzinfo=UTC).astimezone(zone)
    today = local.replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=None)
    wall = local.replace(tzinfo=None)
    closings = []
    for span in spans:
        # A week back, because the last closing may be that long ago.
        for days_ago in range(9):
            day = today - timedelta(days=days_ago)
            if day.weekday() not in span.days:
                continue
            opens = day + timedelta(minutes=span.opens_minute)
            closes = day + timedelta(minutes=span.closes_minute)
            if opens <= wall < closes:
                return None
            if closes <= wall:
                closings.append(closes)
                break
    latest = max(closings, default=wall - _WEEK)
    local_closing = latest.replace(tzinfo=zone) if zone else latest.astimezone()
    return local_closing.astimezone(UTC).replace(tzinfo=None)


def _minute(hours: str, minutes: str) -> int:
    minute = int(hours) * 60 + int(minutes)
    if int(minutes) > 59 or minute > _DAY_MINUTES:
        raise ValueError(f"{hours}:{minutes}")
    return minute
