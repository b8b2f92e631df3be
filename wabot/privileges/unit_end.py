"""What systemd knows of a bot's last end, for the ends that no process could write down."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from wabot.clock import local_text
from wabot.privileges import systemd as systemd_units
from wabot.system import units as hints

_STARTED, _ENDED, _STATUS = "ExecMainStartTimestamp", "ExecMainExitTimestamp", "ExecMainStatus"


def ended_since(file: Path | None, recorded_at: datetime | None) -> str:
    """What to say of a process that was started later than the database knows, and has ended; or "".

    A configuration that cannot be used, or a database that is away, ends it before it could write why.

    Args:
        file: the configuration, None when there is none.
        recorded_at: when a process last wrote down how things are, naive UTC; None when none ever has.
    """
    if not hints.in_unit(file):
        return ""
    unit = hints.unit_of(file)
    shown = systemd_units.show(unit, _STARTED, _ENDED, _STATUS) or {}
    if shown.get(_STATUS) == "0":
        # It ended in order, and so wrote down why; what it wrote may have been put aside since.
        return ""
    started_at, ended_at = _moment(shown.get(_STARTED, "")), _moment(shown.get(_ENDED, ""))
    if started_at is None or ended_at is None or (recorded_at is not None and started_at <= recorded_at):
        return ""
    return (
        f"a start ended on {local_text(ended_at, '%Y-%m-%d %H:%M:%S')} before it could say here why: "
        f"sudo journalctl -u {unit} -n 20"
    )


def _moment(shown: str) -> datetime | None:
    """A time such as Sat 2026-11-28 22:50:58.123456 UTC, as naive UTC; None for what has not happened."""
    try:
        _, day, time, _ = shown.split()
        return datetime.fromisoformat(f"{day} {time}")
    except ValueError:
        return None
