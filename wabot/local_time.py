"""Times as people read them: where the business is, as their phone shows them. For programs they stay UTC."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo


def local_text(moment: datetime, zone: ZoneInfo | None, form: str = "%Y-%m-%d %H:%M") -> str:
    """A moment on the clock of the business, with the name of its zone.

    Args:
        moment: naive UTC, or aware.
        zone: `account.timezone`; None is this machine's zone.
        form: as for strftime, without the zone.
    """
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return aware.astimezone(zone).strftime(f"{form} %Z")
