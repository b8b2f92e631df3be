"""What systemd says of units. Root asks it on a socket of its own, also where there is no D-Bus."""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path

from wabot.clock import local_text
from wabot.privileges import root_helper as root_hand
from wabot.privileges import systemd as systemd_units
from wabot.system import units as hints

SHOW = "show a unit"

_ASK_SECONDS = 10.0


def show(unit: str, *properties: str) -> dict[str, str] | None:
    """Properties of a unit, with times in UTC; None where systemd cannot be asked.

    Args:
        unit: its name.
        properties: their names.
    """
    if root_hand.is_elsewhere():
        found: dict[str, str] | None = root_hand.do(SHOW, unit=unit, properties=list(properties))
        return found
    return show_here(unit, list(properties))


def show_here(unit: str, properties: list[str]) -> dict[str, str] | None:
    """The same, asked by this process."""
    # Here, because it takes 3 ms, and most commands do without.
    import subprocess

    if not re.fullmatch(r"[A-Za-z0-9:_.@\\-]{1,255}", unit):
        return None
    command = ["systemctl", "show", "--timestamp=us+utc", f"--property={','.join(properties)}", "--", unit]
    try:
        shown = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_ASK_SECONDS,
            check=False,
            # Away from the terminal of whoever typed the command.
            start_new_session=True,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    if shown.returncode:
        return None
    return dict(line.split("=", 1) for line in shown.stdout.splitlines() if "=" in line)


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
