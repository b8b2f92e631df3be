"""Times as people read them: where the business is, as its phone shows them. For programs they stay UTC."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

_zone: ZoneInfo | None = None


def configure_zone(zone: ZoneInfo | None) -> None:
    """From now on people read times of this zone (`account.timezone`); None is this machine's."""
    global _zone
    _zone = zone


def local(moment: datetime) -> datetime:
    """A moment on the clock of the business.

    Args:
        moment: naive UTC, or aware.
    """
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(_zone)


def local_text(moment: datetime, form: str = "%Y-%m-%d %H:%M") -> str:
    """The same as text, with the name of the zone behind it.

    Args:
        moment: naive UTC, or aware.
        form: as for strftime, without the zone.
    """
    return local(moment).strftime(f"{form} %Z")
